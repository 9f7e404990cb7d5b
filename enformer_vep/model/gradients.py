"""The gradient of a weighted sum of predictions with respect to the sequence, in bounded memory.

A pass keeps the input of each transformer block, and nothing of what goes on inside. The way back runs every block once
more, from the last to the first, and only the block at hand has its inner activations in memory. Stem and conv_tower go
tile by tile: a stretch of tower bins depends on its own bases and their context alone, so its bins' gradient flows back
to these bases, where the gradients of neighbouring tiles add up. Everything is float32.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from enformer_vep.model.config import NUM_BASES
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.layers import gelu
from enformer_vep.model.transformer import TransformerBlock

TILE_BINS = 64
"""Tower bins whose stem and conv_tower are computed at a time."""

Float32s = npt.NDArray[np.float32]


class Target(NamedTuple):
    """A weighted sum of a head's predictions, after the softplus.

    Attributes:
      bin_weights: float32 [num_bins], what each scored bin counts.
      tracks: int32 [n], numbers of tracks in the head.
      track_weights: float32 [n], what each of these tracks counts.
    """

    bin_weights: Float32s
    tracks: npt.NDArray[np.int32]
    track_weights: Float32s


class KeptPass(NamedTuple):
    """The tensors of a pass that the gradients of all targets need.

    Attributes:
      one_hot: float32 [sequence_length_bp + 2 tower_context_bp, 4], the sequence, and zeros beyond its ends.
      inputs: of each transformer block float32 [1, T, C], and of what follows the last one.
    """

    one_hot: Float32s
    inputs: tuple[tf.Tensor, ...]


class InputGradients:
    """Computes gradients of one head of a model, at inference."""

    def __init__(self, model: Enformer, head: str, *, tile_bins: int = TILE_BINS) -> None:
        """Prepares the model; graphs are built when they first run.

        Args:
          model: the model, on the device that is to run it.
          head: the head whose predictions are targets.
          tile_bins: tower bins whose stem and conv_tower are computed at a time.

        Raises:
          KeyError: no such head.
          ValueError: tile_bins is not positive.
        """
        if tile_bins < 1:
            raise ValueError(f"tile_bins must be positive, got {tile_bins}")
        self._model = model
        self._head = model.heads[head]
        self._geometry = model.config.geometry
        self._context_bp = model.config.tower_context_bp
        self._tile_bins = min(tile_bins, self._geometry.num_tower_bins)
        self._tile, self._tile_back = model.graphs.get(("tile gradients",), lambda: _tile_graphs(model))
        self._blocks = model.graphs.get(("block gradients",), lambda: _block_graphs(model))
        self._position_keys = model.position_keys()
        floats = tf.TensorSpec([None], tf.float32)
        signature = [
            tf.TensorSpec([1, None, model.config.channels], tf.float32),
            floats,
            tf.TensorSpec([None], tf.int32),
            floats,
        ]
        self._end_forward = tf.function(self._end, autograph=False, input_signature=signature)
        self._end_back = tf.function(self._end_and_gradient, autograph=False, input_signature=signature)

    def forward(self, one_hot: Float32s) -> KeptPass:
        """Runs a sequence through stem, conv_tower and transformer.

        Args:
          one_hot: float32 [sequence_length_bp, 4] in the order A C G T, N all zeros. Any other numbers will do.

        Raises:
          ValueError: it has another shape.
        """
        expected = (self._geometry.sequence_length_bp, NUM_BASES)
        if one_hot.shape != expected:
            raise ValueError(f"expected one_hot of shape {expected}, got {one_hot.shape}")
        padded = np.pad(one_hot.astype(np.float32), ((self._context_bp, self._context_bp), (0, 0)))
        tiles = [
            self._tile(padded[np.newaxis, bases], np.array([first], np.int32))[:, done - first :]
            for first, done, bases in self._tiles()
        ]
        inputs = [tf.concat(tiles, axis=1)]
        for (run, _), keys in zip(self._blocks, self._position_keys, strict=True):
            inputs.append(run(inputs[-1], keys))
        return KeptPass(padded, tuple(inputs))

    def value(self, kept: KeptPass, target: Target) -> float:
        """Returns the target's value."""
        return float(self._end_forward(kept.inputs[-1], *target))

    def gradient(self, kept: KeptPass, target: Target) -> tuple[float, Float32s]:
        """Returns the target's value, and its gradient: float32 [sequence_length_bp, 4] in the order A C G T.

        Args:
          kept: what `forward` returned for the sequence.
          target: the weighted sum of predictions.
        """
        value, gradient = self._end_back(kept.inputs[-1], *target)
        steps = zip(self._blocks, kept.inputs, self._position_keys, strict=False)
        for (_, back), x, keys in reversed(list(steps)):
            gradient = back(gradient, x, keys)
        of_bases = np.zeros_like(kept.one_hot)
        for first, done, bases in self._tiles():
            bins = gradient[:, first : first + self._tile_bins]
            if done > first:  # these bins were those of the tile before
                bins *= tf.cast(tf.range(self._tile_bins) >= done - first, tf.float32)[:, tf.newaxis]
            one_hot = kept.one_hot[np.newaxis, bases]
            of_bases[bases] += self._tile_back(bins, one_hot, np.array([first], np.int32)).numpy()[0]
        return float(value), of_bases[self._context_bp : len(of_bases) - self._context_bp]

    def _tiles(self) -> Iterator[tuple[int, int, slice]]:
        """Yields the tiles, all of one length: the last one begins before the end of the one before if it has to.

        Yields:
          The tile's first bin, its first bin that no tile before it has, and where its bases are among the padded ones.
        """
        num_bins, bin_size_bp = self._geometry.num_tower_bins, self._geometry.bin_size_bp
        for done in range(0, num_bins, self._tile_bins):
            first = min(done, num_bins - self._tile_bins)
            start = first * bin_size_bp
            yield first, done, slice(start, start + self._tile_bins * bin_size_bp + 2 * self._context_bp)

    def _end(self, x: tf.Tensor, bin_weights: tf.Tensor, tracks: tf.Tensor, track_weights: tf.Tensor) -> tf.Tensor:
        """The target's value, of what follows the transformer blocks: float64 []."""
        model = self._model
        x = x if model.transformer_blocks else model.crop(x)
        features = gelu(model.final_pointwise(x, is_training=False))[0]  # [bins, 2C]
        assert self._head.b is not None
        logits = features @ tf.gather(self._head.w, tracks, axis=1) + tf.gather(self._head.b, tracks)
        by_bin = tf.linalg.matvec(tf.cast(tf.nn.softplus(logits), tf.float64), tf.cast(track_weights, tf.float64))
        return tf.tensordot(tf.cast(bin_weights, tf.float64), by_bin, axes=1)

    def _end_and_gradient(self, x: tf.Tensor, *target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            value = self._end(x, *target)
        return value, tape.gradient(value, x)


def _tile_graphs(model: Enformer) -> "tuple[Graph, Graph]":
    return with_gradient(lambda one_hot, first: model.tower_bins(one_hot, first_bin=first))


def _block_graphs(model: Enformer) -> "list[tuple[Graph, Graph]]":
    return [with_gradient(_step_of(block, wanted)) for block, wanted in model.blocks_and_bins()]


def _step_of(block: TransformerBlock, wanted: range) -> "Graph":
    def run(x: tf.Tensor, position_keys: tf.Tensor) -> tf.Tensor:
        return block(x, is_training=False, wanted=wanted, position_keys=position_keys)

    return run


Graph = Callable[..., tf.Tensor]


def with_gradient(run: Graph) -> tuple[Graph, Graph]:
    """Returns the graph of a step, and that of its way back.

    Args:
      run: maps a tensor x, and others that it is not differentiated by, to a tensor y.

    Returns:
      The function itself, as a graph; and one that maps the gradient with respect to y, x and the others to the
      gradient with respect to x. It computes the step once more, and keeps nothing.
    """

    def back(gradient: tf.Tensor, x: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            y = run(x, *others)
        return tape.gradient(y, x, output_gradients=gradient)

    return tf.function(run, autograph=False), tf.function(back, autograph=False)
