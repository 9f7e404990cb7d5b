"""Genomes of one contig, and how variants on them are looked at, for the tests of engines."""

from collections.abc import Sequence

import numpy as np

from enformer_vep.genome.codes import N_CODE, Codes
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.layout import FetchCodes
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.views import Comparison, ViewSettings
from enformer_vep.genome.windows import IndelPolicy, Placement
from enformer_vep.inference.engine import ByStatistic
from enformer_vep.scoring import STATISTICS, Statistic

OFFICIAL_VIEWS = ViewSettings(indels=IndelPolicy.LEFT)
"""One strand, no shift, and the left flank in place."""

ALL_STATISTICS = tuple(STATISTICS.values())
SUMS = tuple(STATISTICS[name] for name in ("SAD", "SAR", "REF", "ALT"))


class Contig:
    """A made-up contig as codes; N beyond its ends."""

    def __init__(self, codes: Codes) -> None:
        self.codes = codes

    def fetch(self, interval: Interval) -> Codes:
        """Returns the codes of an interval."""
        found = np.full(interval.length, N_CODE, dtype=np.uint8)
        start, end = max(interval.start, 0), min(interval.end, len(self.codes))
        if start < end:
            found[start - interval.start : end - interval.start] = self.codes[start:end]
        return found

    def letters(self, start: int, end: int) -> str:
        """Returns the letters from start to end, 0-based and half-open."""
        return "".join("ACGTN"[code] for code in self.fetch(Interval("1", start, end)))


def look_at(
    variant: Variant,
    fetch: FetchCodes,
    geometry: Geometry,
    *,
    placement: str = "centred",
    views: ViewSettings | None = None,
    bins: str = "all",
) -> Comparison:
    """Returns how a variant is looked at; its contig is named as in the genome."""
    window = Placement.parse(placement).window(variant, variant.chrom, geometry).interval
    edit = Edit.of(variant, variant.chrom, fetch, window.length)
    return Comparison(
        (views or OFFICIAL_VIEWS).views(window, edit, geometry),
        ScoredBins.parse(bins).weights(window, variant.start, geometry),
    )


def assert_agree(
    found: ByStatistic,
    expected: ByStatistic,
    statistics: Sequence[Statistic] = ALL_STATISTICS,
    *,
    tolerance: float = 2e-3,
    noise: float = 1.0,
    is_low_precision: bool = False,
) -> None:
    """Compares statistics: their errors are small beside their spread over tracks, and beside what float32 rounds.

    Args:
      found: the statistics of an engine, with REF among them.
      expected: those of another.
      statistics: the statistics to compare.
      tolerance: the largest error, relative to the spread over tracks.
      noise: a factor of the float32 rounding that is no error.
      is_low_precision: compare the root mean square over tracks, not the largest error of a track.
    """
    for statistic in statistics:
        one, other = found[statistic.name], expected[statistic.name]
        if statistic.has_uncertain_sign:
            one, other = np.abs(one), np.abs(other)
        spread = max(other.std(), np.abs(other).mean())
        rounding = noise * np.abs(statistic.noise(expected["REF"], other)).max()
        error = np.sqrt(np.mean((one - other) ** 2)) if is_low_precision else np.abs(one - other).max()
        # A divergence grows with the square of an effect; a single bin is as exact as all in float32 alone.
        order = 2 if statistic.name.endswith("JS") or (is_low_precision and statistic.has_uncertain_sign) else 1
        assert error <= order * tolerance * spread + rounding, f"{statistic.name}: {error:.2e}, spread {spread:.2e}"
