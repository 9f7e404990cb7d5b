"""Passes through the transformer and the head: each sequence by itself, or alternates as differences."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from enformer_vep.genome.variant import Interval
from enformer_vep.inference.batches import Batches, Result
from enformer_vep.inference.engine import AllelePair, BinSums
from enformer_vep.inference.receptive_field import Change
from enformer_vep.inference.tiles import Tower
from enformer_vep.inference.towers import Towers
from enformer_vep.inference.track_blocks import Sums, TrackBlocks, sum_bins, sum_differences
from enformer_vep.model.arithmetic import Arithmetic, arithmetic
from enformer_vep.model.differences import DifferenceTransformer
from enformer_vep.model.enformer import Enformer


class Passes(Protocol):
    """Turns towers into sums over bins."""

    @property
    def functions(self) -> Sequence[Any]:
        """The TensorFlow functions of the passes, which are traced once for each shape."""
        ...

    def reference(self, pair: AllelePair) -> Result:
        """Runs a pair's reference, or lets it wait for its batch."""
        ...

    def alternate(self, pair: AllelePair, change: Change) -> Result:
        """Runs a pair's alternate, or lets it wait for its batch."""
        ...

    def flush(self) -> None:
        """Runs what waits."""
        ...

    @property
    def num_run(self) -> int:
        """Sequences that were run."""
        ...

    @property
    def batch_size(self) -> int:
        """Sequences that are now run at a time."""
        ...


class PlainPasses:
    """Runs references and alternates alike, together in batches."""

    def __init__(
        self,
        model: Enformer,
        head: str,
        towers: Towers,
        *,
        tracks: Sequence[int] | None,
        batch_size: int,
        chosen: Arithmetic,
    ) -> None:
        """Prepares the model, in the chosen arithmetic."""
        self._towers = towers
        self._batches = Batches(self._run, batch_size)
        position_keys = model.position_keys()
        track_blocks = TrackBlocks(model.config.heads[head], tracks)

        @tf.function(autograph=False)
        def sum_prediction(tower: tf.Tensor) -> Sums:
            """Towers float32 [B, T, C] to the sums of the chosen tracks."""
            with arithmetic(chosen):
                features = model.features(tower, position_keys=position_keys)
                return track_blocks.sum(lambda block: sum_bins(tf.nn.softplus(model.logits(features, head, block))))

        self._sum_prediction = sum_prediction
        self.functions: Sequence[Any] = (sum_prediction,)

    def reference(self, pair: AllelePair) -> Result:
        """Runs a pair's reference, or lets it wait for its batch."""
        return self._batches.add(self._towers.reference(pair.window.interval, pair.reference))

    def alternate(self, pair: AllelePair, change: Change) -> Result:
        """Runs a pair's alternate, or lets it wait for its batch."""
        reference = self._towers.reference(pair.window.interval, pair.reference)
        return self._batches.add(self._towers.alternate(pair, change).place(reference))

    def flush(self) -> None:
        """Runs what waits."""
        self._batches.flush()

    @property
    def num_run(self) -> int:
        """Sequences that were run."""
        return self._batches.num_run

    @property
    def batch_size(self) -> int:
        """Sequences that are now run at a time."""
        return self._batches.batch_size

    def _run(self, rows: Sequence[Tower]) -> list[BinSums]:
        sums = (x.numpy() for x in self._sum_prediction(tf.constant(np.stack(rows))))
        return [BinSums(*row) for row in zip(*sums, strict=True)]


class _Row(NamedTuple):
    """A waiting alternate: its reference's kept tensors and sums, and its difference in the tower."""

    kept: Any
    reference: BinSums
    d: Tower
    first_bin: int | None


class DifferencePasses:
    """Runs each reference by itself, keeping what its alternates need, and alternates as differences from it."""

    def __init__(
        self,
        model: Enformer,
        head: str,
        towers: Towers,
        *,
        tracks: Sequence[int] | None,
        batch_size: int,
        references: Arithmetic,
        differences: Arithmetic,
    ) -> None:
        """Prepares the model, in the chosen arithmetic of references' and of alternates' passes."""
        self._towers = towers
        self._kept: tuple[Interval, Any, BinSums] | None = None
        self._num_references = 0
        # Differences of few bins and of all have a shape each, and so a batch and a graph.
        self._few, self._all = Batches(self._run, batch_size), Batches(self._run, batch_size)
        track_blocks = TrackBlocks(model.config.heads[head], tracks)
        transformer = DifferenceTransformer(model, head, track_blocks.blocks)

        @tf.function(autograph=False)
        def run_reference(tower: tf.Tensor) -> tuple[Any, Sums]:
            """The tower float32 [1, T, C] of a reference to what its alternates need, and its sums."""
            with arithmetic(references):
                blocks, kept = transformer.reference(tower, differences.product_dtype)
            return (blocks, kept), track_blocks.join([sum_bins(x) for x in blocks])

        @tf.function(autograph=False)
        def sum_difference(rows: Any, d: tf.Tensor, first_bin: tf.Tensor | None) -> Sums:
            """What B references kept, and differences [B, T or M, C], to the differences of the sums."""
            x, kept = tf.nest.map_structure(lambda *kept: kept[0] if len(kept) == 1 else tf.concat(kept, axis=0), *rows)
            with arithmetic(differences):
                blocks = zip(x, transformer.difference(kept, d, first_bin), strict=True)
            return track_blocks.join([sum_differences(x, d) for x, d in blocks])

        self._run_reference, self._sum_difference = run_reference, sum_difference
        self.functions: Sequence[Any] = (run_reference, sum_difference)

    def reference(self, pair: AllelePair) -> Result:
        """Runs a pair's reference."""
        _, sums = self._keep(pair)
        return Result(sums)

    def alternate(self, pair: AllelePair, change: Change) -> Result:
        """Runs a pair's alternate, or lets it wait for its batch."""
        kept, sums = self._keep(pair)
        first_bin, bins, _ = self._towers.alternate(pair, change)
        if first_bin is None:
            d = bins - self._towers.reference(pair.window.interval, pair.reference)
            return self._all.add(_Row(kept, sums, d, None))
        return self._few.add(_Row(kept, sums, bins - self._towers.reference_patch(pair, first_bin), first_bin))

    def flush(self) -> None:
        """Runs what waits."""
        self._few.flush()
        self._all.flush()

    @property
    def num_run(self) -> int:
        """Sequences that were run."""
        return self._num_references + self._few.num_run + self._all.num_run

    @property
    def batch_size(self) -> int:
        """Sequences that are now run at a time."""
        return min(self._few.batch_size, self._all.batch_size)

    def _keep(self, pair: AllelePair) -> tuple[Any, BinSums]:
        """Runs a pair's reference, unless it was the last to be run."""
        interval = pair.window.interval
        if self._kept is None or self._kept[0] != interval:
            self._kept = None  # it is large, so do not keep two at a time
            tower = self._towers.reference(interval, pair.reference)
            kept, (total, log2_total) = self._run_reference(tf.constant(tower[np.newaxis]))
            self._kept = interval, kept, BinSums(total.numpy()[0], log2_total.numpy()[0])
            self._num_references += 1
        return self._kept[1:]

    def _run(self, rows: Sequence[_Row]) -> list[BinSums]:
        first_bins = [row.first_bin for row in rows if row.first_bin is not None]
        totals, log2_totals = self._sum_difference(
            tuple(row.kept for row in rows),
            tf.constant(np.stack([row.d for row in rows])),
            tf.constant(first_bins) if first_bins else None,
        )
        differences = zip(totals.numpy(), log2_totals.numpy(), strict=True)
        return [
            BinSums(row.reference.total + total, row.reference.log2_total + log2_total)
            for row, (total, log2_total) in zip(rows, differences, strict=True)
        ]
