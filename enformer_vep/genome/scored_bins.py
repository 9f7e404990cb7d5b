"""The bins that scores are taken over."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval
from enformer_vep.wording import did_you_mean

ALL = "all"
CENTRE = "centre"

_NUMBER = r"[0-9][0-9,]{0,17}"
_CENTRE_PATTERN = re.compile(rf"{CENTRE}:(?P<width>{_NUMBER})")
_REGION_PATTERN = re.compile(rf"(?:\{{(?P<braced>\S+)\}}|(?P<contig>\S+)):(?P<start>{_NUMBER})-(?P<end>{_NUMBER})")


@dataclass(frozen=True)
class ScoredBins:
    """Which bins of a window are scored: all, those around the variant, or those that overlap a region.

    Attributes:
      centre_bp: how many base pairs around the variant, rounded up to whole bins; None for all or a region.
      region: the region of the genome; None for all or the centre.

    Raises:
      ValueError: both are given, or there is no base pair in them.
    """

    centre_bp: int | None = None
    region: Interval | None = None

    def __post_init__(self) -> None:
        if self.centre_bp is not None and (self.region is not None or self.centre_bp < 1):
            raise ValueError(f"expected at least 1 bp around the variant, or a region, or neither; got {self!r}")
        if self.region is not None and not self.region.length:
            raise ValueError(f"expected a region of at least 1 bp, got {self.region}")

    @classmethod
    def parse(cls, text: str) -> "ScoredBins":
        """Reads a choice of bins: `all`, `centre:BP` or `chr:start-end`.

        Args:
          text: the choice. Positions are 1-based and both included, and commas in numbers are ignored. The name of a
            contig may have colons, and may stand in braces: `{chr1}:5-9`.

        Raises:
          ValueError: it is none of these, or there is no base pair in it.
        """
        text = text.strip()
        if text == ALL:
            return cls()
        if match := _CENTRE_PATTERN.fullmatch(text):
            width_bp = _number(match["width"])
            if width_bp < 1:
                raise _bad_bins(text, f"{CENTRE}:BP takes at least 1 bp")
            return cls(centre_bp=width_bp)
        if match := _REGION_PATTERN.fullmatch(text):
            start, end = _number(match["start"]), _number(match["end"])
            if start < 1:
                raise _bad_bins(text, "positions start at 1")
            if end < start:
                raise _bad_bins(text, f"it ends at {end}, before its start {start}")
            return cls(region=Interval(match["braced"] or match["contig"], start - 1, end))
        raise _bad_bins(text, "", _suggestion(text))

    def __str__(self) -> str:
        if self.region is not None:
            return f"{self.region.contig}:{self.region.start + 1}-{self.region.end}"
        return ALL if self.centre_bp is None else f"{CENTRE}:{self.centre_bp}"

    def with_names(self, resolve: Callable[[str], str | None]) -> "ScoredBins":
        """Returns the same bins, in which a region's contig has the name that the FASTA gives it.

        Args:
          resolve: returns the FASTA's name of a contig, None if it has none.

        Raises:
          ValueError: the FASTA does not have the contig, so that no variant could ever have a bin in the region.
        """
        if self.region is None:
            return self
        contig = resolve(self.region.contig)
        if contig is None:
            raise _bad_bins(str(self), f"the FASTA has no contig {self.region.contig}")
        return replace(self, region=replace(self.region, contig=contig))

    def weights(self, window: Interval, variant_start: int, geometry: Geometry) -> npt.NDArray[np.float32]:
        """Returns which bins are scored: float32 [1, num_bins], 1 for each of them and 0 for the others.

        Around a variant, AlphaGenome's rule: n bins, the centre's length in whole bins rounded up; of an even number,
        one more to the left of the variant's bin than to its right.

        Args:
          window: the reference window, on the contig's name in the FASTA.
          variant_start: position of the first REF base, 0-based. It may lie outside the scored bins.
          geometry: the model's lengths.
        """
        scored = self._scored(window, variant_start, geometry)
        bins = np.arange(geometry.num_bins)
        return ((bins >= scored.start) & (bins < scored.stop)).astype(np.float32)[None]

    def computed(self, offsets: range, geometry: Geometry, *, is_mirrored: bool) -> range:
        """Returns the bins that have to be computed: all that any variant may need, and at least one.

        Args:
          offsets: where in a window the first REF base of a variant can stand; not empty.
          geometry: the model's lengths.
          is_mirrored: whether the other strand is predicted too, so that each bin is needed at its mirror image.
        """
        num_bins = geometry.num_bins
        if self.centre_bp is None:
            return range(num_bins)
        start = self._around(offsets[0], geometry).start
        stop = self._around(offsets[-1], geometry).stop
        start = min(max(start, 0), num_bins - 1)
        stop = max(min(stop, num_bins), start + 1)
        if is_mirrored:
            start = min(start, num_bins - stop)
            stop = num_bins - start
        return range(start, stop)

    def _scored(self, window: Interval, variant_start: int, geometry: Geometry) -> range:
        """Returns the numbers of the bins that are scored; some, or all, may lie outside the window's."""
        if self.region is None:
            if self.centre_bp is None:
                return range(geometry.num_bins)
            return self._around(variant_start - window.start, geometry)
        if self.region.contig != window.contig:
            return range(0)
        first = self.region.start - window.start
        last = self.region.end - 1 - window.start
        return range(_bin_number(first, geometry), _bin_number(last, geometry) + 1)

    def _around(self, offset_bp: int, geometry: Geometry) -> range:
        assert self.centre_bp is not None
        num_scored = -(-self.centre_bp // geometry.bin_size_bp)
        start = _bin_number(offset_bp, geometry) - num_scored // 2
        return range(start, start + num_scored)


def _bin_number(offset_bp: int, geometry: Geometry) -> int:
    """Returns the number of the bin that holds a base, counted from the first scored bin, whether scored or not."""
    return offset_bp // geometry.bin_size_bp - geometry.crop_bins


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _suggestion(text: str) -> str:
    word, colon, rest = text.partition(":")
    return did_you_mean(f"{word}{colon}{rest}", (ALL, f"{CENTRE}:{rest}" if rest.isdecimal() else f"{CENTRE}:BP"))


def _bad_bins(text: str, problem: str, suggestion: str = "") -> ValueError:
    of_what = f"bins {text!r}: {problem}" if problem else f"unknown choice of bins {text!r}"
    return ValueError(f"{of_what}: expected {ALL}, {CENTRE}:BP or chr:start-end{suggestion}")
