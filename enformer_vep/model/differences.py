"""The transformer and the head of an alternate allele, as differences from the reference's.

A variant changes a track by a thousandth or less. If the alternate is computed like the reference, rounding both to
bfloat16 hides this change. Here d, the alternate's activations minus the reference's, goes through the model by itself,
so that rounding errors are proportional to d, however small the effect. A linear map of d is d W; the other steps are
those of `difference_steps.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from enformer_vep.model.arithmetic import in_turn, product, product_dtype
from enformer_vep.model.attention import RelativeAttention, distances_in_use, first_distance, query_blocks
from enformer_vep.model.difference_steps import (
    add,
    attended_difference,
    changed,
    gelu_difference,
    layer_norm_difference,
    relu_difference,
    softplus_difference,
    total,
    weight_change,
)
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.layers import gelu
from enformer_vep.model.transformer import BlockActivations, TransformerBlock


class KeptBlock(NamedTuple):
    """The reference's tensors that a transformer block's differences need, in the precision of their products.

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
    """The reference's tensors that the differences of final_pointwise and the head need.

    Attributes:
      x: float32 [B, bins, C], the input of final_pointwise.
      pointwise: float32 [B, bins, 2C], its output.
      logits: of each block of tracks, float32 [B, bins, tracks].
    """

    x: tf.Tensor
    pointwise: tf.Tensor
    logits: tuple[tf.Tensor, ...]


class Kept(NamedTuple):
    """The reference's tensors that alternates need: of each transformer block, and of what follows the last."""

    blocks: tuple[KeptBlock, ...]
    end: KeptEnd


class DifferenceTransformer:
    """Runs a reference with all that its alternates need, and the alternates as differences from it."""

    def __init__(
        self, model: Enformer, head: str, blocks_of_tracks: Sequence[range], bins: range | None = None
    ) -> None:
        """Prepares some tracks of one head.

        Args:
          model: the model.
          head: the head to predict.
          blocks_of_tracks: neighbouring tracks that are computed together.
          bins: neighbouring bins to predict, numbered among those that are scored; all by default.

        Raises:
          ValueError: `bins` are not bins that are scored.
        """
        self._model = model
        self._head, self._blocks_of_tracks, self._bins = head, blocks_of_tracks, bins
        self._blocks_and_bins = model.blocks_and_bins(bins)
        self._position_keys = model.position_keys()

    def reference(
        self, tower: tf.Tensor, kept_dtype: tf.DType, position_keys: Sequence[tf.Tensor] | None = None
    ) -> tuple[list[tf.Tensor], Kept]:
        """Runs the reference in the current precision.

        Args:
          tower: float32 [B, T, C].
          kept_dtype: the precision of the large tensors that are kept, that of the differences' products.
          position_keys: the result of `Enformer.position_keys`; that at the construction by default.

        Returns:
          The prediction of each block of tracks, float32 [B, bins, tracks], and what its alternates need.
        """
        blocks: list[KeptBlock] = []
        x = tower
        for block, wanted, keys in self._blocks(position_keys):
            x, activations = block.with_activations(x, is_training=False, wanted=wanted, position_keys=keys)
            blocks.append(_keep_block(block, activations, kept_dtype, is_whole=not blocks))
        if not blocks:
            x = self._model.crop(x, self._bins)
        pointwise = self._model.final_pointwise(x, is_training=False)
        features = gelu(pointwise)
        logits = in_turn(lambda tracks: self._model.logits(features, self._head, tracks), self._blocks_of_tracks)
        kept = Kept(tuple(blocks), KeptEnd(x, pointwise, tuple(logits)))
        return [tf.nn.softplus(u) for u in logits], kept

    def difference(
        self,
        kept: Kept,
        d: tf.Tensor,
        first_bin: tf.Tensor | None = None,
        position_keys: Sequence[tf.Tensor] | None = None,
    ) -> list[tf.Tensor]:
        """Runs the alternates, in the current precision.

        Args:
          kept: what `reference` kept: of the reference that all alternates share, or of each alternate's own, along
            the batch. What is kept of a shared one is large, and never copied for each alternate.
          d: float32 [B, T, C], the alternate's tower minus the reference's; or [B, M, C], M bins of it of which
            no other differs.
          first_bin: int32 [B], where those M bins begin; None if d is of all T.
          position_keys: the result of `Enformer.position_keys`; that at the construction by default.

        Returns:
          The alternate's prediction minus the reference's for each block of tracks, float32 [B, bins, tracks].

        Raises:
          ValueError: there are several references, but not as many as alternates.
        """
        blocks, end = kept
        if end.x.shape[0] not in (1, d.shape[0]):
            raise ValueError(f"expected one reference, or one for each of {d.shape[0]} rows, got {end.x.shape[0]}")
        for number, (block, wanted, keys) in enumerate(self._blocks(position_keys)):
            if number == 0 and first_bin is not None:
                d = _block_of_few(block, blocks[0], d, first_bin, wanted, keys)
            else:
                d = _block(block, blocks[number], d, wanted, keys)
        if not blocks:
            if first_bin is not None:
                num_bins = self._model.config.geometry.num_tower_bins
                d = _spread(d, first_bin[:, tf.newaxis] + tf.range(d.shape[1]), num_bins)
            d = self._model.crop(d, self._bins)
        final = self._model.final_pointwise
        factor, shift = final.norm.affine(end.x, is_training=False)
        d = final.convolution.product(gelu_difference(end.x * factor + shift, d * factor, product_dtype()))
        d = gelu_difference(end.pointwise, d, product_dtype())

        def of_block(block: tuple[range, tf.Tensor]) -> tf.Tensor:
            tracks, logits = block
            return softplus_difference(logits, self._model.logits(d, self._head, tracks, with_bias=False))

        return in_turn(of_block, zip(self._blocks_of_tracks, end.logits, strict=True))

    def _blocks(self, position_keys: Sequence[tf.Tensor] | None) -> list[tuple[TransformerBlock, range, tf.Tensor]]:
        """Each block, the bins that it computes, and its position keys."""
        blocks = zip(self._blocks_and_bins, position_keys or self._position_keys, strict=True)
        return [(block, wanted, keys) for (block, wanted), keys in blocks]


def _block(
    block: TransformerBlock, kept: KeptBlock, d: tf.Tensor, wanted: range, position_keys: tf.Tensor
) -> tf.Tensor:
    """A transformer block's difference, of float32 [B, T, C] and for the wanted bins."""
    attention = block.attention
    dn = layer_norm_difference(kept.x, d, block.attention_norm.scale, product_dtype())
    dq, dk, dv = _project(attention, dn[:, wanted.start : wanted.stop], dn)
    # [dq, q + r_w] [k + dk, dk] is both content terms in one product
    queries = tf.concat([dq, _of_rows(kept.query, d.shape[0])], axis=-1)  # [B, H, Q, 2K]
    keys = tf.concat([changed(kept.key, dk), dk], axis=-1)  # [B, H, T, 2K]
    values = changed(kept.value, dv)
    attended = []
    for number, (queried, rows) in enumerate(query_blocks(wanted)):
        weights = kept.weights[0][:, :, rows] if len(kept.weights) == 1 else kept.weights[number]
        content = product(queries[:, :, rows], keys, transpose_y=True)
        in_use = distances_in_use(position_keys, queried.start, len(queried))
        relative = product(dq[:, :, rows], in_use, transpose_y=True)
        e = weight_change(weights, content, relative)
        attended.append(
            attended_difference(product(e, values), product(weights, dv), total(e), kept.attended[:, :, rows])
        )
    d_attention = attention.output.product(attention.join_heads(tf.concat(attended, axis=2)))
    return _mlp(block, kept, add(d[:, wanted.start : wanted.stop], d_attention))


def _block_of_few(
    block: TransformerBlock,
    kept: KeptBlock,
    d: tf.Tensor,
    first_bin: tf.Tensor,
    wanted: range,
    position_keys: tf.Tensor,
) -> tf.Tensor:
    """The first block's difference, where only M bins differ: float32 [B, M, C] to float32 [B, wanted, C].

    Of the logits, M columns change in every row, and M rows in every column.
    """
    attention = block.attention
    num_bins = kept.x.shape[1]
    bins = first_bin[:, tf.newaxis] + tf.range(d.shape[1])  # [B, M]
    x = _take(kept.x, bins, axis=1)
    dn = layer_norm_difference(x, d, block.attention_norm.scale, product_dtype())
    dq, dk, dv = _project(attention, dn, dn)  # [B, H, M, features]

    # Every row, as if its query were the reference's.
    (all_weights,) = kept.weights
    weights = _take(all_weights, bins, axis=3)  # [B, H, wanted, M]
    e = weight_change(weights, product(kept.query, dk, transpose_y=True))
    value = changed(_take(kept.value, bins, axis=2), dv)
    attended = attended_difference(product(e, value), product(weights, dv), total(e), kept.attended)

    # The rows whose query is not; one that is not wanted has no place.
    row = tf.clip_by_value(bins - wanted.start, 0, len(wanted) - 1)
    is_wanted = (bins >= wanted.start) & (bins < wanted.stop)
    weights, query, reference_attended = (_take(x, row, axis=2) for x in (all_weights, kept.query, kept.attended))
    all_dk, all_dv = (_spread(x, bins, num_bins) for x in (dk, dv))  # [B, H, T, features]
    content = product(
        tf.concat([dq, query], axis=-1),
        tf.concat([changed(kept.key, all_dk), all_dk], axis=-1),
        transpose_y=True,
    )
    num_changed = bins.shape[1]
    distances = first_distance(num_bins, bins[:, :1], num_changed) + tf.range(num_bins + num_changed - 1)
    relative = product(dq, _take(position_keys, distances, axis=2), transpose_y=True)
    e = weight_change(weights, content, relative)
    value = changed(kept.value, all_dv)
    rows = attended_difference(product(e, value), product(weights, all_dv), total(e), reference_attended)
    place = tf.where(is_wanted, row, -1)
    is_changed = tf.reduce_any(place[:, :, tf.newaxis] == tf.range(len(wanted)), axis=1)  # [B, wanted]
    attended = tf.where(is_changed[:, tf.newaxis, :, tf.newaxis], _spread(rows, place, len(wanted)), attended)
    d_attention = attention.output.product(attention.join_heads(attended))
    return _mlp(block, kept, add(_spread(d, place, len(wanted)), d_attention))


def _project(attention: RelativeAttention, of_queries: tf.Tensor, d: tf.Tensor) -> list[tf.Tensor]:
    """The differences of queries (divided by the square root of K), keys and values: [B, H, T, features]."""
    dq = attention.query.product(of_queries) * tf.cast(attention.key_size**-0.5, product_dtype())
    return [attention.split_heads(x) for x in (dq, attention.key.product(d), attention.value.product(d))]


def _mlp(block: TransformerBlock, kept: KeptBlock, d: tf.Tensor) -> tf.Tensor:
    """Adds the mlp's difference to that of what goes into it."""
    dn = layer_norm_difference(kept.middle, d, block.mlp_norm.scale, product_dtype())
    hidden = relu_difference(kept.hidden, block.mlp_in.product(dn), product_dtype())
    return add(d, block.mlp_out.product(hidden))


def _of_rows(x: tf.Tensor, num_rows: int) -> tf.Tensor:
    """Repeats a shared reference's small tensor for each alternate: [1 or B, ...] to [B, ...]."""
    return x if x.shape[0] == num_rows else tf.repeat(x, num_rows, axis=0)


def _take(x: tf.Tensor, places: tf.Tensor, axis: int) -> tf.Tensor:
    """Takes each row's places, int32 [B, M], along an axis of [1 or B, ...]: [B, ..., M, ...]."""
    if x.shape[0] == places.shape[0]:
        return tf.gather(x, places, axis=axis, batch_dims=1)
    taken = tf.gather(tf.squeeze(x, axis=0), places, axis=axis - 1)  # [..., B, M, ...]
    return tf.transpose(taken, [axis - 1, *(i for i in range(taken.shape.rank) if i != axis - 1)])


def _spread(x: tf.Tensor, place: tf.Tensor, length: int) -> tf.Tensor:
    """Puts [B, ..., M, features] at the places int32 [B, M] of zeros [B, ..., length, features]; none at -1."""
    one_hot = tf.one_hot(place, length, dtype=x.dtype)  # [B, M, length]
    one_hot = one_hot if x.shape.rank == 3 else one_hot[:, tf.newaxis]
    return tf.matmul(one_hot, x, transpose_a=True)


def _keep_block(
    block: TransformerBlock, activations: BlockActivations, dtype: tf.DType, *, is_whole: bool
) -> KeptBlock:
    """Returns a block's activations as its differences need them; `is_whole`: all queries' weights in one tensor."""
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
