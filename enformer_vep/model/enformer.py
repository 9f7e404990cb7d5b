"""Enformer (Avsec et al., Nature Methods 2021): from one_hot sequence to tracks along the genome."""

from collections.abc import Sequence
from itertools import pairwise

import sonnet as snt
import tensorflow as tf

from enformer_vep.model.attention import RelativeAttention
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.layers import ConvBlock, HalvingBlock, LayerNorm, Linear, gelu

NUM_BASES = 4


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
            config.value_size,
            attention_dropout_rate=config.attention_dropout_rate,
            position_dropout_rate=config.position_dropout_rate,
        )
        self.mlp_norm = LayerNorm(config.channels)
        self.mlp_in = Linear(config.channels, 2 * config.channels)
        self.mlp_out = Linear(2 * config.channels, config.channels)

    def __call__(self, x: tf.Tensor, *, is_training: bool) -> tf.Tensor:
        """Maps float32 [B, T, C] to the same shape."""
        x = x + self._dropout(self.attention(self.attention_norm(x), is_training=is_training), is_training)
        hidden = tf.nn.relu(self._dropout(self.mlp_in(self.mlp_norm(x)), is_training))
        return x + self._dropout(self.mlp_out(hidden), is_training)

    def _dropout(self, x: tf.Tensor, is_training: bool) -> tf.Tensor:
        return tf.nn.dropout(x, self.dropout_rate) if is_training else x


class Enformer(snt.Module):
    """The whole model. `model(one_hot)` is `model.from_tower(model.conv_tower(one_hot))`."""

    def __init__(self, config: EnformerConfig, name: str | None = None) -> None:
        """Creates every variable, at the sizes of `config`."""
        super().__init__(name=name)
        self.config = config
        self.stem = HalvingBlock(
            NUM_BASES, config.stem_channels, config.stem_width, config.pooling_type, is_stem=True, name="stem"
        )
        widths = (config.stem_channels, *config.tower_widths)
        self.tower_blocks = [
            HalvingBlock(num_inputs, num_outputs, config.tower_width, config.pooling_type, name="conv_tower")
            for num_inputs, num_outputs in pairwise(widths)
        ]
        self.transformer_blocks = [
            TransformerBlock(config, name="transformer") for _ in range(config.num_transformer_layers)
        ]
        self.final_pointwise = ConvBlock(config.channels, 2 * config.channels, 1, name="final_pointwise")
        self.heads = {
            head: Linear(2 * config.channels, num_tracks, name=f"head_{head}")
            for head, num_tracks in config.heads.items()
        }

    def __call__(self, one_hot: tf.Tensor, *, is_training: bool = False) -> dict[str, tf.Tensor]:
        """Predicts every head's tracks.

        Args:
          one_hot: float32 [B, sequence_length_bp, 4] in the order A C G T, N all zeros.
          is_training: use batch statistics, update the moving averages, and drop out.

        Returns:
          For each head float32 [B, num_bins, tracks], not negative.
        """
        return self.from_tower(self.conv_tower(one_hot, is_training=is_training), is_training=is_training)

    def conv_tower(self, one_hot: tf.Tensor, *, is_training: bool = False) -> tf.Tensor:
        """Runs stem and conv_tower over a sequence of any whole number of bins.

        Zero padding at the ends reaches 3 bins in; every other bin depends on the bases around it alone.

        Args:
          one_hot: float32 [B, length_bp, 4] in the order A C G T, N all zeros.
          is_training: use batch statistics and update the moving averages.

        Returns:
          float32 [B, length_bp / bin size, C].

        Raises:
          ValueError: the length is not a whole number of bins, or not known when the graph is built.
        """
        bin_size_bp = self.config.geometry.bin_size_bp
        if one_hot.shape[1] is None or one_hot.shape[1] % bin_size_bp:
            raise ValueError(f"the sequence is a whole number of {bin_size_bp}-bp bins long, got {one_hot.shape[1]} bp")
        x = self.stem(one_hot, is_training=is_training)
        for block in self.tower_blocks:
            x = block(x, is_training=is_training)
        return x

    def from_tower(
        self,
        tower: tf.Tensor,
        *,
        heads: Sequence[str] | None = None,
        tracks: Sequence[int] | None = None,
        is_training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """Runs transformer, crop, final_pointwise and the heads.

        Args:
          tower: float32 [B, num_tower_bins, C], what `conv_tower` gives for a whole window.
          heads: names of the heads to compute; all by default.
          tracks: indices of the tracks to compute in each of them; all by default.
          is_training: use batch statistics, update the moving averages, and drop out.

        Returns:
          For each head float32 [B, num_bins, tracks], not negative.

        Raises:
          ValueError: the tower has not the length that a whole window gives.
          KeyError: no such head.
        """
        geometry = self.config.geometry
        if tower.shape[1] != geometry.num_tower_bins:
            raise ValueError(f"the tower has {geometry.num_tower_bins} bins, got {tower.shape[1]}")
        x = tower
        for block in self.transformer_blocks:
            x = block(x, is_training=is_training)
        x = x[:, geometry.crop_bins : geometry.crop_bins + geometry.num_bins]
        x = self.final_pointwise(x, is_training=is_training)
        x = gelu(tf.nn.dropout(x, self.config.pointwise_dropout_rate) if is_training else x)
        return {head: self._predict(x, self.heads[head], tracks) for head in heads or self.heads}

    def _predict(self, x: tf.Tensor, head: Linear, tracks: Sequence[int] | None) -> tf.Tensor:
        if tracks is None:
            return tf.nn.softplus(head(x))
        w, b = tf.gather(head.w, tracks, axis=1), tf.gather(head.b, tracks)
        return tf.nn.softplus(tf.tensordot(x, w, axes=1) + b)
