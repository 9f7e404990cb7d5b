"""Multi-head attention with relative positions, as in Transformer-XL and Enformer.

With positions i (query) and j (key), for one head:

    logit[i, j] = (q_i / sqrt(K) + r_w) . k_j + (q_i / sqrt(K) + r_r) . R(j - i),   R(d) = f(d) W_r

The second term is computed for a block of queries at a time, from the slice of R that this block's distances use:
neither [T, 2T - 1] relative logits nor [T, T] weights of all queries are ever in memory.
"""

import numpy as np
import sonnet as snt
import tensorflow as tf

from enformer_vep.model.layers import Linear, create_variable
from enformer_vep.model.positional import position_features

QUERY_BLOCK = 256
"""Queries whose attention is computed at a time."""


class RelativeAttention(snt.Module):
    """Attention of every position to every position; V is value_size, K key_size, H num_heads."""

    def __init__(
        self,
        num_channels: int,
        num_heads: int,
        key_size: int,
        value_size: int,
        *,
        attention_dropout_rate: float,
        position_dropout_rate: float,
        name: str | None = None,
    ) -> None:
        """Creates the maps of queries, keys, values and position keys (no bias), r_w, r_r and the output map."""
        super().__init__(name=name)
        self.num_heads, self.key_size, self.value_size = num_heads, key_size, value_size
        self.attention_dropout_rate = attention_dropout_rate
        self.position_dropout_rate = position_dropout_rate
        spread = snt.initializers.VarianceScaling(scale=2.0)
        self.query = Linear(num_channels, num_heads * key_size, with_bias=False, w_init=spread)
        self.key = Linear(num_channels, num_heads * key_size, with_bias=False, w_init=spread)
        self.value = Linear(num_channels, num_heads * value_size, with_bias=False, w_init=spread)
        self.position_key = Linear(value_size, num_heads * key_size, with_bias=False, w_init=spread)
        self.output = Linear(num_heads * value_size, num_channels, w_init=snt.initializers.Zeros())
        self.r_w_bias = create_variable(spread, [1, num_heads, 1, key_size], "r_w_bias")
        self.r_r_bias = create_variable(spread, [1, num_heads, 1, key_size], "r_r_bias")

    def __call__(self, x: tf.Tensor, *, is_training: bool) -> tf.Tensor:
        """Maps float32 [B, T, num_channels] to the same shape; T is known when the graph is built."""
        num_positions = x.shape[1]
        query = self._split_heads(self.query(x)) * self.key_size**-0.5  # [B, H, T, K]
        key = self._split_heads(self.key(x))  # [B, H, T, K]
        value = self._split_heads(self.value(x))  # [B, H, T, V]
        position_key = self._position_keys(num_positions, is_training=is_training)  # [1, H, 2T - 1, K]
        blocks = [
            self._attend(query[:, :, start : start + QUERY_BLOCK], start, key, value, position_key, is_training)
            for start in range(0, num_positions, QUERY_BLOCK)
        ]
        attended = tf.concat(blocks, axis=2)  # [B, H, T, V]
        attended = tf.transpose(attended, [0, 2, 1, 3])  # [B, T, H, V]
        return self.output(tf.reshape(attended, [-1, num_positions, self.num_heads * self.value_size]))

    def _split_heads(self, x: tf.Tensor) -> tf.Tensor:
        x = tf.reshape(x, [-1, x.shape[1], self.num_heads, x.shape[2] // self.num_heads])  # [B, T, H, features]
        return tf.transpose(x, [0, 2, 1, 3])  # [B, H, T, features]

    def _position_keys(self, num_positions: int, *, is_training: bool) -> tf.Tensor:
        """R(d) for d = -(T - 1) ... T - 1: float32 [1, H, 2T - 1, K]."""
        features = tf.constant(position_features(num_positions, self.value_size)[np.newaxis])
        if is_training:
            features = tf.nn.dropout(features, self.position_dropout_rate)
        return self._split_heads(self.position_key(features))

    def _attend(
        self,
        query: tf.Tensor,
        start: int,
        key: tf.Tensor,
        value: tf.Tensor,
        position_key: tf.Tensor,
        is_training: bool,
    ) -> tf.Tensor:
        """The block of Q queries that begins at position `start`, float32 [B, H, Q, K], to float32 [B, H, Q, V]."""
        num_queries, num_positions = query.shape[2], key.shape[2]
        first = num_positions - start - num_queries  # row of the lowest distance in use, -(start + Q - 1)
        in_use = position_key[:, :, first : first + num_positions + num_queries - 1]
        relative = tf.matmul(query + self.r_r_bias, in_use, transpose_b=True)  # [B, H, Q, T + Q - 1]
        logits = tf.matmul(query + self.r_w_bias, key, transpose_b=True) + align_distances(relative, num_positions)
        weights = tf.nn.softmax(logits)  # [B, H, Q, T]
        if is_training:
            weights = tf.nn.dropout(weights, self.attention_dropout_rate)
        return tf.matmul(weights, value)


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
