"""What is kept of a reference for the differences of its alternates."""

from typing import NamedTuple

import tensorflow as tf

from enformer_vep.model.transformer import BlockActivations, TransformerBlock


class KeptBlock(NamedTuple):
    """What a transformer block's differences need of the reference, in the precision of their products.

    Attributes:
      x: [B, T, C], the block's input.
      query: [B, H, Q, K] of the wanted bins, divided by the square root of K, with r_w.
      key: [B, H, T, K].
      value: [B, H, T, V], less the mean over keys.
      weights: [B, H, queries, T] of each block of queries; of the first transformer block all in one.
      attended: [B, H, Q, V], less the values' mean over keys.
      middle: [B, Q, C], the mlp's input.
      hidden: [B, Q, 2C], the mlp's before the relu.
    """

    x: tf.Tensor
    query: tf.Tensor
    key: tf.Tensor
    value: tf.Tensor
    weights: tuple[tf.Tensor, ...]
    attended: tf.Tensor
    middle: tf.Tensor
    hidden: tf.Tensor


class KeptEnd(NamedTuple):
    """What the differences of final_pointwise and the head need of the reference.

    Attributes:
      x: float32 [B, bins, C], the input of final_pointwise.
      pointwise: float32 [B, bins, 2C], its output.
      logits: of each block of tracks, float32 [B, bins, tracks].
    """

    x: tf.Tensor
    pointwise: tf.Tensor
    logits: tuple[tf.Tensor, ...]


class Kept(NamedTuple):
    """What alternates need of their reference: of each transformer block, and of what follows the last."""

    blocks: tuple[KeptBlock, ...]
    end: KeptEnd


def keep_block(block: TransformerBlock, activations: BlockActivations, dtype: tf.DType, *, is_whole: bool) -> KeptBlock:
    """Makes what the differences need of what went on inside a block.

    Args:
      block: the block.
      activations: what it computed.
      dtype: the precision that is kept.
      is_whole: whether the attention's weights are kept as one tensor, of all blocks of queries.
    """
    attention = activations.attention
    mean = tf.reduce_mean(attention.value, axis=2, keepdims=True)  # rounding errs in proportion to what is left
    weights = tuple(tf.cast(weights, dtype) for weights in attention.weights)
    return KeptBlock(
        x=tf.cast(activations.x, dtype),
        query=tf.cast(attention.query + block.attention.r_w_bias, dtype),
        key=tf.cast(attention.key, dtype),
        value=tf.cast(attention.value - mean, dtype),
        weights=(tf.concat(weights, axis=2),) if is_whole else weights,
        attended=tf.cast(attention.attended - mean, dtype),
        middle=tf.cast(activations.middle, dtype),
        hidden=tf.cast(activations.hidden, dtype),
    )
