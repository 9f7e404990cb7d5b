"""Enformer (Avsec et al., Nature Methods 2021): from one_hot sequence to tracks along the genome."""

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from threading import Lock
from typing import TypeVar, cast

import sonnet as snt
import tensorflow as tf
from cachetools import LRUCache

from enformer_vep.model.arithmetic import Arithmetic, arithmetic, current_arithmetic
from enformer_vep.model.config import NUM_BASES, EnformerConfig
from enformer_vep.model.conv_blocks import ConvBlock, HalvingBlock
from enformer_vep.model.layers import Linear, gelu
from enformer_vep.model.transformer import TransformerBlock

Functions = TypeVar("Functions")

MAX_KEPT = 64
"""TensorFlow functions that are kept: those of some twelve engines with settings of their own."""


class Graphs:
    """The traced graphs of a model, which all that run the model share.

    To trace a graph takes longer than to run a small model, and seconds at the official size. So what runs a model does
    not make its TensorFlow functions itself: it asks the model for them by a key. The second engine with the same
    settings gets the functions of the first, and they are not traced again.

    A function may depend on its key and its arguments, and read the model's variables, whose values are those at each
    call. It must hold nothing else: no counter, no cache, and no tensor that was computed from variables.
    """

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        """Starts with none.

        Args:
          max_kept: how many are kept; the one that was not asked for longest is dropped.
        """
        self._kept: LRUCache[Hashable, object] = LRUCache(max_kept)
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Functions]) -> Functions:
        """Returns the functions of a key.

        Args:
          key: all that they depend on besides the model, beginning with a name of their own.
          make: makes them if none with this key are kept.
        """
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return cast("Functions", self._kept[key])


class Enformer(snt.Module):
    """The whole model. `model(one_hot)` is `model.from_tower(model.conv_tower(one_hot))`.

    Attributes:
      config: its sizes.
      graphs: the TensorFlow functions of what runs it.
    """

    def __init__(self, config: EnformerConfig, name: str | None = None) -> None:
        """Creates every variable, at the sizes of `config`."""
        super().__init__(name=name)
        self.config = config
        self.graphs = Graphs()
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
          ValueError: the length is not a whole number of bins, at least one, or not known when the graph is built.
        """
        bin_size_bp = self.config.geometry.bin_size_bp
        if not one_hot.shape[1] or one_hot.shape[1] % bin_size_bp:
            raise ValueError(f"the sequence must be a whole number of {bin_size_bp}-bp bins, got {one_hot.shape[1]} bp")
        x = self.stem(one_hot, is_training=is_training)
        for block in self.tower_blocks:
            x = block(x, is_training=is_training)
        return x

    def tower_bins(
        self,
        one_hot: tf.Tensor,
        *,
        first_bin: tf.Tensor | None = None,
        arithmetics: Sequence[Arithmetic] | None = None,
    ) -> tf.Tensor:
        """Runs stem and conv_tower over some bins of a window, at inference.

        Each bin is what `conv_tower` gives for it over the whole window.

        Args:
          one_hot: float32 [B, length_bp, 4] in the order A C G T, N all zeros: the bins, and on both sides
            `config.tower_context_bp` more.
          first_bin: int32 [B], the first bin's number in its window. What lies beyond the window's ends is zeros to
            every layer, whatever one_hot holds there. None if no bin's context reaches beyond an end.
          arithmetics: that of the stem and of each conv_tower block, if it is not the current one.

        Returns:
          float32 [B, bins, C].

        Raises:
          ValueError: the length is not a whole number of bins and their context, or not known as the graph is built.
        """
        bin_size_bp, context_bp = self.config.geometry.bin_size_bp, self.config.tower_context_bp
        length_bp = one_hot.shape[1]
        if length_bp is None or length_bp <= 2 * context_bp or (length_bp - 2 * context_bp) % bin_size_bp:
            raise ValueError(
                f"the sequence must be a whole number of {bin_size_bp}-bp bins plus twice {context_bp} bp, got "
                f"{length_bp} bp"
            )
        x = one_hot
        window_length = self.config.sequence_length_bp
        start = None if first_bin is None else first_bin * bin_size_bp - context_bp  # of x, in the window's positions
        blocks = (self.stem, *self.tower_blocks)
        for block, chosen in zip(blocks, arithmetics or [current_arithmetic()] * len(blocks), strict=True):
            inside = None
            if start is not None:
                position = start[:, tf.newaxis] + tf.range(x.shape[1])  # [B, length]
                is_inside = (position >= 0) & (position < window_length)
                inside = tf.cast(is_inside, tf.float32)[..., tf.newaxis]
                start, window_length = (start + block.reach) // 2, window_length // 2
            with arithmetic(chosen):
                x = block.stretch(x, inside)
        return x

    def position_keys(self) -> list[tf.Tensor]:
        """R(d) of every transformer block, float32 [1, H, 2T - 1, K]: the same for all sequences."""
        num_positions = self.config.geometry.num_tower_bins
        return [block.attention.position_keys(num_positions) for block in self.transformer_blocks]

    def from_tower(
        self, tower: tf.Tensor, *, heads: Sequence[str] | None = None, is_training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Runs transformer, crop, final_pointwise and the heads.

        Args:
          tower: float32 [B, num_tower_bins, C], what `conv_tower` gives for a whole window.
          heads: names of the heads to compute; all by default.
          is_training: use batch statistics, update the moving averages, and drop out.

        Returns:
          For each head float32 [B, num_bins, tracks], not negative.

        Raises:
          ValueError: the tower does not have the length of a whole window.
          KeyError: no such head.
        """
        features = self.features(tower, is_training=is_training)
        return {head: tf.nn.softplus(self.logits(features, head)) for head in heads or self.heads}

    def features(
        self,
        tower: tf.Tensor,
        *,
        position_keys: Sequence[tf.Tensor] | None = None,
        bins: range | None = None,
        is_training: bool = False,
    ) -> tf.Tensor:
        """Runs transformer, crop and final_pointwise, whose features all heads read.

        The last transformer block computes only the bins that are wanted; all bins are read by the blocks before it.

        Args:
          tower: float32 [B, num_tower_bins, C], what `conv_tower` gives for a whole window.
          position_keys: the result of `position_keys`, if it was computed already.
          bins: neighbouring bins to compute, numbered among those that are scored; all num_bins by default.
          is_training: use batch statistics, update the moving averages, and drop out.

        Returns:
          float32 [B, bins, 2C].

        Raises:
          ValueError: the tower does not have the length of a whole window, or `bins` are not bins that are scored.
        """
        geometry = self.config.geometry
        if tower.shape[1] != geometry.num_tower_bins:
            raise ValueError(f"the tower must have {geometry.num_tower_bins} bins, got {tower.shape[1]}")
        x = tower
        for number, (block, wanted) in enumerate(self.blocks_and_bins(bins)):
            keys = None if position_keys is None else position_keys[number]
            x = block(x, is_training=is_training, wanted=wanted, position_keys=keys)
        if not self.transformer_blocks:
            x = self.crop(x, bins)
        x = self.final_pointwise(x, is_training=is_training)
        return gelu(tf.nn.dropout(x, self.config.pointwise_dropout_rate) if is_training else x)

    def blocks_and_bins(self, bins: range | None = None) -> list[tuple[TransformerBlock, range]]:
        """Each transformer block and the tower bins that it computes: the last only the wanted ones.

        Args:
          bins: neighbouring bins that are wanted, numbered among those that are scored; all by default.

        Raises:
          ValueError: `bins` are not bins that are scored.
        """
        wanted = [range(self.config.geometry.num_tower_bins)] * len(self.transformer_blocks)
        return list(zip(self.transformer_blocks, [*wanted[1:], self._tower_bins(bins)], strict=False))

    def crop(self, x: tf.Tensor, bins: range | None = None) -> tf.Tensor:
        """The tower bins that are wanted: [B, num_tower_bins, C] to [B, bins, C].

        Args:
          x: values of every tower bin.
          bins: neighbouring bins that are wanted, numbered among those that are scored; all by default.

        Raises:
          ValueError: `bins` are not bins that are scored.
        """
        wanted = self._tower_bins(bins)
        return x[:, wanted.start : wanted.stop]

    def _tower_bins(self, bins: range | None) -> range:
        """The tower bins of neighbouring scored bins."""
        scored = self.config.geometry.scored_tower_bins
        if bins is None:
            return scored
        if not bins or bins.step != 1 or bins.start < 0 or bins.stop > len(scored):
            raise ValueError(f"bins must be neighbours, at least one, within range(0, {len(scored)}), got {bins}")
        return scored[bins.start : bins.stop]

    def logits(
        self, features: tf.Tensor, head: str, tracks: range | None = None, *, with_bias: bool = True
    ) -> tf.Tensor:
        """A head's tracks before the softplus: float32 [B, bins, tracks].

        Args:
          features: float32 [B, bins, 2C].
          head: the head's name.
          tracks: neighbouring tracks to compute; all by default.
          with_bias: whether the bias is added.
        """
        linear = self.heads[head]
        y = tf.cast(linear.product(features, tracks), tf.float32)
        if not with_bias:
            return y
        tracks = tracks or range(y.shape[-1])
        return y + tf.slice(linear.b, [tracks.start], [len(tracks)])
