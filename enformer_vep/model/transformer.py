"""A block of Enformer's transformer."""

from typing import NamedTuple

import sonnet as snt
import tensorflow as tf

from enformer_vep.model.attention import AttentionActivations, RelativeAttention
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.layers import LayerNorm, Linear


class BlockActivations(NamedTuple):
    """The intermediate tensors of a transformer block.

    Attributes:
      x: float32 [B, T, C], its input.
      attention: the activations of its attention.
      middle: float32 [B, wanted, C], the input of the mlp.
      hidden: float32 [B, wanted, 2C], the mlp's before the relu.
    """

    x: tf.Tensor
    attention: AttentionActivations
    middle: tf.Tensor
    hidden: tf.Tensor


class TransformerBlock(snt.Module):
    """Attention and mlp, each behind a layer norm and added to its input."""

    def __init__(self, config: EnformerConfig, name: str | None = None) -> None:
        super().__init__(name=name)
        self.dropout_rate = config.dropout_rate
        self.attention_norm = LayerNorm(config.channels)
        self.attention = RelativeAttention(
            config.channels,
            config.num_heads,
            config.key_size,
            attention_dropout_rate=config.attention_dropout_rate,
            position_dropout_rate=config.position_dropout_rate,
        )
        self.mlp_norm = LayerNorm(config.channels)
        self.mlp_in = Linear(config.channels, 2 * config.channels)
        self.mlp_out = Linear(2 * config.channels, config.channels)

    def __call__(
        self,
        x: tf.Tensor,
        *,
        is_training: bool,
        wanted: range | None = None,
        position_keys: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Maps float32 [B, T, C] to float32 [B, wanted, C].

        Args:
          x: the positions.
          is_training: whether to drop out.
          wanted: the positions that are wanted; all by default. Work that only the others need is skipped.
          position_keys: the result of the attention's `position_keys` for T, if it was computed already.
        """
        y, _ = self.with_activations(x, is_training=is_training, wanted=wanted, position_keys=position_keys)
        return y

    def with_activations(
        self,
        x: tf.Tensor,
        *,
        is_training: bool,
        wanted: range | None = None,
        position_keys: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, BlockActivations]:
        """Returns the result of `__call__`, and the activations on the way there."""
        wanted = wanted or range(x.shape[1])
        attended, attention = self.attention.with_activations(
            self.attention_norm(x), is_training=is_training, queries=wanted, position_keys=position_keys
        )
        middle = x[:, wanted.start : wanted.stop] + self._dropout(attended, is_training)
        hidden = self._dropout(self.mlp_in(self.mlp_norm(middle)), is_training)
        y = middle + self._dropout(self.mlp_out(tf.nn.relu(hidden)), is_training)
        return y, BlockActivations(x, attention, middle, hidden)

    def _dropout(self, x: tf.Tensor, is_training: bool) -> tf.Tensor:
        return tf.nn.dropout(x, self.dropout_rate) if is_training else x
