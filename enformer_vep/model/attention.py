"""Multi-head attention with relative positions, as in Transformer-XL and Enformer.

With positions i (query) and j (key), for one head:

    logit[i, j] = (q_i / sqrt(K) + r_w) . k_j + (q_i / sqrt(K) + r_r) . R(j - i),   R(d) = f(d) W_r

The second term is computed for a block of queries at a time, from the slice of R that this block's distances use:
neither [T, 2T - 1] relative logits nor [T, T] weights of all queries are ever in memory.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import sonnet as snt
import tensorflow as tf

from enformer_vep.model.arithmetic import product
from enformer_vep.model.config import NUM_POSITION_CLASSES
from enformer_vep.model.layers import Linear, create_variable

QUERY_BLOCK = 256
"""Queries whose attention is computed at a time."""


class AttentionActivations(NamedTuple):
    """The intermediate tensors of an attention; Q are its queries.

    Attributes:
      query: float32 [B, H, Q, K], divided by the square root of K.
      key: float32 [B, H, T, K].
      value: float32 [B, H, T, V].
      weights: of each block of queries, float32 [B, H, queries, T].
      attended: float32 [B, H, Q, V], the weighted means of the values.
    """

    query: tf.Tensor
    key: tf.Tensor
    value: tf.Tensor
    weights: tuple[tf.Tensor, ...]
    attended: tf.Tensor


class RelativeAttention(snt.Module):
    """Attention of every position to every position; K is key_size, H num_heads, V num_channels / num_heads."""

    def __init__(
        self,
        num_channels: int,
        num_heads: int,
        key_size: int,
        *,
        attention_dropout_rate: float,
        position_dropout_rate: float,
        name: str | None = None,
    ) -> None:
        """Creates the maps of queries, keys, values and position keys (no bias), r_w, r_r and the output map."""
        super().__init__(name=name)
        self.num_heads, self.key_size, self.value_size = num_heads, key_size, num_channels // num_heads
        self.attention_dropout_rate = attention_dropout_rate
        self.position_dropout_rate = position_dropout_rate
        spread = snt.initializers.VarianceScaling(scale=2.0)
        self.query = Linear(num_channels, num_heads * key_size, with_bias=False, w_init=spread)
        self.key = Linear(num_channels, num_heads * key_size, with_bias=False, w_init=spread)
        self.value = Linear(num_channels, num_heads * self.value_size, with_bias=False, w_init=spread)
        self.position_key = Linear(self.value_size, num_heads * key_size, with_bias=False, w_init=spread)
        self.output = Linear(num_heads * self.value_size, num_channels, w_init=snt.initializers.Zeros())
        self.r_w_bias = create_variable(spread, [1, num_heads, 1, key_size], "r_w_bias")
        self.r_r_bias = create_variable(spread, [1, num_heads, 1, key_size], "r_r_bias")

    def __call__(
        self,
        x: tf.Tensor,
        *,
        is_training: bool,
        queries: range | None = None,
        position_keys: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Maps float32 [B, T, num_channels] to float32 [B, queries, num_channels].

        Args:
          x: the positions; T is known when the graph is built.
          is_training: whether to drop out.
          queries: the positions that are wanted; all by default.
          position_keys: the result of `position_keys` for T, if it was computed already.
        """
        y, _ = self.with_activations(x, is_training=is_training, queries=queries, position_keys=position_keys)
        return y

    def with_activations(
        self,
        x: tf.Tensor,
        *,
        is_training: bool,
        queries: range | None = None,
        position_keys: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, AttentionActivations]:
        """Returns the result of `__call__`, and the activations on the way there."""
        num_positions = x.shape[1]
        queries = queries or range(num_positions)
        query = self.split_heads(self.query(x[:, queries.start : queries.stop])) * self.key_size**-0.5  # [B, H, Q, K]
        key = self.split_heads(self.key(x))  # [B, H, T, K]
        value = self.split_heads(self.value(x))  # [B, H, T, V]
        if position_keys is None:
            position_keys = self.position_keys(num_positions, is_training=is_training)
        weights = []
        products = []
        for block, rows in query_blocks(queries):
            weights.append(self._weights(query[:, :, rows], block.start, key, position_keys, is_training=is_training))
            products.append(product(weights[-1], value))
        attended = tf.cast(tf.concat(products, axis=2), tf.float32)
        y = self.output(self.join_heads(attended))
        return y, AttentionActivations(query, key, value, tuple(weights), attended)

    def split_heads(self, x: tf.Tensor) -> tf.Tensor:
        """[B, T, H * features] to [B, H, T, features]."""
        x = tf.reshape(x, [-1, x.shape[1], self.num_heads, x.shape[2] // self.num_heads])  # [B, T, H, features]
        return tf.transpose(x, [0, 2, 1, 3])

    def join_heads(self, x: tf.Tensor) -> tf.Tensor:
        """[B, H, T, features] to [B, T, H * features]."""
        num_positions, num_features = x.shape[2:]
        return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, num_positions, self.num_heads * num_features])

    def position_keys(self, num_positions: int, *, is_training: bool = False) -> tf.Tensor:
        """R(d) for d = -(T - 1) ... T - 1: float32 [1, H, 2T - 1, K]."""
        features = tf.constant(position_features(num_positions, self.value_size)[np.newaxis])
        if is_training:
            features = tf.nn.dropout(features, self.position_dropout_rate)
        return self.split_heads(self.position_key(features))

    def _weights(
        self, query: tf.Tensor, start: int, key: tf.Tensor, position_keys: tf.Tensor, *, is_training: bool
    ) -> tf.Tensor:
        """The weights of the block of Q queries that begins at position `start`: [B, H, Q, K] to [B, H, Q, T]."""
        num_positions = key.shape[2]
        relative = product(  # [B, H, Q, T + Q - 1]
            query + self.r_r_bias, distances_in_use(position_keys, start, query.shape[2]), transpose_y=True
        )
        content = product(query + self.r_w_bias, key, transpose_y=True)  # [B, H, Q, T]
        logits = tf.cast(content, tf.float32) + tf.cast(align_distances(relative, num_positions), tf.float32)
        weights = tf.nn.softmax(logits)
        return tf.nn.dropout(weights, self.attention_dropout_rate) if is_training else weights


def query_blocks(queries: range) -> list[tuple[range, slice]]:
    """Divides queries into blocks of QUERY_BLOCK, of which the last may be shorter.

    Returns:
      Of each block the positions, and where they stand among the queries.
    """
    starts = range(0, len(queries), QUERY_BLOCK)
    return [(queries[start : start + QUERY_BLOCK], slice(start, start + QUERY_BLOCK)) for start in starts]


def distances_in_use(position_keys: tf.Tensor, start: int, num_queries: int) -> tf.Tensor:
    """Returns the R(d) of the T + Q - 1 distances from queries start ... start + Q - 1: of [1, H, 2T - 1, K]."""
    num_positions = (position_keys.shape[2] + 1) // 2
    first = first_distance(num_positions, start, num_queries)
    return position_keys[:, :, first : first + num_positions + num_queries - 1]


def first_distance(num_positions: int, start: tf.Tensor, num_queries: int) -> tf.Tensor:
    """The row in R of the lowest distance that queries from `start`, an int or a tensor, use: -(start + Q - 1)."""
    return num_positions - start - num_queries


def align_distances(relative: tf.Tensor, num_positions: int) -> tf.Tensor:
    """Turns logits by distance into logits by key.

    Args:
      relative: [B, H, Q, T + Q - 1]; for the a-th query of a block, column c is the distance to key c + a - (Q - 1).
      num_positions: T.

    Returns:
      [B, H, Q, T]: for the a-th query, key j is column j + Q - 1 - a of its row.
    """
    num_heads, num_queries, num_distances = relative.shape[1:]
    if num_queries == 1:
        return relative
    # In the flattened rows, key j of query a stands at (Q - 1) + a (T + Q - 2) + j: rows of one column less.
    flat = tf.reshape(relative, [-1, num_heads, num_queries * num_distances])
    flat = flat[:, :, num_queries - 1 : num_queries - 1 + num_queries * (num_distances - 1)]
    return tf.reshape(flat, [-1, num_heads, num_queries, num_distances - 1])[..., :num_positions]


MIN_HALF_LIFE_LOG2 = 3.0
GAMMA_PSEUDO_DENSITY = 1e-8


def position_features(num_positions: int, num_features: int) -> npt.NDArray[np.float32]:
    """Returns the features f(d) of every distance d between two of `num_positions` positions.

    Source: Avsec et al. 2021, Methods. The published weights were trained with float32 features whose rounding is
    visible: the gamma density's terms reach 30,000 before they cancel. So these are computed by TensorFlow, on the CPU,
    in float32 and in the original's order.

    Args:
      num_positions: T, tower bins of a window.
      num_features: V, a multiple of 6.

    Returns:
      float32 [2T - 1, V]; row i is the distance d = i - (T - 1), key position minus query position. The columns are
      exponential, central mask and gamma features of |d|, V/6 each, then the same times the sign of d.

    Raises:
      ValueError: V is not a multiple of 6.
    """
    if num_features % NUM_POSITION_CLASSES:
        raise ValueError(f"num_features must be a multiple of {NUM_POSITION_CLASSES}, got {num_features}")
    num_per_class = num_features // NUM_POSITION_CLASSES
    with tf.init_scope(), tf.device("/CPU:0"):
        distance = tf.range(-num_positions + 1, num_positions, dtype=tf.float32)  # [2T - 1]
        magnitude = tf.abs(distance)[:, tf.newaxis]
        symmetric = tf.concat(
            [
                _exponential(magnitude, num_per_class, num_positions),
                _central_mask(magnitude, num_per_class),
                _gamma(magnitude, num_per_class, num_positions),
            ],
            axis=-1,
        )
        features = tf.concat([symmetric, tf.sign(distance)[:, tf.newaxis] * symmetric], axis=-1)
        return np.asarray(features.numpy(), dtype=np.float32)


def _exponential(magnitude: tf.Tensor, num_features: int, num_positions: int) -> tf.Tensor:
    """exp(-ln 2 * |d| / h) with half-lives h spread geometrically from 8 to T bins."""
    half_life = tf.pow(2.0, tf.linspace(MIN_HALF_LIFE_LOG2, math.log(num_positions) / math.log(2.0), num_features))
    return tf.exp(-math.log(2.0) / tf.cast(half_life, tf.float32) * magnitude)


def _central_mask(magnitude: tf.Tensor, num_features: int) -> tf.Tensor:
    """1 where 2^m - 1 > |d|, m = 1 ... num_features, else 0."""
    radius = tf.pow(2.0, tf.range(1, num_features + 1, dtype=tf.float32)) - 1
    return tf.cast(radius > magnitude, tf.float32)


def _gamma(magnitude: tf.Tensor, num_features: int, num_positions: int) -> tf.Tensor:
    """The gamma density at |d|, with means spread to T and one standard deviation, scaled to a largest value of 1."""
    deviation = num_positions / (2 * num_features)
    mean = tf.cast(tf.linspace(num_positions / num_features, float(num_positions), num_features), tf.float32)
    concentration = (mean / deviation) ** 2
    rate = mean / deviation**2
    log_unnormalised = tf.math.xlogy(concentration - 1.0, magnitude) - rate * magnitude
    log_normaliser = tf.math.lgamma(concentration) - concentration * tf.math.log(rate)
    density = tf.exp(log_unnormalised - log_normaliser) + GAMMA_PSEUDO_DENSITY
    return density / tf.reduce_max(density, axis=0, keepdims=True)
