"""Towers of windows and of their alternates, put together from cached and new bins."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.codes import N_CODE, Codes
from enformer_vep.genome.variant import Interval
from enformer_vep.inference.engine import AllelePair, FetchCodes
from enformer_vep.inference.receptive_field import AlternatePlan, Change, ReceptiveField
from enformer_vep.inference.tiles import TILE_BINS, Tower, TowerTiles
from enformer_vep.model.arithmetic import Arithmetic, arithmetic
from enformer_vep.model.enformer import NUM_BASES, Enformer

NUM_RECENT_TOWERS = 2
"""Reference towers that are kept whole for the alternates that follow."""

NUM_RECENT_PATCHES = 64


class AlternateTower(NamedTuple):
    """An alternate's tower.

    Attributes:
      first_bin: where `bins` begin if all others are the reference's; None if `bins` are the whole tower.
      bins: float32 [patch_bins, C] or [T, C].
      recomputed: the bins of the window that depend on what has changed. A patch may have more bins, which equal the
        reference's except for their last bits.
    """

    first_bin: int | None
    bins: Tower
    recomputed: range

    def place(self, reference: Tower) -> Tower:
        """Returns the whole tower, of which the unchanged bins are the reference's own bits: float32 [T, C]."""
        if self.first_bin is None:
            return self.bins
        tower = reference.copy()
        start, stop = self.recomputed.start, self.recomputed.stop
        tower[start:stop] = self.bins[start - self.first_bin : stop - self.first_bin]
        return tower


class Towers:
    """Computes the towers of reference windows from tiles, and those of alternates by patch.

    Attributes:
      field: the model's receptive field.
      patch_bins: bins that a patch recomputes: as many as one base can reach.
    """

    def __init__(
        self,
        model: Enformer,
        fetch: FetchCodes,
        *,
        cache_bytes: int,
        tiles: Sequence[Arithmetic],
        patches: Arithmetic,
        patched_offsets: range = range(0),
    ) -> None:
        """Prepares the graphs.

        Args:
          model: the model, on the device that is to run it.
          fetch: returns the reference's codes.
          cache_bytes: bytes of reference towers that are kept.
          tiles: the arithmetic of the stem and of each conv_tower block in the reference's towers.
          patches: the arithmetic of what is recomputed for an alternate, and at a window's ends.
          patched_offsets: bases of every window whose bins come from patches in the reference too, as the patches'
            arithmetic is more exact.

        Raises:
          EnformerVepError: the window is too short for any of its bins to be shared.
        """
        self.field = ReceptiveField.of(model.config)
        if self.field.num_bins < max(2 * self.field.edge_bins + 1, self.field.max_bins_of_base):
            raise EnformerVepError(
                f"a window of {self.field.num_bins} bins is too short for the reusing engine, since zero padding at "
                "its ends reaches all of them: use --engine full"
            )
        self.patch_bins = self.field.max_bins_of_base
        self.num_patches = 0
        self.num_bins_kept = 0
        self._patched = (
            self.field.bins_reached(patched_offsets.start, patched_offsets.stop) if patched_offsets else None
        )
        self._recent: OrderedDict[Interval, Tower] = OrderedDict()
        self._recent_patches: OrderedDict[tuple[Interval, int], Tower] = OrderedDict()

        @tf.function(autograph=False)
        def compute_tile(codes: tf.Tensor) -> tf.Tensor:
            return model.tower_bins(tf.one_hot(codes, NUM_BASES), arithmetics=tiles)

        @tf.function(autograph=False)
        def compute_patch(codes: tf.Tensor, first_bin: tf.Tensor) -> tf.Tensor:
            with arithmetic(patches):
                return model.tower_bins(tf.one_hot(codes, NUM_BASES), first_bin=first_bin)

        self._compute_patch = compute_patch
        self.functions = (compute_tile, compute_patch)
        self._tiles = TowerTiles(
            lambda codes: compute_tile(tf.constant(codes[np.newaxis])).numpy()[0],
            self.field,
            fetch,
            cache_bytes=cache_bytes,
            tile_bins=min(TILE_BINS, self.field.num_bins),
        )

    @property
    def num_bins_computed(self) -> int:
        """Tower bins that were computed, in tiles and in patches."""
        return self._tiles.num_bins_computed + self.num_patches * self.patch_bins

    @property
    def num_bins_reused(self) -> int:
        """Tower bins of references and alternates that were known already."""
        return self._tiles.num_bins_reused + self.num_bins_kept

    def reference(self, interval: Interval, codes: Codes) -> Tower:
        """Returns the tower of a reference window, float32 [T, C], which must not be changed.

        Args:
          interval: where it lies.
          codes: its sequence, uint8 [sequence_length_bp].
        """
        if interval not in self._recent:
            num_bins, edge = self.field.num_bins, self.field.edge_bins
            start = interval.start + edge * self.field.bin_size_bp
            middle = self._tiles.fetch(interval.contig, start, num_bins - 2 * edge)
            left, right = self._recompute(codes, range(edge)), self._recompute(codes, range(num_bins - edge, num_bins))
            tower = self._recent[interval] = np.concatenate([left, middle, right])
            if self._patched:
                tower[self._patched.start : self._patched.stop] = self._recompute(codes, self._patched)
            if len(self._recent) > NUM_RECENT_TOWERS:
                self._recent.popitem(last=False)
        self._recent.move_to_end(interval)
        return self._recent[interval]

    def alternate(self, pair: AllelePair, change: Change) -> AlternateTower:
        """Returns the tower of an alternate."""
        plan = AlternatePlan.of(change, self.field)
        is_few = not change.shift_bp and len(plan.recomputed) <= self.patch_bins
        if is_few:
            first = min(plan.recomputed.start, self.field.num_bins - self.patch_bins)
            self.num_bins_kept += self.field.num_bins - self.patch_bins
            return AlternateTower(first, self._patch(pair.alternate, first), plan.recomputed)
        tower = self.reference(pair.window.interval, pair.reference).copy()
        tower[plan.recomputed.start : plan.recomputed.stop] = self._recompute(pair.alternate, plan.recomputed)
        self.num_bins_kept += plan.recomputed.start
        if change.shift_bp:
            interval = pair.window.interval
            if plan.shifted:  # a long insertion pushes all of it out of the window
                start = interval.start - change.shift_bp + plan.shifted.start * self.field.bin_size_bp
                shifted = self._tiles.fetch(interval.contig, start, len(plan.shifted))
                tower[plan.shifted.start : plan.shifted.stop] = shifted
            if plan.end:
                tower[plan.end.start : plan.end.stop] = self._recompute(pair.alternate, plan.end)
        else:
            self.num_bins_kept += len(plan.shifted)
        return AlternateTower(None, tower, plan.recomputed)

    def reference_patch(self, pair: AllelePair, first_bin: int) -> Tower:
        """Returns the reference's bins as a patch computes them, float32 [patch_bins, C], which must not be changed."""
        key = (pair.window.interval, first_bin)
        if key not in self._recent_patches:
            self._recent_patches[key] = self._patch(pair.reference, first_bin)
            if len(self._recent_patches) > NUM_RECENT_PATCHES:
                self._recent_patches.popitem(last=False)
        self._recent_patches.move_to_end(key)
        return self._recent_patches[key]

    def _recompute(self, codes: Codes, bins: range) -> Tower:
        """Computes some bins of a window from its sequence, in patches."""
        last = self.field.num_bins - self.patch_bins
        pieces = []
        for start in range(bins.start, bins.stop, self.patch_bins):
            first = min(start, last)
            end = min(start + self.patch_bins, bins.stop)
            pieces.append(self._patch(codes, first)[start - first : end - first])
        return np.concatenate(pieces)

    def _patch(self, codes: Codes, first_bin: int) -> Tower:
        start, end = self.field.bases_of(first_bin, self.patch_bins)
        patch = np.full((1, end - start), N_CODE, dtype=np.uint8)
        first, last = max(start, 0), min(end, len(codes))
        patch[0, first - start : last - start] = codes[first:last]
        self.num_patches += 1
        tower: Tower = self._compute_patch(tf.constant(patch), tf.constant([first_bin])).numpy()[0]
        return tower


def find_change(pair: AllelePair) -> Change | None:
    """Finds how a pair's alternate differs from its reference; None if it does not."""
    differing = np.flatnonzero(pair.reference != pair.alternate)
    if not len(differing):
        return None
    first = int(differing[0])
    if pair.num_ref_bp == pair.num_alt_bp:
        return Change(first, int(differing[-1]) + 1, 0)
    shift = pair.num_alt_bp - pair.num_ref_bp
    end = pair.window.offset_bp + pair.num_alt_bp
    # The end that ALT has in common with REF is not new. In a repeat, the sequence begins to differ after the ALT.
    while end > max(first, shift) and pair.reference[end - 1 - shift] == pair.alternate[end - 1]:
        end -= 1
    return Change(first, max(first, end), shift)
