"""Passes of alternates as differences from their references."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from enformer_vep.genome.layout import ModelInput, TowerInput
from enformer_vep.inference.batches import Batches, HostLink, Pending
from enformer_vep.inference.passes import Known, PassSettings, TrackBlocks
from enformer_vep.inference.towers import Towers
from enformer_vep.model.arithmetic import Arithmetic, arithmetic
from enformer_vep.model.differences import DifferenceTransformer
from enformer_vep.model.enformer import Enformer


class _Reference(NamedTuple):
    """A reference that was run: its prediction, and its row of the activations that its batch kept for alternates."""

    prediction: tf.Tensor
    kept: Any
    row: int


@dataclass(frozen=True)
class _Prediction:
    """The prediction of a reference that may wait."""

    pending: Pending[_Reference]

    @property
    def is_known(self) -> bool:
        """Whether the reference was run."""
        return self.pending.is_known

    @property
    def value(self) -> tf.Tensor:
        """The prediction."""
        return self.pending.value.prediction


class _Row(NamedTuple):
    """A waiting alternate, and the first of its few bins that differ; None if more do."""

    reference: ModelInput
    pending: Pending[_Reference]
    alternate: TowerInput
    first_bin: int | None


@dataclass(frozen=True)
class DifferenceSettings:
    """How alternates are run as differences.

    Attributes:
      references: the arithmetic of references' passes.
      differences: the arithmetic of alternates'.
      link: the way to the device.
    """

    references: Arithmetic
    differences: Arithmetic
    link: HostLink


class DifferencePasses:
    """Runs references among themselves, keeping what their alternates need, and alternates as differences from them."""

    def __init__(
        self,
        model: Enformer,
        blocks: TrackBlocks,
        towers: Towers,
        chosen: PassSettings,
        settings: DifferenceSettings,
    ) -> None:
        """Prepares the model.

        Args:
          model: the model.
          blocks: the tracks that are computed.
          towers: computes the towers of references, and how those of alternates differ.
          chosen: the head, the bins and the batch size.
          settings: the arithmetic, and the way to the device.
        """
        batch_size = chosen.batch_size
        self._towers = towers
        self._link = settings.link
        self._latest: tuple[ModelInput, Pending[_Reference]] | None = None
        self._references: Batches[ModelInput, _Reference] = Batches(self._run_references, batch_size)
        # Differences of few bins and of all have a shape each, and so a batch and a graph.
        self._few: Batches[_Row, tf.Tensor] = Batches(self._run, batch_size)
        self._all: Batches[_Row, tf.Tensor] = Batches(self._run, batch_size)
        self._position_keys = model.position_keys()
        head, bins, references, differences = chosen.head, chosen.bins, settings.references, settings.differences
        self.functions: Sequence[Any] = model.graphs.get(
            ("difference passes", head, bins, blocks.computed, references, differences),
            lambda: _functions(DifferenceTransformer(model, head, blocks.blocks, bins), blocks, settings),
        )
        self._run_reference, self._run_difference = self.functions

    def reference(self, layout: ModelInput) -> Known:
        """Runs a reference, or lets it wait for its batch."""
        return _Prediction(self._keep(layout))

    def difference(self, reference: ModelInput, of_reference: Known, alternate: TowerInput) -> Known:
        """Runs an alternate, or lets it wait for its batch; returns its prediction less the reference's."""
        first_bin = self._towers.first_of_few(reference, alternate)
        batches = self._all if first_bin is None else self._few
        return batches.add(_Row(reference, self._keep(reference), alternate, first_bin))

    def flush(self) -> None:
        """Runs the waiting sequences."""
        for batches in (self._references, self._few, self._all):
            batches.flush()

    @property
    def num_run(self) -> int:
        """Sequences that were run."""
        return self._references.num_run + self._few.num_run + self._all.num_run

    @property
    def batch_size(self) -> int:
        """Sequences that are now run at a time."""
        return min(self._few.batch_size, self._all.batch_size)

    def _keep(self, layout: ModelInput) -> Pending[_Reference]:
        """Runs a reference, or lets it wait for its batch, unless it is the latest."""
        if self._latest is None or self._latest[0] != layout:
            self._latest = None  # what is kept is large: with batches of one, never hold two
            self._latest = layout, self._references.add(layout)
        return self._latest[1]

    def _run_references(self, layouts: Sequence[ModelInput]) -> list[_Reference]:
        predictions, kept = self._run_reference(tf.stack(self._towers.references(layouts)), self._position_keys)
        return [_Reference(prediction, kept, row) for row, prediction in enumerate(predictions)]

    def _run(self, rows: Sequence[_Row]) -> list[tf.Tensor]:
        self._references.flush()
        pairs = [(row.reference, row.alternate) for row in rows]
        first_bins = [row.first_bin for row in rows if row.first_bin is not None]
        if first_bins:
            few = zip(pairs, first_bins, strict=True)
            d = self._towers.few([(*pair, first) for pair, first in few])
            first_bin = self._link.send(np.array(first_bins, dtype=np.int32))
        else:
            towers, references = self._towers.alternates(pairs), self._towers.references([x for x, _ in pairs])
            d = [tower - reference for tower, reference in zip(towers, references, strict=True)]
            first_bin = None
        differences: list[tf.Tensor] = self._run_difference(
            _kept([row.pending.value for row in rows]), tf.stack(d), first_bin, self._position_keys
        )
        return differences


def _functions(
    transformer: DifferenceTransformer, blocks: TrackBlocks, settings: DifferenceSettings
) -> tuple[Any, Any]:
    references, differences = settings.references, settings.differences

    @tf.function(autograph=False)
    def run_reference(tower: tf.Tensor, position_keys: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], Any]:
        """Towers float32 [B, T, C] to the prediction of each row, float32 [bins, tracks], and what is kept."""
        with arithmetic(references):
            of_blocks, kept = transformer.reference(tower, differences.product_dtype, position_keys)
        return tf.unstack(blocks.join(of_blocks)), kept

    @tf.function(autograph=False)
    def run_difference(
        kept: Any, d: tf.Tensor, first_bin: tf.Tensor | None, position_keys: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        """What one or B references kept, and differences [B, T or M, C], to those of each row's prediction."""
        with arithmetic(differences):
            return tf.unstack(blocks.join(transformer.difference(kept, d, first_bin, position_keys)))

    return run_reference, run_difference


def _kept(references: Sequence[_Reference]) -> Any:
    """Returns the activations of rows' references, along the batch: once if all have the same, else for each row."""
    batches = {id(reference.kept) for reference in references}
    rows = [reference.row for reference in references]
    first = references[0]
    num_kept = tf.nest.flatten(first.kept)[0].shape[0]
    if len(batches) == 1 and (rows == list(range(num_kept)) or (num_kept == 1 and set(rows) == {0})):
        return first.kept
    if len(batches) == 1 and len(set(rows)) == 1:
        return tf.nest.map_structure(lambda x: x[first.row : first.row + 1], first.kept)
    slices = [tf.nest.map_structure(lambda x, row=r.row: x[row : row + 1], r.kept) for r in references]
    return tf.nest.map_structure(lambda *x: tf.concat(x, axis=0), *slices)
