"""Reduces the few bins of genes' promoters, which costs next to nothing beside the sums over whole windows."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from enformer_vep.genome.genes import BinPairs
from enformer_vep.inference.host import HostLink
from enformer_vep.inference.reductions import reduce_bins
from enformer_vep.inference.track_blocks import TrackBlocks
from enformer_vep.model.arithmetic import in_turn

PromoterGraph = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def promoter_graph(blocks: TrackBlocks, num_bins: int, names: Sequence[str]) -> PromoterGraph:
    """Builds the graph of a `PromoterReducer`.

    Args:
      blocks: the tracks that predictions have.
      num_bins: how many bins they have.
      names: names of reductions, at least one.
    """
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

    return cast("PromoterGraph", reduce)


class PromoterReducer:
    """Takes sums, maxima and norms over the bins of each gene, all genes of an allele together.

    The bins are gathered first. So the cost is that of the promoters' bins alone, and one graph serves any number of
    genes. An allele is always reduced by itself: its numbers have the same bits whatever is scored beside it.
    """

    def __init__(self, reduce: PromoterGraph, bins: range, link: HostLink, names: Sequence[str]) -> None:
        """Takes the graph.

        Args:
          reduce: the result of `promoter_graph`.
          bins: the bins that predictions have.
          link: the way to the device.
          names: names of the reductions.
        """
        self._reduce = reduce
        self._bins = bins
        self._link = link
        self._names = names

    def __call__(self, r: tf.Tensor, d: tf.Tensor, genes: BinPairs) -> dict[str, npt.NDArray[np.float64]]:
        """Reduces one allele; returns for each reduction float64 [G, tracks]."""
        numbers = np.where(genes.numbers < 0, -1, genes.numbers - self._bins.start).astype(np.int32)
        found = np.asarray(self._link.receive(self._reduce(r, d, self._link.send(numbers))), dtype=np.float64)
        return dict(zip(self._names, found.transpose(1, 0, 2), strict=True))
