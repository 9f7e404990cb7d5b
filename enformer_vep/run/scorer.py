"""Scores variants one after another: decides which can be scored, and how they are looked at. Knows no files."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, SkipReason
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Variant, check_alleles
from enformer_vep.genome.views import Comparison
from enformer_vep.genome.windows import Window, max_allele_bp
from enformer_vep.inference.engine import Engine, Scores
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.io.tracks import TrackTable
from enformer_vep.run.prefetch import read_ahead
from enformer_vep.run.settings import ScoringSettings

NUM_AHEAD = 8
"""Comparisons that are prepared while the device works."""

VariantScores = npt.NDArray[np.float32]


class Unscored(NamedTuple):
    """Why a variant has no scores: the reason, and a sentence."""

    reason: SkipReason
    detail: str


@dataclass(frozen=True)
class PlacedVariant:
    """A variant that can be scored, and its window. Sorted by `place`, neighbours share most of their work."""

    variant: Variant
    window: Window

    @property
    def place(self) -> tuple[str, int, int]:
        """Where on the genome the window and the variant begin."""
        return self.window.interval.contig, self.window.interval.start, self.variant.start


class VariantScorer:
    """Scores variants with one model, on one genome.

    Attributes:
      engine: the engine.
      reference: the genome.
      statistics: what is made of the predictions.
      tracks: the tracks that the engine predicts.
    """

    def __init__(
        self,
        engine: Engine,
        reference: ReferenceCodes,
        geometry: Geometry,
        scoring: ScoringSettings,
        tracks: TrackTable,
    ) -> None:
        """Takes what is needed to score variants.

        Args:
          engine: predicts the tracks.
          reference: the genome.
          geometry: the model's lengths.
          scoring: where windows lie, how variants are looked at, and what is made of it.
          tracks: the tracks that the engine predicts.
        """
        self.engine = engine
        self.reference = reference
        self.statistics = scoring.statistics
        self.tracks = tracks
        self._geometry = geometry
        self._placement = scoring.placement
        self._views = scoring.views
        self._bins = scoring.bins.with_names(reference.genome.resolve)

    @property
    def num_scores(self) -> int:
        """Number of scores of a variant: statistics times tracks."""
        return len(self.statistics) * len(self.tracks.identifiers)

    def score(self, variants: Iterable[Variant]) -> Iterator[VariantScores | Unscored]:
        """Scores variants, in their order.

        Variants are drawn as they are needed, some of them ahead and in another thread.

        Yields:
          For each variant its scores, float32 [statistics * tracks], statistics outermost; or why it has none.

        Raises:
          EnformerVepError: the engine failed.
        """
        return self.score_placed(map(self.place, variants))

    def place(self, variant: Variant) -> PlacedVariant | Unscored:
        """Returns a variant with its window, or why it cannot be scored, judged without the model."""
        genome = self.reference.genome
        contig = genome.resolve(variant.chrom)
        window = self._placement.window(variant, contig or variant.chrom, self._geometry)
        problem = check_alleles(variant, max_allele_bp(window)) or genome.check_variant(variant, contig)
        if problem:
            return Unscored(*problem)
        if not self._bins.weights(window.interval, variant.start, self._geometry).any():
            detail = f"the window has none of the bins {self._bins} among those that are scored"
            return Unscored(SkipReason.OUTSIDE_BINS, detail)
        return PlacedVariant(variant, window)

    def score_placed(self, variants: Iterable[PlacedVariant | Unscored]) -> Iterator[VariantScores | Unscored]:
        """Scores what `place` returned; otherwise the same as `score`."""
        drawn: deque[PlacedVariant | Unscored] = deque()  # those that nothing was yielded for so far
        num_predicted = 0

        def comparisons() -> Iterator[Comparison]:
            for variant in variants:
                drawn.append(variant)
                if isinstance(variant, PlacedVariant):
                    yield self.comparison(variant)

        for scores in self.engine.compare(read_ahead(comparisons(), NUM_AHEAD), self.statistics):
            num_predicted += 1
            while isinstance(unscored := drawn.popleft(), Unscored):
                yield unscored
            yield _joined(scores)
        num_missing = sum(isinstance(variant, PlacedVariant) for variant in drawn)
        if num_missing:
            raise EnformerVepError(
                f"expected predictions for {num_predicted + num_missing} alleles, found {num_predicted}: please report "
                "this bug in enformer-vep"
            )
        yield from (variant for variant in drawn if isinstance(variant, Unscored))

    def look_at(self, variant: Variant) -> Comparison:
        """Returns how a variant that can be scored is looked at."""
        placed = self.place(variant)
        assert isinstance(placed, PlacedVariant)
        return self.comparison(placed)

    def comparison(self, placed: PlacedVariant) -> Comparison:
        """Returns how a variant is looked at."""
        variant, interval = placed.variant, placed.window.interval
        edit = Edit.of(variant, interval.contig, self.reference.fetch, interval.length)
        return Comparison(
            self._views.views(interval, edit, self._geometry),
            self._bins.weights(interval, variant.start, self._geometry),
        )


def _joined(scores: Scores) -> VariantScores | Unscored:
    """Returns the statistics of the only region one after another. A value beyond float32 is infinite."""
    joined = np.concatenate([of_statistic[0] for of_statistic in scores.values()])
    if not np.isfinite(joined).all():
        return Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity")
    with np.errstate(over="ignore"):
        return joined.astype(np.float32)
