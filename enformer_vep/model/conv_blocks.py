"""The blocks of stem, conv_tower and final_pointwise: norm, gelu and convolution, and pooling by two."""

import sonnet as snt
import tensorflow as tf

from enformer_vep.model.arithmetic import fusible, product_dtype
from enformer_vep.model.layers import BatchNorm, Conv1D, Linear, gelu

SEGMENT_ELEMENTS = 2**23
"""Activations of one layer (32 MiB of float32) that inference computes at a time in the long early layers."""


@fusible
def scaled_gelu(x: tf.Tensor, factor: tf.Tensor, shift: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns gelu of a norm, as the factor of a product in `dtype`."""
    return tf.cast(gelu(x * factor + shift), dtype)


@fusible
def add_to_residual(x: tf.Tensor, products: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Returns x + f(x), where f(x) is products and a bias: float32."""
    return x + (tf.cast(products, tf.float32) + bias)


@fusible
def pair_difference(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Each pair's first position minus its second, [B, length / 2, channels], as the factor of a product in `dtype`."""
    return tf.cast(x[:, 0::2] - x[:, 1::2], dtype)


@fusible
def pair_mean(x: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The mean of each pair, its first position weighted by the sigmoid of `logits` [B, length / 2, channels]."""
    even, odd = x[:, 0::2], x[:, 1::2]
    return odd + tf.nn.sigmoid(tf.cast(logits, tf.float32)) * (even - odd)


class ConvBlock(snt.Module):
    """conv_block(filters, width): batch norm, then gelu, then convolution."""

    def __init__(self, num_inputs: int, num_outputs: int, width: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.norm = BatchNorm(num_inputs)
        self.convolution = Conv1D(num_inputs, num_outputs, width)

    def __call__(
        self,
        x: tf.Tensor,
        *,
        is_training: bool,
        padding: tuple[int, int] | None = None,
        inside: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Maps float32 [B, length, num_inputs] to float32 [B, ..., num_outputs].

        Args:
          x: the input, with what neighbours it on a side where fewer zeros than the convolution's reach are added.
          is_training: whether the norm uses the batch's statistics.
          padding: zeros put before the convolution at the left and right; by default those that keep the length.
          inside: float32 [B, length, 1], 0 at positions that the convolution is to find zeros at, else 1.
        """
        x = self._activate(x, is_training=is_training)
        x = x if inside is None else x * tf.cast(inside, x.dtype)
        return self.convolution(pad_positions(x, padding or (self.convolution.reach, self.convolution.reach)))

    def residual(self, x: tf.Tensor, *, is_training: bool) -> tf.Tensor:
        """Returns x + self(x), for a width of 1 and as many outputs as inputs."""
        products = self.convolution.product(self._activate(x, is_training=is_training))
        return add_to_residual(x, products, self.convolution.b)

    def _activate(self, x: tf.Tensor, *, is_training: bool) -> tf.Tensor:
        return scaled_gelu(x, *self.norm.affine(x, is_training=is_training), product_dtype())


def pad_positions(x: tf.Tensor, padding: tuple[int, int]) -> tf.Tensor:
    """Adds zeros to the left and right of [B, length, channels]."""
    return x if padding == (0, 0) else tf.pad(x, [[0, 0], list(padding), [0, 0]])


class AttentionPool(snt.Module):
    """Halves the resolution: of each pair of positions, a mean weighted channel by channel by softmax(x W)."""

    def __init__(self, num_channels: int, name: str | None = None) -> None:
        """Creates W float32 [num_channels, num_channels], initially twice the identity."""
        super().__init__(name=name)
        self.logit_linear = Linear(
            num_channels, num_channels, with_bias=False, w_init=snt.initializers.Identity(gain=2.0)
        )

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps float32 [B, length, num_channels], of even length, to float32 [B, length / 2, num_channels]."""
        # The softmax of two logits is the sigmoid of their difference, and the logits' map is linear.
        return pair_mean(x, self.logit_linear(pair_difference(x, product_dtype())))


class MaxPool(snt.Module):
    """Halves the resolution: of each pair of positions, the larger value in each channel."""

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps float32 [B, length, channels], of even length, to float32 [B, length / 2, channels]."""
        return tf.maximum(x[:, 0::2], x[:, 1::2])


class HalvingBlock(snt.Module):
    """A wide convolution, a residual conv_block of width 1, and pooling by two: the stem, or a conv_tower block.

    The stem's first convolution stands alone, that of a conv_tower block is a conv_block.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        width: int,
        pooling_type: str,
        *,
        is_stem: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.is_stem = is_stem
        self.wide: Conv1D | ConvBlock = (Conv1D if is_stem else ConvBlock)(num_inputs, num_outputs, width)
        self.pointwise = ConvBlock(num_outputs, num_outputs, 1)
        self.pool: AttentionPool | MaxPool = AttentionPool(num_outputs) if pooling_type == "attention" else MaxPool()
        self.reach = width // 2
        self._num_channels = max(num_inputs, num_outputs)

    def __call__(self, x: tf.Tensor, *, is_training: bool) -> tf.Tensor:
        """Maps float32 [B, length, num_inputs], of even length, to float32 [B, length / 2, num_outputs].

        At inference, long inputs are computed a segment at a time, each with the neighbours that its convolution
        reaches: the same result, without the whole of any inner activation in memory.

        Raises:
          ValueError: the length is odd or not known.
        """
        length = x.shape[1]
        if length is None or length % 2:
            raise ValueError(f"the number of positions must be even and known when the graph is built, got {length}")
        num_segments = 1 if is_training else -(-length * self._num_channels // SEGMENT_ELEMENTS)
        segment_length = 2 * -(-length // (2 * num_segments))
        segments: list[tf.Tensor] = []
        for start in range(0, length, segment_length):
            end = min(start + segment_length, length)
            first, last = max(start - self.reach, 0), min(end + self.reach, length)
            padding = (first - (start - self.reach), end + self.reach - last)
            with tf.control_dependencies(segments[-1:]):  # one segment at a time, to hold the memory of one
                segments.append(self._segment(tf.identity(x[:, first:last]), padding, is_training=is_training))
        return segments[0] if len(segments) == 1 else tf.concat(segments, axis=1)

    def stretch(self, x: tf.Tensor, inside: tf.Tensor | None) -> tf.Tensor:
        """Computes some positions from a stretch of the input that holds all they depend on, at inference.

        Args:
          x: float32 [B, length, num_inputs]: two positions for each of the output, and the convolution's reach of
            neighbours on both sides.
          inside: float32 [B, length, 1], 0 at positions beyond the sequence's ends, else 1; None if all are inside.

        Returns:
          float32 [B, length / 2 - reach, num_outputs].
        """
        return self._segment(x, (0, 0), is_training=False, inside=inside)

    def _segment(
        self, x: tf.Tensor, padding: tuple[int, int], *, is_training: bool, inside: tf.Tensor | None = None
    ) -> tf.Tensor:
        if isinstance(self.wide, Conv1D):
            x = self.wide(pad_positions(x if inside is None else x * inside, padding))
        else:
            x = self.wide(x, is_training=is_training, padding=padding, inside=inside)
        return self.pool(self.pointwise.residual(x, is_training=is_training))
