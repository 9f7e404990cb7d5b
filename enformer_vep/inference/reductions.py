"""Reductions over bins on the device, so that only a few numbers per track leave it.

Everything is in terms of the reference's prediction r and the difference d = a - r, never of two predictions: the
difference is what stays exact in low precision. Sums are float64, and are added up in an order that depends on the bins
alone: they have the same bits however many tracks and alleles are reduced together. (TensorFlow's log1p may differ in
its last bit with the shape of a block, but heads are always computed in the same blocks.)
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from enformer_vep.genome.genes import BinPairs
from enformer_vep.inference.batches import HostLink
from enformer_vep.inference.passes import TrackBlocks
from enformer_vep.model.arithmetic import in_turn
from enformer_vep.model.enformer import Graphs

LN2 = float(np.log(2))


class _Block:
    """One block of tracks: functions of r and d in every bin, each computed when it is first asked for, then kept."""

    def __init__(self, r: tf.Tensor, d: tf.Tensor) -> None:
        self.r = r  # float32 [1 or B, bins, tracks]
        self.d = d  # float32 [B, bins, tracks]

    @cached_property
    def log_difference(self) -> tf.Tensor:
        """log2(1 + a) - log2(1 + r): float32 [B, bins, tracks]."""
        return tf.math.log1p(self.d / (1.0 + self.r)) / tf.math.log(2.0)

    @cached_property
    def sqrt_difference(self) -> tf.Tensor:
        """The root of a less that of r, 0 where both are 0: float32 [B, bins, tracks]."""
        roots = tf.sqrt(self.r) + tf.sqrt(tf.maximum(self.r + self.d, 0.0))
        return tf.math.divide_no_nan(self.d, roots)

    @cached_property
    def r64(self) -> tf.Tensor:
        """R as float64 [1 or B, bins, tracks]."""
        return tf.cast(self.r, tf.float64)

    @cached_property
    def d64(self) -> tf.Tensor:
        """D as float64 [B, bins, tracks]."""
        return tf.cast(self.d, tf.float64)


class _Region:
    """The chosen bins of one set, for every row of the batch."""

    def __init__(self, block: _Block, mask: tf.Tensor) -> None:
        self.block = block
        self.mask = mask[:, :, None]  # bool [1 or B, bins, 1]

    def sum(self, values: tf.Tensor) -> tf.Tensor:
        """Sum over the chosen bins: [1 or B, bins, tracks] to float64 [1 or B, tracks]."""
        return _sum(tf.cast(self.choose(values, 0.0), tf.float64))

    def sum_of_squares(self, values: tf.Tensor) -> tf.Tensor:
        """Sum of squares over the chosen bins, squared in float64 because float32 would lose small ones."""
        return _sum(tf.square(tf.cast(self.choose(values, 0.0), tf.float64)))

    def largest(self, values: tf.Tensor) -> tf.Tensor:
        """The value of largest magnitude, of the first bin on ties, 0 if none is chosen: float64 [B, tracks]."""
        # A NaN counts as the largest of all, so that it is not lost.
        magnitudes = tf.where(tf.math.is_nan(values), np.float32(np.inf), tf.abs(values))
        magnitudes = self.choose(magnitudes, -1.0)
        is_largest = tf.equal(magnitudes, tf.reduce_max(magnitudes, axis=1, keepdims=True))
        bins = tf.range(tf.shape(values)[1])[None, :, None]
        # tf.argmax does not promise the first of equals.
        first = tf.reduce_min(tf.where(is_largest, bins, tf.int32.max), axis=1)  # [B, tracks]
        largest = tf.gather(tf.transpose(self.choose(values, 0.0), [0, 2, 1]), first, axis=2, batch_dims=2)
        return tf.cast(largest, tf.float64)

    def choose(self, values: tf.Tensor, other: float) -> tf.Tensor:
        """The values in the chosen bins, and another one elsewhere."""
        # Not a product with the mask: what is not finite in other bins must not count.
        return tf.where(self.mask, values, tf.cast(other, values.dtype))

    def divergence(self) -> tf.Tensor:
        """Half of Jeffreys' divergence between the predictions as distributions over bins: float64 [B, tracks]."""
        return self._divergence(self.block.r64, self.block.d64, self._quartile_neighbours)

    def log_divergence(self) -> tf.Tensor:
        """The divergence of log2(1 + x) in place of x: float64 [B, tracks]."""
        of_reference = tf.math.log1p(self.block.r64) / LN2
        difference = tf.math.log1p(self.block.d64 / (1.0 + self.block.r64)) / LN2
        # The logarithm keeps the order, so the neighbours of the quartile are the same bins.
        neighbours = tf.math.log1p(self._quartile_neighbours) / LN2
        return self._divergence(of_reference, difference, neighbours)

    def _divergence(self, of_reference: tf.Tensor, difference: tf.Tensor, neighbours: tf.Tensor) -> tf.Tensor:
        """Computes the divergence of distributions r' = (f(r) + p) / S and a' = (f(a) + p) / (S + D).

        With the difference of f in a bin and the sum D of these, S that of f(r) + p:

            ln(a'/r') = log1p(difference / (f(r) + p)) - log1p(D / S)
            a' - r'   = (difference - r' D) / (S + D)

        Args:
          of_reference: f(r), float64 [1 or B, bins, tracks].
          difference: f(a) - f(r), float64 [B, bins, tracks].
          neighbours: f(r) at both neighbours of the 25th percentile, float64 [1 or B, 2, tracks].
        """
        # Rounding must not make f(a) negative.
        difference = self.choose(tf.maximum(difference, -of_reference), 0.0)
        low, high = neighbours[:, 0], neighbours[:, 1]
        pseudo_count = low + self._quartile_fraction * (high - low)  # [1 or B, tracks]
        padded = self.choose(of_reference + pseudo_count[:, None], 0.0)
        total, change = _sum(padded)[:, None], _sum(difference)[:, None]  # [B, 1, tracks]
        log_ratio = tf.math.log1p(difference / padded) - tf.math.log1p(change / total)
        share_change = (difference - padded / total * change) / (total + change)
        # A bin in which nothing is predicted, by either allele, counts nothing. One that appears from nothing, without
        # a pseudo-count, is infinitely surprising.
        empty = tf.where(tf.equal(difference, 0.0), tf.zeros_like(log_ratio), np.float64(np.inf))
        return _sum(tf.where(padded > 0.0, share_change * log_ratio, empty)) / 2.0

    @cached_property
    def _quartile_position(self) -> tf.Tensor:
        """Where the 25th percentile lies among the chosen bins in ascending order: float64 [1 or B, 1]."""
        num_chosen = tf.reduce_sum(tf.cast(self.mask[:, :, 0], tf.float64), axis=1, keepdims=True)
        return tf.maximum(num_chosen - 1.0, 0.0) * 0.25

    @cached_property
    def _quartile_fraction(self) -> tf.Tensor:
        return self._quartile_position - tf.floor(self._quartile_position)

    @cached_property
    def _quartile_neighbours(self) -> tf.Tensor:
        """R at the ranks just below and above the 25th percentile: float64 [1 or B, 2, tracks]; 0 if none is chosen."""
        ascending = tf.sort(tf.transpose(self.choose(self.block.r, np.inf), [0, 2, 1]), axis=-1)
        ranks = tf.concat([tf.floor(self._quartile_position), tf.math.ceil(self._quartile_position)], axis=1)
        ranks = tf.broadcast_to(tf.cast(ranks, tf.int32), [tf.shape(ascending)[0], 2])
        neighbours = tf.transpose(tf.gather(ascending, ranks, axis=2, batch_dims=1), [0, 2, 1])  # [1 or B, 2, tracks]
        is_any = tf.reduce_any(self.mask, axis=1, keepdims=True)
        return tf.cast(tf.where(is_any, neighbours, 0.0), tf.float64)


def _sum(values: tf.Tensor) -> tf.Tensor:
    """Sum over bins: float64 [B, bins, tracks] to float64 [B, tracks]."""
    # Along the last axis. Along another, the order of additions depends on how many tracks lie behind it, and with the
    # order the last bits.
    return tf.reduce_sum(tf.transpose(values, [0, 2, 1]), axis=2)


REDUCTIONS: Mapping[str, Callable[[_Region], tf.Tensor]] = MappingProxyType(
    {
        "reference": lambda region: region.sum(region.block.r),
        "difference": lambda region: region.sum(region.block.d),
        "log_difference": lambda region: region.sum(region.block.log_difference),
        "sqrt_difference": lambda region: region.sum(region.block.sqrt_difference),
        "largest_difference": lambda region: region.largest(region.block.d),
        "largest_log_difference": lambda region: region.largest(region.block.log_difference),
        "absolute_difference": lambda region: region.sum(tf.abs(region.block.d)),
        "absolute_log_difference": lambda region: region.sum(tf.abs(region.block.log_difference)),
        "squared_difference": lambda region: region.sum_of_squares(region.block.d),
        "squared_log_difference": lambda region: region.sum_of_squares(region.block.log_difference),
        "divergence": _Region.divergence,
        "log_divergence": _Region.log_divergence,
    }
)
"""What can be reduced over bins, by the names that a `scoring.Statistic` lists."""


def reduce_bins(r: tf.Tensor, d: tf.Tensor, weights: tf.Tensor, names: Sequence[str]) -> tf.Tensor:
    """Reduces one block of tracks over each set of bins.

    The sets are reduced one after another, and a set of which no bin is chosen gives 0. What needs only the reference
    is computed once if `r` and `weights` have one row for the whole batch.

    Args:
      r: the reference's prediction, float32 [1 or B, bins, tracks].
      d: the alternate's less the reference's, float32 [B, bins, tracks].
      weights: float32 [1 or B, M, bins], 1 for the chosen bins of each set and 0 for the others; M must be known when
        the graph is built.
      names: names in REDUCTIONS, at least one.

    Returns:
      float64 [B, k, M, tracks], k in the order of the names.
    """
    block = _Block(r, d)
    regions = [_Region(block, mask) for mask in tf.unstack(weights > 0.0, axis=1)]
    shape = [tf.shape(d)[0], tf.shape(d)[2]]
    reduced = [[tf.broadcast_to(REDUCTIONS[name](region), shape) for region in regions] for name in names]
    return tf.stack([tf.stack(of_regions, axis=1) for of_regions in reduced], axis=1)


_Graph = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


class RegionReducer:
    """Reduces a batch of comparisons over their regions, one block of tracks after another."""

    def __init__(self, graphs: Graphs, blocks: TrackBlocks, link: HostLink, names: Sequence[str]) -> None:
        """Prepares the graph.

        Args:
          graphs: the model's graphs.
          blocks: the tracks that predictions have.
          link: the way to the device.
          names: names of reductions, at least one.
        """
        self._reduce = graphs.get(("bins", blocks.chosen, tuple(names)), lambda: _region_graph(blocks, names))
        self._link = link
        self._names = names

    def __call__(
        self, references: Sequence[tf.Tensor], differences: Sequence[tf.Tensor], regions: npt.NDArray[np.float32]
    ) -> list[dict[str, npt.NDArray[np.float64]]]:
        """Returns for each comparison and each reduction float64 [M, tracks]; regions are [1 or B, M, bins]."""
        is_same = all(r is references[0] for r in references)
        r = references[0][tf.newaxis] if is_same else tf.stack(references)
        reduced = self._link.receive(self._reduce(r, tf.stack(differences), self._link.send(regions)))
        return [dict(zip(self._names, of_one, strict=True)) for of_one in np.asarray(reduced, dtype=np.float64)]


class PromoterReducer:
    """Reduces an allele over the bins of each gene, all genes together.

    The bins are gathered first. So the cost is that of the promoters' bins alone, next to nothing beside the sums over
    whole windows, and one graph serves any number of genes. An allele is always reduced by itself: its numbers have the
    same bits whatever is scored beside it.
    """

    def __init__(self, graphs: Graphs, blocks: TrackBlocks, bins: range, link: HostLink, names: Sequence[str]) -> None:
        """Prepares the graph.

        Args:
          graphs: the model's graphs.
          blocks: the tracks that predictions have.
          bins: the bins that predictions have.
          link: the way to the device.
          names: names of reductions, at least one.
        """
        self._reduce = graphs.get(
            ("promoters", blocks.chosen, len(bins), tuple(names)), lambda: _promoter_graph(blocks, len(bins), names)
        )
        self._bins = bins
        self._link = link
        self._names = names

    def __call__(self, r: tf.Tensor, d: tf.Tensor, genes: BinPairs) -> dict[str, npt.NDArray[np.float64]]:
        """Returns for each reduction float64 [G, tracks]."""
        numbers = np.where(genes.numbers < 0, -1, genes.numbers - self._bins.start).astype(np.int32)
        reduced = np.asarray(self._link.receive(self._reduce(r, d, self._link.send(numbers))), dtype=np.float64)
        return dict(zip(self._names, reduced.transpose(1, 0, 2), strict=True))


def _region_graph(blocks: TrackBlocks, names: Sequence[str]) -> _Graph:
    @tf.function(autograph=False)
    def reduce(r: tf.Tensor, d: tf.Tensor, regions: tf.Tensor) -> tf.Tensor:
        """References [1 or B, bins, tracks], differences [B, ...], regions [1 or B, M, bins]: [B, k, M, tracks]."""
        of_blocks = zip(blocks.split(r), blocks.split(d), strict=True)
        reduced = in_turn(lambda of_block: reduce_bins(*of_block, regions, names), of_blocks)
        return blocks.choose(blocks.join(reduced))

    return cast("_Graph", reduce)


def _promoter_graph(blocks: TrackBlocks, num_bins: int, names: Sequence[str]) -> _Graph:
    prediction = tf.TensorSpec([num_bins, blocks.num_tracks], tf.float32)
    signature = [prediction, prediction, tf.TensorSpec([2, None, None], tf.int32)]

    @tf.function(autograph=False, input_signature=signature)
    def reduce(r: tf.Tensor, d: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        """Reference and difference [bins, tracks] and BinPairs.numbers [2, G, K]: float64 [G, k, tracks]."""
        # 1 for a bin and 0 for -1, without bools, whose transposition makes oneDNN complain on standard error.
        is_chosen = tf.cast(tf.minimum(numbers[:1], 0) + 1, tf.float32)
        of_reference, of_alternate = tf.unstack(tf.maximum(numbers, 0))

        def of_block(pair: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            reference, difference = pair
            base = tf.gather(reference, of_reference)  # [G, K, tracks]
            # a - r, in this order: where both alleles have the same bin, the second term is exactly 0.
            change = tf.gather(difference, of_alternate) + (tf.gather(reference, of_alternate) - base)
            return reduce_bins(base, change, tf.transpose(is_chosen, [1, 0, 2]), names)[:, :, 0]

        of_blocks = zip(blocks.split(r), blocks.split(d), strict=True)
        return blocks.choose(blocks.join(in_turn(of_block, of_blocks)))

    return cast("_Graph", reduce)
