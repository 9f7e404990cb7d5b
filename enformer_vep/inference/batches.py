"""Rows that wait until a batch can be run, and pairs that wait for their rows."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

import tensorflow as tf

from enformer_vep.errors import EnformerVepError
from enformer_vep.inference.engine import AllelePredictions, BinSums

logger = logging.getLogger(__name__)

Row = TypeVar("Row")


class Result:
    """A place for the sums of a sequence that waits to be run."""

    def __init__(self, sums: BinSums | None = None) -> None:
        self.sums = sums


class Batches(Generic[Row]):
    """Rows of one kind, run as soon as there are as many as a batch holds.

    Attributes:
      batch_size: rows that are run at a time; halved permanently if the device does not have enough memory.
      num_run: rows that were run.
    """

    def __init__(self, run: Callable[[Sequence[Row]], Sequence[BinSums]], batch_size: int) -> None:
        """Prepares to run batches.

        Args:
          run: turns a batch of rows into their sums; a batch that is not full is padded with its last row.
          batch_size: rows at a time.

        Raises:
          ValueError: batch_size is not positive.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.batch_size = batch_size
        self.num_run = 0
        self._run = run
        self._waiting: list[tuple[Row, Result]] = []

    def add(self, row: Row) -> Result:
        """Adds a row; its result is filled when its batch has run.

        Raises:
          EnformerVepError: the device's memory is too small for any batch.
        """
        result = Result()
        self._waiting.append((row, result))
        if len(self._waiting) >= self.batch_size:
            self.flush()
        return result

    def flush(self) -> None:
        """Runs the waiting rows."""
        while self._waiting:
            running = self._waiting[: self.batch_size]
            try:
                rows = [row for row, _ in running]
                found = self._run(rows + rows[-1:] * (self.batch_size - len(rows)))
            except tf.errors.ResourceExhaustedError as error:
                if self.batch_size == 1:
                    raise EnformerVepError("the device does not have enough memory for a single sequence") from error
                self.batch_size //= 2
                logger.warning(
                    "the device is out of memory: the run continues with a batch size of %d", self.batch_size
                )
                continue
            for (_, result), sums in zip(running, found, strict=False):
                result.sums = sums
            self.num_run += len(running)
            del self._waiting[: len(running)]


def in_order(unfinished: deque[tuple[Result, Result]]) -> Iterator[AllelePredictions]:
    """Yields and removes the first pairs of a queue, as far as both of their predictions are known."""
    while unfinished and (reference := unfinished[0][0].sums) and (alternate := unfinished[0][1].sums):
        unfinished.popleft()
        yield AllelePredictions(reference, alternate)
