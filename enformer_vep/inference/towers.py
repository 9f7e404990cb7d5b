"""Towers of references and alternates, put together from bins of the genome, of a reference, and new ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import tensorflow as tf
from cachetools import LRUCache

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.codes import N_CODE, Codes
from enformer_vep.genome.layout import FetchCodes, ModelInput, Splice, TowerInput
from enformer_vep.inference.batches import HostLink, in_batches
from enformer_vep.inference.receptive_field import ReceptiveField, changed_bins, intersection, stretches
from enformer_vep.inference.tiles import TILE_BINS, GenomeBins, TowerTiles
from enformer_vep.model.arithmetic import Arithmetic, arithmetic
from enformer_vep.model.config import NUM_BASES
from enformer_vep.model.enformer import Enformer
from enformer_vep.wording import option

NUM_RECENT_TOWERS = 2
"""Reference towers that are kept whole for the alternates that follow, for each row of a batch."""

NUM_RECENT_PATCHES = 64


class Patch(NamedTuple):
    """As many neighbouring bins of one sequence as one base can reach.

    Attributes:
      layout: the sequence.
      first_bin: number of the first bin in the window.
    """

    layout: ModelInput
    first_bin: int


class Patches:
    """Computes stem and conv_tower over patches, in batches of one fixed shape.

    Attributes:
      num_bins: bins of a patch.
      num_computed: patches that were computed.
    """

    def __init__(
        self,
        compute: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        field: ReceptiveField,
        fetch: FetchCodes,
        link: HostLink,
        batch_size: int,
    ) -> None:
        """Prepares to compute patches.

        Args:
          compute: turns codes uint8 [B, length] of patches with their context, and the numbers int32 [B] of their
            first bins, into float32 [B, num_bins, C].
          field: the model's receptive field.
          fetch: returns the reference's codes.
          link: the way to the device.
          batch_size: patches at a time.
        """
        self._compute = compute
        self._field = field
        self._fetch = fetch
        self._link = link
        self._batch_size = batch_size
        self.num_bins = field.max_bins_of_base
        self.num_computed = 0

    def compute(self, patches: Sequence[Patch]) -> list[tf.Tensor]:
        """Returns float32 [num_bins, C] for each patch, on the device."""
        self.num_computed += len(patches)

        def run(rows: Sequence[Patch]) -> tf.Tensor:
            codes = self._link.send(np.stack([self._codes(patch) for patch in rows]))
            first_bins = self._link.send(np.array([patch.first_bin for patch in rows], dtype=np.int32))
            return self._compute(codes, first_bins)

        return in_batches(run, patches, self._batch_size)

    def _codes(self, patch: Patch) -> Codes:
        """Returns the codes of a patch with its context, N beyond the window's ends."""
        start, end = self._field.bases_of(patch.first_bin, self.num_bins)
        first, stop = max(start, 0), min(end, patch.layout.length_bp)
        codes = np.full(end - start, N_CODE, dtype=np.uint8)
        codes[first - start : stop - start] = patch.layout.codes(self._fetch, first, stop)
        return codes


@dataclass(frozen=True)
class TowerSettings:
    """How towers are computed.

    Attributes:
      tiles: the arithmetic of the stem and of each conv_tower block in the genome's bins.
      patches: the arithmetic of bins that are computed for one sequence alone.
      patched_bp: bases of every window whose bins are always computed as patches, as their arithmetic is more exact.
      cache_bytes: bytes of the genome's bins that are kept.
      batch_size: tiles or patches that are computed at a time.
    """

    tiles: Sequence[Arithmetic]
    patches: Arithmetic
    patched_bp: range
    cache_bytes: int
    batch_size: int


class _Part(NamedTuple):
    """Some bins of a tower and where they come from."""

    bins: range
    source: GenomeBins | Patch


class Towers:
    """Computes the towers of references and of alternates.

    Attributes:
      field: the model's receptive field.
      patch_bins: bins of a patch: as many as one base can reach.
      functions: the TensorFlow functions, which are traced once for each shape.
    """

    def __init__(self, model: Enformer, fetch: FetchCodes, link: HostLink, settings: TowerSettings) -> None:
        """Prepares the graphs.

        Args:
          model: the model, on the device that is to run it.
          fetch: returns the reference's codes.
          link: the way to the device.
          settings: how towers are computed.

        Raises:
          EnformerVepError: the window is too short for any of its bins to be shared.
        """
        self.field = ReceptiveField.of(model.config)
        if self.field.num_bins < max(2 * self.field.edge_bins + 1, self.field.max_bins_of_base):
            raise EnformerVepError(
                f"a window of {self.field.num_bins} bins is too short for the reusing engine, since zero padding at "
                f"its ends reaches all of them: use {option('--engine', 'full')}"
            )
        self.patch_bins = self.field.max_bins_of_base
        self._num_bins_kept = 0
        patched, batch_size = settings.patched_bp, settings.batch_size
        self._patched = self.field.bins_reached(patched.start, patched.stop) if patched else range(0)
        self._recent: LRUCache[ModelInput, tf.Tensor] = LRUCache(NUM_RECENT_TOWERS * batch_size)
        self._recent_patches: LRUCache[Patch, tf.Tensor] = LRUCache(NUM_RECENT_PATCHES)

        tiles, of_patches = tuple(settings.tiles), settings.patches
        compute_tiles = model.graphs.get(("tiles", tiles), lambda: _tiles(model, tiles))
        compute_patches = model.graphs.get(("patches", of_patches), lambda: _patches(model, of_patches))

        def compute(codes: Sequence[Codes]) -> list[tf.Tensor]:
            return in_batches(lambda rows: compute_tiles(link.send(np.stack(rows))), codes, batch_size)

        self.functions = (compute_tiles, compute_patches)
        self._patches = Patches(compute_patches, self.field, fetch, link, batch_size)
        self._tiles = TowerTiles(
            compute,
            self.field,
            fetch,
            cache_bytes=settings.cache_bytes,
            tile_bins=min(TILE_BINS, self.field.num_bins),
        )

    @property
    def num_bins_computed(self) -> int:
        """Tower bins that were computed, in tiles and in patches."""
        return self._tiles.num_bins_computed + self._patches.num_computed * self.patch_bins

    @property
    def num_bins_reused(self) -> int:
        """Tower bins of references and alternates that were known already."""
        return self._tiles.num_bins_reused + self._num_bins_kept

    def references(self, layouts: Sequence[ModelInput]) -> list[tf.Tensor]:
        """Returns the towers of whole windows, float32 [T, C]."""
        towers = {layout: self._recent[layout] for layout in layouts if layout in self._recent}
        missing = list(dict.fromkeys(layout for layout in layouts if layout not in towers))
        plans = [self._plan(layout, range(self.field.num_bins)) for layout in missing]
        for layout, parts in zip(missing, self._compute(plans), strict=True):
            towers[layout] = self._recent[layout] = tf.concat(parts, axis=0)
        return [towers[layout] for layout in layouts]

    def alternates(self, pairs: Sequence[tuple[ModelInput, TowerInput]]) -> list[tf.Tensor]:
        """Returns the towers of alternates, float32 [T, C], of which all bins that do not change are the reference's.

        Args:
          pairs: reference and alternate of each.
        """
        references = self.references([reference for reference, _ in pairs])
        changed = [changed_bins(reference, alternate, self.field) for reference, alternate in pairs]
        plans = [
            [part for bins in ranges for part in self._plan(alternate, bins)]
            for (_, alternate), ranges in zip(pairs, changed, strict=True)
        ]
        self._num_bins_kept += sum(
            self.field.num_bins - sum(map(len, ranges))
            for (reference, alternate), ranges in zip(pairs, changed, strict=True)
            if alternate != reference
        )
        towers = []
        for tower, plan, parts in zip(references, plans, self._compute(plans), strict=True):
            pieces, first = [], 0
            for part, bins in zip(plan, parts, strict=True):
                pieces += [tower[first : part.bins.start], bins]
                first = part.bins.stop
            towers.append(tf.concat([*pieces, tower[first:]], axis=0))
        return towers

    def first_of_few(self, reference: ModelInput, alternate: TowerInput) -> int | None:
        """Returns the first bin of a patch that holds all bins that change; None if no patch holds them."""
        changed = changed_bins(reference, alternate, self.field)
        if not changed:
            return 0
        first = min(changed[0].start, self.field.num_bins - self.patch_bins)
        return first if changed[-1].stop <= first + self.patch_bins else None

    def few(self, rows: Sequence[tuple[ModelInput, TowerInput, int]]) -> list[tf.Tensor]:
        """Returns how the few bins that change differ from the reference's.

        Args:
          rows: reference, alternate, and the result of `first_of_few`.

        Returns:
          float32 [patch_bins, C] for each. The differences of bins that do not change are exactly 0, since both are
          computed by the same steps at the same place of their patch.
        """
        self._num_bins_kept += len(rows) * (self.field.num_bins - self.patch_bins)
        references = [Patch(reference, first) for reference, _, first in rows]
        wanted = dict.fromkeys(patch for patch in references if patch not in self._recent_patches)
        of_alternates = [list(self._sides(alternate, first)) for _, alternate, first in rows]
        wanted |= dict.fromkeys(patch for sides in of_alternates for patch, _ in sides)
        computed = dict(zip(wanted, self._patches.compute(list(wanted)), strict=True))
        known = {patch: self._recent_patches[patch] for patch in references if patch in self._recent_patches}
        self._recent_patches.update((patch, computed[patch]) for patch in references if patch in computed)
        differences = []
        for reference, sides in zip(references, of_alternates, strict=True):
            parts = [computed[patch][bins.start : bins.stop] for patch, bins in sides]
            alternate = parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)
            differences.append(alternate - (known | computed)[reference])
        return differences

    def _sides(self, layout: TowerInput, first: int) -> Iterator[tuple[Patch, range]]:
        """Yields the patches of the sequences that bins from `first` on come from, and which of their bins."""
        whole = range(self.patch_bins)
        if not isinstance(layout, Splice):
            yield Patch(layout, first), whole
            return
        at = layout.at_bp // self.field.bin_size_bp - first
        for side, bins in ((layout.left, range(at)), (layout.right, range(max(at, 0), self.patch_bins))):
            if intersection(whole, bins):
                yield Patch(side, first), intersection(whole, bins)

    def _plan(self, layout: TowerInput, bins: range) -> list[_Part]:
        """Returns where neighbouring bins of a tower come from."""
        size, edge = self.field.bin_size_bp, self.field.edge_bins
        inner = range(edge, self.field.num_bins - edge)
        parts, first = [], bins.start
        for stretch in stretches(layout, self.field):
            shared = intersection(intersection(stretch.bins, inner), bins)
            for known in _without(shared, self._patched):
                parts += self._patched_parts(layout, range(first, known.start))
                origin = stretch.origin + known.start * size
                parts.append(_Part(known, GenomeBins(stretch.contig, stretch.strand, origin, len(known))))
                first = known.stop
        return parts + self._patched_parts(layout, range(first, bins.stop))

    def _patched_parts(self, layout: TowerInput, bins: range) -> list[_Part]:
        if isinstance(layout, Splice):
            at = layout.at_bp // self.field.bin_size_bp
            left, right = range(bins.start, min(bins.stop, at)), range(max(bins.start, at), bins.stop)
            return self._patched_parts(layout.left, left) + self._patched_parts(layout.right, right)
        last = self.field.num_bins - self.patch_bins
        return [
            _Part(range(start, min(start + self.patch_bins, bins.stop)), Patch(layout, min(start, last)))
            for start in range(bins.start, bins.stop, self.patch_bins)
        ]

    def _compute(self, plans: Sequence[Sequence[_Part]]) -> list[list[tf.Tensor]]:
        """Returns the bins of every part of every plan; all that is new is computed together."""
        parts = [part for plan in plans for part in plan]
        tiles = iter(self._tiles.fetch([part.source for part in parts if isinstance(part.source, GenomeBins)]))
        patches = iter(self._patches.compute([part.source for part in parts if isinstance(part.source, Patch)]))
        of_plans = []
        for plan in plans:
            of_plan = []
            for bins, source in plan:
                if isinstance(source, GenomeBins):
                    of_plan.append(next(tiles))
                else:
                    skipped = bins.start - source.first_bin
                    of_plan.append(next(patches)[skipped : skipped + len(bins)])
            of_plans.append(of_plan)
        return of_plans


def _tiles(model: Enformer, arithmetics: Sequence[Arithmetic]) -> Callable[[tf.Tensor], tf.Tensor]:
    @tf.function(autograph=False)
    def compute(codes: tf.Tensor) -> tf.Tensor:
        return model.tower_bins(tf.one_hot(codes, NUM_BASES), arithmetics=arithmetics)

    return cast("Callable[[tf.Tensor], tf.Tensor]", compute)


def _patches(model: Enformer, chosen: Arithmetic) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    @tf.function(autograph=False)
    def compute(codes: tf.Tensor, first_bin: tf.Tensor) -> tf.Tensor:
        with arithmetic(chosen):
            return model.tower_bins(tf.one_hot(codes, NUM_BASES), first_bin=first_bin)

    return cast("Callable[[tf.Tensor, tf.Tensor], tf.Tensor]", compute)


def _without(bins: range, other: range) -> list[range]:
    """Returns neighbouring bins without some of them."""
    if not intersection(bins, other):
        return [bins] if bins else []
    sides = range(bins.start, other.start), range(other.stop, bins.stop)
    return [side for side in sides if side]
