"""Arranges the scores of a saturation's changes by base and letter, a bounded number of bases at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import N_CODE
from enformer_vep.genome.saturation import SaturatedBases

BLOCK_BYTES = 16 << 20
"""Effects of a block; at the official size with all tracks those of 197 bases."""

Float32s = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


class EffectBlock(NamedTuple):
    """The effects of some consecutive bases.

    Attributes:
      start: number of the first base among those of the saturation.
      effects: float32 [bases, 4, tracks] in the order A C G T, 0 for the genome's own letter; NaN for a base that is
        N, and where a substitution was not scored.
      deletions: float32 [bases, longest deletion, tracks]: of 1, 2, ... bp that begin at the base; NaN where there is
        none.
    """

    start: int
    effects: Float32s
    deletions: Float32s


class EffectBlocks:
    """Takes alleles in the order of the list of changes, and gives the blocks that are complete."""

    def __init__(self, bases: SaturatedBases, num_tracks: int) -> None:
        """Takes the bases, and the number of tracks."""
        self._bases = bases
        self._num_tracks = num_tracks
        self._block_size = block_bases(num_tracks)
        changes = [(change.place, change.deleted_bp) for change in bases.changes()]
        self._places, self._deleted_bp = np.array(changes, dtype=np.int64).reshape(-1, 2).T
        self._block = self._new_block(0)

    def add(self, records: Integers, alleles: Integers, scores: Float32s) -> Iterator[EffectBlock]:
        """Adds alleles.

        Args:
          records: the number of each one's record in the list of changes, from 0; ascending, also between calls.
          alleles: the number of each ALT in its record, from 1.
          scores: float32 [alleles, tracks].

        Yields:
          The blocks before the last allele's.

        Raises:
          ValueError: there is no such record, or they are not ascending.
        """
        if not len(records):
            return
        if records.min() < 0 or records.max() >= len(self._places):
            raise ValueError(f"expected records from 0 to {len(self._places) - 1}, found {records.max()}")
        places = self._places[records]
        if (np.diff(places) < 0).any() or places[0] < self._block.start:
            raise ValueError("expected alleles in the order of their bases")
        done = 0
        while done < len(places):
            stop = self._block.start + len(self._block.effects)
            end = int(np.searchsorted(places, stop))
            some = slice(done, end)
            self._fill(places[some], self._deleted_bp[records[some]], alleles[some], scores[some])
            done = end
            if done < len(places):
                yield self._block
                self._block = self._new_block(stop)

    def finish(self) -> Iterator[EffectBlock]:
        """Yields the blocks that are left."""
        while True:
            yield self._block
            stop = self._block.start + len(self._block.effects)
            if stop >= self._bases.num_bases:
                return
            self._block = self._new_block(stop)

    def _fill(self, places: Integers, deleted_bp: Integers, alleles: Integers, scores: Float32s) -> None:
        offsets = places - self._block.start
        is_base = deleted_bp == 0
        # The three others in their order: up to the genome's letter they are numbered as all four are.
        letters = alleles - 1 + (alleles - 1 >= self._bases.codes[places])
        self._block.effects[offsets[is_base], letters[is_base]] = scores[is_base]
        self._block.deletions[offsets[~is_base], deleted_bp[~is_base] - 1] = scores[~is_base]

    def _new_block(self, start: int) -> EffectBlock:
        codes = self._bases.codes[start : start + self._block_size]
        effects = np.full((len(codes), 4, self._num_tracks), np.nan, dtype=np.float32)
        known = np.flatnonzero(codes != N_CODE)
        effects[known, codes[known]] = 0
        shape = (len(codes), self._bases.max_deletion_bp, self._num_tracks)
        return EffectBlock(start, effects, np.full(shape, np.nan, dtype=np.float32))


def block_bases(num_tracks: int) -> int:
    """Returns the number of bases of a block."""
    return max(1, BLOCK_BYTES // (4 * 4 * num_tracks))
