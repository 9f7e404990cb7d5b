"""The plain engine: every sequence through the whole model. The oracle for any that is faster."""

import logging
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from enformer_vep.errors import EnformerVepError
from enformer_vep.inference.engine import AllelePair, AllelePredictions, BinSums
from enformer_vep.model.enformer import NUM_BASES, Enformer
from enformer_vep.sequence import N_CODE, Codes

logger = logging.getLogger(__name__)

NUM_RECENT_REFERENCES = 256
"""Reference windows whose sums are kept for the alleles that follow."""


class _Result:
    """A place for the sums of a sequence that waits to be run."""

    sums: BinSums | None = None


class FullEngine:
    """Runs both alleles whole, in batches of one fixed shape; the last one is padded.

    A reference window that one of the last 256 windows equals is not run again, nor an alternate that equals its
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
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, got {batch_size}")
        self.batch_size = batch_size
        self.num_sequences_run = 0
        self._length_bp = model.config.sequence_length_bp
        self._recent: OrderedDict[Hashable, _Result] = OrderedDict()
        self._waiting: list[tuple[Codes, _Result]] = []

        @tf.function
        def sum_bins(codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            """Codes uint8 [B, length] to sums over bins of x and of log2(1 + x), float64 [B, tracks] each."""
            tower = model.conv_tower(tf.one_hot(codes, NUM_BASES))
            x = model.from_tower(tower, heads=[head], tracks=tracks)[head]  # [B, bins, tracks]
            log2_x = tf.math.log1p(x) / tf.math.log(2.0)
            return (
                tf.reduce_sum(tf.cast(x, tf.float64), axis=1),
                tf.reduce_sum(tf.cast(log2_x, tf.float64), axis=1),
            )

        self._sum_bins = sum_bins

    def predict(self, pairs: Iterable[AllelePair]) -> Iterator[AllelePredictions]:
        """Yields the predictions of each pair, in the order of the pairs."""
        unfinished: deque[tuple[_Result, _Result]] = deque()
        for pair in pairs:
            reference = self._reference_result(pair)
            is_same = np.array_equal(pair.reference, pair.alternate)
            alternate = reference if is_same else self._enqueue(pair.alternate)
            unfinished.append((reference, alternate))
            yield from self._finished(unfinished)
        if self._waiting:
            self._run()
        yield from self._finished(unfinished)

    def _reference_result(self, pair: AllelePair) -> _Result:
        interval = pair.window.interval
        if interval not in self._recent:
            self._recent[interval] = self._enqueue(pair.reference)
            if len(self._recent) > NUM_RECENT_REFERENCES:
                self._recent.popitem(last=False)
        self._recent.move_to_end(interval)
        return self._recent[interval]

    def _enqueue(self, codes: Codes) -> _Result:
        result = _Result()
        self._waiting.append((codes, result))
        if len(self._waiting) >= self.batch_size:
            self._run()
        return result

    def _run(self) -> None:
        """Runs what waits; halves the batch for good if the device has not the memory for it."""
        while self._waiting:
            batch = np.full((self.batch_size, self._length_bp), N_CODE, dtype=np.uint8)
            running = self._waiting[: self.batch_size]
            for row, (codes, _) in zip(batch, running, strict=False):
                row[:] = codes
            try:
                totals, log2_totals = (sums.numpy() for sums in self._sum_bins(tf.constant(batch)))
            except tf.errors.ResourceExhaustedError as error:
                if self.batch_size == 1:
                    raise EnformerVepError("the device has not the memory to run a single sequence") from error
                self.batch_size //= 2
                logger.warning("the device is out of memory: going on with a batch size of %d", self.batch_size)
                continue
            for (_, result), total, log2_total in zip(running, totals, log2_totals, strict=False):
                result.sums = BinSums(total, log2_total)
            self.num_sequences_run += len(running)
            del self._waiting[: len(running)]

    @staticmethod
    def _finished(unfinished: deque[tuple[_Result, _Result]]) -> Iterator[AllelePredictions]:
        while unfinished and (reference := unfinished[0][0].sums) and (alternate := unfinished[0][1].sums):
            unfinished.popleft()
            yield AllelePredictions(reference, alternate)
