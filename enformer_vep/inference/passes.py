"""Passes of whole sequences through the model: references and alternates alike, together in batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from enformer_vep.genome.layout import FetchCodes, ModelInput, Splice, TowerInput
from enformer_vep.inference.batches import Batches, HostLink
from enformer_vep.inference.towers import Towers
from enformer_vep.model.arithmetic import PLAIN, Arithmetic, arithmetic, in_turn
from enformer_vep.model.config import NUM_BASES
from enformer_vep.model.enformer import Enformer

BLOCK_TRACKS = 128


class TrackBlocks:
    """The blocks of a head that hold the chosen tracks: the head is computed one of them at a time.

    The last bits of a column of a matrix product may depend on how many columns there are and on its place among them.
    So a head is always computed in the same blocks of neighbouring tracks, whichever are chosen: a track has the same
    bits alone as among all, and only the blocks in which a track is chosen are multiplied.

    Attributes:
      blocks: the tracks of each block, by their numbers in the head.
      num_tracks: tracks of all blocks together.
    """

    def __init__(self, num_tracks: int, chosen: Sequence[int] | None = None) -> None:
        """Divides a head.

        Args:
          num_tracks: tracks of the head.
          chosen: numbers of the tracks that are wanted, in the order wanted; all by default.

        Raises:
          ValueError: a number is not a track of the head.
        """
        chosen = range(num_tracks) if chosen is None else chosen
        if unknown := [number for number in chosen if not 0 <= number < num_tracks]:
            raise ValueError(f"a track of this head must be a number from 0 to {num_tracks - 1}, got {unknown[0]}")
        starts = sorted({number - number % BLOCK_TRACKS for number in chosen})
        self.blocks = [range(start, min(start + BLOCK_TRACKS, num_tracks)) for start in starts]
        self.num_tracks = sum(len(block) for block in self.blocks)
        place = {number: place for place, number in enumerate(number for block in self.blocks for number in block)}
        self._places = [place[number] for number in chosen]

    @property
    def computed(self) -> tuple[range, ...]:
        """The key of graphs that use `compute` or `join`."""
        return tuple(self.blocks)

    @property
    def chosen(self) -> tuple[tuple[range, ...], tuple[int, ...]]:
        """The key of graphs that use `choose` as well."""
        return self.computed, tuple(self._places)

    def compute(self, of_block: Callable[[range], tf.Tensor]) -> tf.Tensor:
        """Computes every block, one after another to hold the memory of one, and joins them along the last axis."""
        return self.join(in_turn(of_block, self.blocks))

    def join(self, of_blocks: Sequence[tf.Tensor]) -> tf.Tensor:
        """Joins the tracks of all blocks along the last axis."""
        return tf.concat(of_blocks, axis=-1) if len(of_blocks) > 1 else of_blocks[0]

    def split(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Divides the tracks of all blocks by block: the inverse of `join`."""
        parts: list[tf.Tensor] = tf.split(x, [len(block) for block in self.blocks], axis=-1)
        return parts

    def choose(self, x: tf.Tensor) -> tf.Tensor:
        """Selects the chosen tracks from those of all blocks, in the order wanted, along the last axis."""
        return x if self._places == list(range(self.num_tracks)) else tf.gather(x, self._places, axis=-1)


class Known(Protocol):
    """A tensor on the device that may still have to be computed."""

    @property
    def is_known(self) -> bool:
        """Whether it was computed."""
        ...

    @property
    def value(self) -> tf.Tensor:
        """The tensor, which must have been computed."""
        ...


@dataclass(frozen=True)
class PassSettings:
    """The settings of passes.

    Attributes:
      head: the head whose tracks are predicted.
      bins: the scored bins that are computed.
      batch_size: sequences at a time.
      arithmetic: that of the passes.
    """

    head: str
    bins: range
    batch_size: int
    arithmetic: Arithmetic = PLAIN


class Passes(Protocol):
    """Turns sequences into predictions, which stay on the device: float32 [bins, tracks of all blocks]."""

    @property
    def functions(self) -> Sequence[Any]:
        """The TensorFlow functions of the passes, which are traced once for each shape."""
        ...

    def reference(self, layout: ModelInput) -> Known:
        """Runs a reference, or lets it wait for its batch."""
        ...

    def difference(self, reference: ModelInput, of_reference: Known, alternate: TowerInput) -> Known:
        """Runs an alternate, or lets it wait for its batch.

        Args:
          reference: the input that it is compared with.
          of_reference: the reference's prediction.
          alternate: another sequence.

        Returns:
          The alternate's prediction less the reference's.
        """
        ...

    def flush(self) -> None:
        """Runs the waiting sequences."""
        ...

    @property
    def num_run(self) -> int:
        """Sequences that were run."""
        ...

    @property
    def batch_size(self) -> int:
        """Sequences that are now run at a time."""
        ...


class _Difference(NamedTuple):
    """One prediction less another."""

    alternate: Known
    reference: Known

    @property
    def is_known(self) -> bool:
        """Whether both were computed."""
        return self.alternate.is_known and self.reference.is_known

    @property
    def value(self) -> tf.Tensor:
        """The difference."""
        return self.alternate.value - self.reference.value


class Row(NamedTuple):
    """A waiting sequence, and the reference that it takes bins from."""

    reference: ModelInput
    layout: TowerInput


class PlainPasses:
    """Runs references and alternates alike, mixed in the same batches."""

    def __init__(
        self,
        model: Enformer,
        blocks: TrackBlocks,
        towers: Callable[[Sequence[Row]], tf.Tensor],
        settings: PassSettings,
    ) -> None:
        """Prepares the model.

        Args:
          model: the model.
          blocks: the tracks that are computed.
          towers: returns the towers of rows, float32 [B, T, C].
          settings: the head, the bins, the batch size and the arithmetic.
        """
        self._batches: Batches[Row, tf.Tensor] = Batches(self._run, settings.batch_size)
        self._towers = towers
        self._position_keys = model.position_keys()
        head, bins, of_passes = settings.head, settings.bins, settings.arithmetic

        def make() -> Any:
            @tf.function(autograph=False)
            def predict(tower: tf.Tensor, position_keys: Sequence[tf.Tensor]) -> list[tf.Tensor]:
                """Towers float32 [B, T, C] to the prediction of each row, float32 [bins, tracks]."""
                with arithmetic(of_passes):
                    features = model.features(tower, position_keys=position_keys, bins=bins)
                    tracks = blocks.compute(lambda block: tf.nn.softplus(model.logits(features, head, block)))
                return tf.unstack(tracks)

            return predict

        self._predict = model.graphs.get(("passes", head, bins, blocks.computed, of_passes), make)
        self.functions: Sequence[Any] = (self._predict,)

    def reference(self, layout: ModelInput) -> Known:
        """Runs a reference, or lets it wait for its batch."""
        return self._batches.add(Row(layout, layout))

    def difference(self, reference: ModelInput, of_reference: Known, alternate: TowerInput) -> Known:
        """Runs an alternate, or lets it wait for its batch; returns its prediction less the reference's."""
        return _Difference(self._batches.add(Row(reference, alternate)), of_reference)

    def flush(self) -> None:
        """Runs the waiting sequences."""
        self._batches.flush()

    @property
    def num_run(self) -> int:
        """Sequences that were run."""
        return self._batches.num_run

    @property
    def batch_size(self) -> int:
        """Sequences that are now run at a time."""
        return self._batches.batch_size

    def _run(self, rows: Sequence[Row]) -> list[tf.Tensor]:
        predictions: list[tf.Tensor] = self._predict(self._towers(rows), self._position_keys)
        return predictions


def reused_towers(towers: Towers) -> Callable[[Sequence[Row]], tf.Tensor]:
    """Returns a function that puts the towers of rows together from known bins."""

    def of(rows: Sequence[Row]) -> tf.Tensor:
        return tf.stack(towers.alternates(rows))

    return of


def whole_towers(model: Enformer, fetch: FetchCodes, link: HostLink) -> Callable[[Sequence[Row]], tf.Tensor]:
    """Returns a function that computes the tower of each row from its whole sequence."""
    bin_size_bp = model.config.geometry.bin_size_bp

    def make() -> Any:
        return tf.function(lambda codes: model.conv_tower(tf.one_hot(codes, NUM_BASES)), autograph=False)

    compute = model.graphs.get(("whole towers",), make)

    def of(rows: Sequence[Row]) -> tf.Tensor:
        layouts = [row.layout for row in rows]
        sides = [(x.left, x.right) if isinstance(x, Splice) else (x, x) for x in layouts]
        left = compute(link.send(np.stack([side.codes(fetch) for side, _ in sides])))
        if not any(isinstance(layout, Splice) for layout in layouts):
            return left
        right = compute(link.send(np.stack([side.codes(fetch) for _, side in sides])))
        at = [x.at_bp // bin_size_bp if isinstance(x, Splice) else left.shape[1] for x in layouts]
        is_left = tf.sequence_mask(link.send(np.array(at, dtype=np.int32)), left.shape[1])  # [B, T]
        return tf.where(is_left[..., tf.newaxis], left, right)

    return of
