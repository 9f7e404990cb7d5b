"""The policies for windows: where a variant's window lies, and how alleles that change the length are compared in it.

They are choices alone, which need no NumPy; `views.py` makes the sequences.
"""

import re
from dataclasses import dataclass
from enum import Enum

from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.wording import did_you_mean

CENTRED = "centred"
GRID = "grid"
SHARED = "shared"

_SHARED_PATTERN = re.compile(rf"{SHARED}:([1-9][0-9]{{0,8}})")


class IndelPolicy(Enum):
    """How an allele that changes the length is compared; docs/indels.md explains each."""

    LEFT = "left"
    AVERAGE = "average"
    STITCH = "stitch"
    TOWER = "tower"


DEFAULT_INDEL_POLICY = IndelPolicy.TOWER
"""docs/indels.md has the figures that it was chosen by."""


@dataclass(frozen=True)
class Window:
    """The model's input around a variant.

    Attributes:
      interval: the reference window on the genome; the contig is named as in the FASTA.
      offset_bp: where the variant's first REF base stands in it.
    """

    interval: Interval
    offset_bp: int


@dataclass(frozen=True)
class Placement:
    """A placement policy.

    The window of a variant depends only on its position, so that it is the same in every part, shard and file.

    Attributes:
      name: `centred`, the official placement: the first REF base at L/2 - 1. `grid`: the start of that window moved
        down to a multiple of the bins' length, so that all windows have their bins on one grid. `shared`: windows at
        equal distances, on that grid, each for all variants near its centre.
      shared_bp: with `shared`, how far from a window's centre a variant may be; otherwise 0.

    Raises:
      ValueError: shared_bp does not fit the name.
    """

    name: str = CENTRED
    shared_bp: int = 0

    def __post_init__(self) -> None:
        if self.name not in (CENTRED, GRID, SHARED) or (self.name == SHARED) != (self.shared_bp > 0):
            raise ValueError(f"expected {CENTRED}, {GRID}, or {SHARED} and a distance, got {self}")

    def __str__(self) -> str:
        return f"{self.name}:{self.shared_bp}" if self.name == SHARED else self.name

    @classmethod
    def parse(cls, text: str) -> "Placement":
        """Returns the policy with this name: `centred`, `grid` or `shared:BP`.

        Raises:
          ValueError: there is no such policy.
        """
        if text in (CENTRED, GRID):
            return cls(text)
        if match := _SHARED_PATTERN.fullmatch(text):
            return cls(SHARED, int(match[1]))
        raise ValueError(
            f"unknown placement of windows {text!r}: expected {CENTRED}, {GRID} or {SHARED}:BP"
            f"{did_you_mean(text, (CENTRED, GRID, f'{SHARED}:BP'))}"
        )

    def check(self, geometry: Geometry) -> None:
        """Checks that the policy fits a model's windows.

        Raises:
          ValueError: shared_bp is less than a bin, or reaches beyond the scored bins.
        """
        most = geometry.num_bins * geometry.bin_size_bp // 2
        if self.name == SHARED and not geometry.bin_size_bp <= self.shared_bp <= most:
            raise ValueError(
                f"the distance of {SHARED}:BP must be {geometry.bin_size_bp} to {most} bp, from one bin to the end of "
                f"the scored bins; got {self.shared_bp}"
            )

    def window(self, variant: Variant, contig: str, geometry: Geometry) -> Window:
        """Returns the window of a variant, which may reach beyond the contig's ends.

        Args:
          variant: the allele.
          contig: the variant's contig as the FASTA names it.
          geometry: the model's lengths.
        """
        length_bp = geometry.sequence_length_bp
        start = variant.start - geometry.variant_offset_bp
        if self.name == GRID:
            start -= start % geometry.bin_size_bp
        elif self.name == SHARED:
            spacing_bp = self._spacing_bp(geometry)
            start = variant.start // spacing_bp * spacing_bp + spacing_bp // 2 - length_bp // 2
        return Window(Interval(contig, start, start + length_bp), variant.start - start)

    def offsets(self, geometry: Geometry) -> range:
        """Returns where in a window a variant's first REF base can stand."""
        if self.name == SHARED:
            middle, spacing_bp = geometry.sequence_length_bp // 2, self._spacing_bp(geometry)
            return range(middle - spacing_bp // 2, middle + spacing_bp // 2)
        first = geometry.variant_offset_bp
        return range(first, first + (geometry.bin_size_bp if self.name == GRID else 1))

    def _spacing_bp(self, geometry: Geometry) -> int:
        """The distance of neighbouring shared windows: an even number of bins, so that half of it is whole bins."""
        two_bins_bp = 2 * geometry.bin_size_bp
        return 2 * self.shared_bp // two_bins_bp * two_bins_bp


def max_allele_bp(window: Window) -> int:
    """Returns the longest REF or ALT that a window has room for (98,305 bp officially, if it is centred)."""
    return window.interval.length - window.offset_bp
