"""Tower bins of the reference genome, computed one tile at a time and kept for the windows that share them.

A tower bin depends only on its own bases and their context, and on where the grid of bins lies. So it is identified by
its contig, the grid phase (the genome position of its first base, modulo the bin's size) and its number on that grid,
and can be used in all windows whose starts have the same phase.

Tiles lie on a fixed lattice of their phase: tile k holds bins k T to (k + 1) T - 1. The last bits of a float32 may
depend on a bin's place in its tile, since vectorised loops and their remainders round differently. On the lattice that
place depends only on the genome, so that a bin has the same bits whatever was computed or dropped before.
"""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import Codes
from enformer_vep.genome.variant import Interval
from enformer_vep.inference.engine import FetchCodes
from enformer_vep.inference.receptive_field import ReceptiveField

TILE_BINS = 96
"""Bins of a tile.

Longer tiles compute more bins that a window does not need, shorter ones more context that is not kept. At the official
size, an isolated window costs least with 96: docs/performance.md has the figures.
"""

Tower = npt.NDArray[np.float32]


class TowerTiles:
    """A bounded cache of tower bins.

    Attributes:
      num_bytes: bytes of the tiles that are kept.
      num_bins_computed: bins that were computed.
      num_bins_reused: requested bins that were in the cache.
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
            [tile_bins, C].
          field: the model's receptive field.
          fetch: returns the reference's codes.
          cache_bytes: bytes of towers that are kept.
          tile_bins: bins that are computed at a time.

        Raises:
          ValueError: tile_bins is not positive, or cache_bytes is negative.
        """
        if tile_bins < 1:
            raise ValueError(f"tile_bins must be positive, got {tile_bins}")
        if cache_bytes < 0:
            raise ValueError(f"cache_bytes must not be negative, got {cache_bytes}")
        self._compute = compute
        self._field = field
        self._fetch = fetch
        self._cache_bytes = cache_bytes
        self._tile_bins = tile_bins
        self._tiles: OrderedDict[tuple[str, int, int], Tower] = OrderedDict()
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
        numbers = range(first // self._tile_bins, -(-(first + num_bins) // self._tile_bins))
        bins = np.concatenate([self._tile(contig, phase, number, first, num_bins) for number in numbers])
        self._evict()
        skipped = first - numbers.start * self._tile_bins
        return bins[skipped : skipped + num_bins]

    def _tile(self, contig: str, phase: int, number: int, first: int, num_bins: int) -> Tower:
        """Returns a tile from the cache, or computes it; requested bins from the cache are counted as reused."""
        key = (contig, phase, number)
        if key in self._tiles:
            self._tiles.move_to_end(key)
            start = number * self._tile_bins
            self.num_bins_reused += min(start + self._tile_bins, first + num_bins) - max(start, first)
            return self._tiles[key]
        start_bp = number * self._tile_bins * self._field.bin_size_bp + phase - self._field.context_bp
        tile = self._compute(self._fetch(Interval(contig, start_bp, start_bp + self._field.length_bp(self._tile_bins))))
        self.num_bins_computed += self._tile_bins
        self.num_bytes += tile.nbytes
        self._tiles[key] = tile
        return tile

    def _evict(self) -> None:
        """Drops the tiles that were least recently used."""
        while self.num_bytes > self._cache_bytes:
            _, tile = self._tiles.popitem(last=False)
            self.num_bytes -= tile.nbytes
