"""Tower bins of the reference genome, computed a tile at a time and kept for the windows that share them.

A tower bin depends on its own bases and their context alone, and on where the grid of bins lies. So it is known by
contig, grid phase (the genome position of its first base, modulo the bin's size) and its number on that grid, and
serves all windows whose starts agree in the phase.
"""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from enformer_vep.inference.engine import FetchCodes
from enformer_vep.inference.receptive_field import ReceptiveField
from enformer_vep.sequence import Codes
from enformer_vep.variant import Interval

TILE_BINS = 128
"""Bins that are computed at a time, so that the long early activations of a whole window are never in memory."""

UNIT_BINS = 4
"""Bins that are kept and dropped together."""

Tower = npt.NDArray[np.float32]


class TowerTiles:
    """A bounded cache of tower bins.

    Attributes:
      num_bins_computed: bins that were computed.
      num_bins_reused: bins that were asked for and were there.
    """

    def __init__(
        self,
        compute: Callable[[Codes], Tower],
        field: ReceptiveField,
        fetch: FetchCodes,
        *,
        cache_bytes: int,
        tile_bins: int = TILE_BINS,
    ) -> None:
        """Makes an empty cache.

        Args:
          compute: turns the codes uint8 of `tile_bins` bins with their context into their tower, float32
            [tile_bins, C]. A bin's bits do not depend on its place in the tile.
          field: the model's receptive field.
          fetch: gives the reference's codes.
          cache_bytes: bytes of towers that are kept.
          tile_bins: bins that are computed at a time, a multiple of UNIT_BINS.

        Raises:
          ValueError: tile_bins is no such multiple, or cache_bytes is negative.
        """
        if tile_bins < 1 or tile_bins % UNIT_BINS:
            raise ValueError(f"tile_bins is a positive multiple of {UNIT_BINS}, got {tile_bins}")
        if cache_bytes < 0:
            raise ValueError(f"cache_bytes is not negative, got {cache_bytes}")
        self._compute = compute
        self._field = field
        self._fetch = fetch
        self._cache_bytes = cache_bytes
        self._tile_bins = tile_bins
        self._units: OrderedDict[tuple[str, int, int], Tower] = OrderedDict()
        self.num_bytes = 0
        self.num_bins_computed = 0
        self.num_bins_reused = 0

    def fetch(self, contig: str, start: int, num_bins: int) -> Tower:
        """Returns neighbouring bins of the reference genome.

        Args:
          contig: as the FASTA names it.
          start: genome position of the first bin's first base, 0-based; may lie beyond the contig's ends.
          num_bins: how many.

        Returns:
          float32 [num_bins, C], a new array.
        """
        first, phase = divmod(start, self._field.bin_size_bp)
        numbers = range(first // UNIT_BINS, -(-(first + num_bins) // UNIT_BINS))
        units: dict[int, Tower] = {}
        for number in numbers:
            key = (contig, phase, number)
            if key in self._units:
                self._units.move_to_end(key)
                units[number] = self._units[key]
        missing = [number for number in numbers if number not in units]
        self.num_bins_reused += sum(self._overlap(number, first, num_bins) for number in units)
        for number in missing:
            if number not in units:
                units |= self._compute_tile(contig, phase, number)
        self._evict()
        skipped = first - numbers.start * UNIT_BINS
        return np.concatenate([units[number] for number in numbers])[skipped : skipped + num_bins]

    def _compute_tile(self, contig: str, phase: int, number: int) -> dict[int, Tower]:
        """Computes the tile that begins with a unit, and keeps its units."""
        start = number * UNIT_BINS * self._field.bin_size_bp + phase - self._field.context_bp
        codes = self._fetch(Interval(contig, start, start + self._field.length_bp(self._tile_bins)))
        tower = self._compute(codes)
        self.num_bins_computed += self._tile_bins
        units = {}
        for unit in range(self._tile_bins // UNIT_BINS):
            # a copy, so that what is dropped is freed
            bins = units[number + unit] = tower[unit * UNIT_BINS : (unit + 1) * UNIT_BINS].copy()
            key = (contig, phase, number + unit)
            self.num_bytes += 0 if key in self._units else bins.nbytes
            self._units[key] = bins
            self._units.move_to_end(key)
        return units

    def _evict(self) -> None:
        """Drops what was not asked for the longest."""
        while self.num_bytes > self._cache_bytes:
            _, bins = self._units.popitem(last=False)
            self.num_bytes -= bins.nbytes

    @staticmethod
    def _overlap(number: int, first: int, num_bins: int) -> int:
        start = number * UNIT_BINS
        return min(start + UNIT_BINS, first + num_bins) - max(start, first)
