"""The plain engine: every sequence through the whole model. Faster engines are tested against it."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from enformer_vep.genome.codes import Codes
from enformer_vep.genome.variant import Interval
from enformer_vep.inference.batches import Batches, Result, in_order
from enformer_vep.inference.engine import AllelePair, AllelePredictions, BinSums, EngineCounts
from enformer_vep.inference.track_blocks import Sums, TrackBlocks, sum_bins
from enformer_vep.model.enformer import NUM_BASES, Enformer

NUM_RECENT_REFERENCES = 256
"""Reference windows whose sums are kept for the alleles that follow."""


class FullEngine:
    """Runs both alleles through the whole model, in batches of one fixed shape; the last batch is padded.

    A reference window that is among the last 256 is not run again, and neither is an alternate that equals its
    reference.
    """

    def __init__(self, model: Enformer, head: str, *, tracks: Sequence[int] | None = None, batch_size: int = 1) -> None:
        """Prepares the model; the graph is built when the first batch runs.

        Args:
          model: the model, on the device that is to run it.
          head: the head to predict.
          tracks: indices of its tracks, in the order wanted; all by default.
          batch_size: sequences that are run at a time.

        Raises:
          ValueError: batch_size is not positive.
          EnformerVepError: from `predict`: the device's memory is too small for any batch.
        """
        self._batches = Batches(self._run, batch_size)
        self._num_tower_bins = model.config.geometry.num_tower_bins
        self._recent: OrderedDict[Interval, Result] = OrderedDict()

        track_blocks = TrackBlocks(model.config.heads[head], tracks)

        @tf.function(autograph=False)
        def sum_prediction(codes: tf.Tensor) -> Sums:
            """Codes uint8 [B, length] to the sums of the chosen tracks."""
            features = model.features(model.conv_tower(tf.one_hot(codes, NUM_BASES)))
            return track_blocks.sum(lambda block: sum_bins(tf.nn.softplus(model.logits(features, head, block))))

        self._sum_prediction = sum_prediction

    def predict(self, pairs: Iterable[AllelePair]) -> Iterator[AllelePredictions]:
        """Yields the predictions of each pair, in the order of the pairs."""
        unfinished: deque[tuple[Result, Result]] = deque()
        for pair in pairs:
            reference = self._reference_result(pair)
            is_same = np.array_equal(pair.reference, pair.alternate)
            alternate = reference if is_same else self._batches.add(pair.alternate)
            unfinished.append((reference, alternate))
            yield from in_order(unfinished)
        self._batches.flush()
        yield from in_order(unfinished)

    def counts(self) -> EngineCounts:
        """Returns the work done so far."""
        num_run = self._batches.num_run
        return EngineCounts(num_run, num_run * self._num_tower_bins, 0, self._batches.batch_size)

    def _reference_result(self, pair: AllelePair) -> Result:
        interval = pair.window.interval
        if interval not in self._recent:
            self._recent[interval] = self._batches.add(pair.reference)
            if len(self._recent) > NUM_RECENT_REFERENCES:
                self._recent.popitem(last=False)
        self._recent.move_to_end(interval)
        return self._recent[interval]

    def _run(self, rows: Sequence[Codes]) -> list[BinSums]:
        sums = (x.numpy() for x in self._sum_prediction(tf.constant(np.stack(rows))))
        return [BinSums(*row) for row in zip(*sums, strict=True)]
