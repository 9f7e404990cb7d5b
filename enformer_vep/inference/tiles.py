"""Tower bins of the reference genome, computed one tile at a time and kept for the windows that share them.

A tower bin depends only on its own bases and their context, and on where the grid of bins lies. So it is identified by
its contig and strand, the grid phase (the place of its first base on the strand's axis, modulo the bin's size) and its
number on that grid, and can be used in all windows whose starts have the same phase.

Tiles lie on a fixed lattice of their phase: tile k holds bins k T to (k + 1) T - 1. The last bits of a float32 may
depend on a bin's place in its tile, since vectorised loops and their remainders round differently. On the lattice that
place depends only on the genome, so that a bin has the same bits whatever was computed or dropped before.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf
from cachetools import LRUCache

from enformer_vep.genome.codes import Codes
from enformer_vep.genome.layout import FetchCodes, Strand, span_of
from enformer_vep.inference.receptive_field import ReceptiveField

TILE_BINS = 96
"""Bins of a tile.

Longer tiles compute more bins that a window does not need, shorter ones more context that is not kept. At the official
size, an isolated window costs least with 96: docs/performance.md has the figures.
"""

ComputeBins = Callable[[Sequence[Codes]], Sequence[tf.Tensor]]


class GenomeBins(NamedTuple):
    """Neighbouring bins of the reference genome.

    Attributes:
      contig: as the FASTA names it.
      strand: '+' or '-'.
      first: place of the first bin's first base on the strand's axis; may lie beyond the contig's ends.
      num_bins: their number.
    """

    contig: str
    strand: Strand
    first: int
    num_bins: int


class _Key(NamedTuple):
    contig: str
    strand: Strand
    phase: int
    number: int


class TowerTiles:
    """A bounded cache of tower bins.

    Attributes:
      num_bins_computed: bins that were computed.
      num_bins_reused: requested bins that were in the cache.
    """

    def __init__(
        self,
        compute: ComputeBins,
        field: ReceptiveField,
        fetch: FetchCodes,
        *,
        cache_bytes: int,
        tile_bins: int = TILE_BINS,
    ) -> None:
        """Makes an empty cache.

        Args:
          compute: turns the codes uint8 of `tile_bins` bins with their context, of any number of tiles, into their
            towers, float32 [tile_bins, C] each, on the device.
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
        self._tile_bins = tile_bins
        self._tiles: LRUCache[_Key, tf.Tensor] = LRUCache(cache_bytes, getsizeof=_num_bytes)
        self.num_bins_computed = 0
        self.num_bins_reused = 0

    @property
    def num_bytes(self) -> int:
        """Bytes of the tiles that are kept."""
        return int(self._tiles.currsize)

    def fetch(self, requests: Sequence[GenomeBins]) -> list[tf.Tensor]:
        """Returns bins of the reference genome; missing ones are computed together.

        Returns:
          For each request float32 [num_bins, C].
        """
        wanted = [self._keys(request) for request in requests]
        missing = list(dict.fromkeys(key for keys in wanted for key in keys if key not in self._tiles))
        self._count(requests, wanted, set(missing))
        # A tile that is not kept, or that drives out another of these, is still needed here.
        tiles = {key: self._tiles[key] for keys in wanted for key in keys if key in self._tiles}
        for key, tile in zip(missing, self._compute([self._codes(key) for key in missing]), strict=True):
            tiles[key] = tile
            if _num_bytes(tile) <= self._tiles.maxsize:
                self._tiles[key] = tile
        return [self._cut(request, keys, tiles) for request, keys in zip(requests, wanted, strict=True)]

    def _keys(self, request: GenomeBins) -> list[_Key]:
        first, phase = divmod(request.first, self._field.bin_size_bp)
        numbers = range(first // self._tile_bins, -(-(first + request.num_bins) // self._tile_bins))
        return [_Key(request.contig, request.strand, phase, number) for number in numbers]

    def _cut(self, request: GenomeBins, keys: Sequence[_Key], tiles: dict[_Key, tf.Tensor]) -> tf.Tensor:
        first = request.first // self._field.bin_size_bp
        pieces = []
        for key in keys:
            start = key.number * self._tile_bins
            stop = min(first + request.num_bins - start, self._tile_bins)
            pieces.append(tiles[key][max(first - start, 0) : stop])
        return tf.concat(pieces, axis=0) if len(pieces) > 1 else pieces[0]

    def _codes(self, key: _Key) -> Codes:
        first = key.number * self._tile_bins * self._field.bin_size_bp + key.phase - self._field.context_bp
        return span_of(key.contig, key.strand, first, self._field.length_bp(self._tile_bins)).codes(self._fetch)

    def _count(self, requests: Sequence[GenomeBins], wanted: Sequence[list[_Key]], missing: set[_Key]) -> None:
        self.num_bins_computed += len(missing) * self._tile_bins
        seen: set[_Key] = set()
        for request, keys in zip(requests, wanted, strict=True):
            first = request.first // self._field.bin_size_bp
            for key in keys:
                if key not in missing or key in seen:
                    start = key.number * self._tile_bins
                    self.num_bins_reused += min(start + self._tile_bins, first + request.num_bins) - max(start, first)
                seen.add(key)


def _num_bytes(tile: tf.Tensor) -> int:
    return int(tile.shape.num_elements()) * int(tile.dtype.size)
