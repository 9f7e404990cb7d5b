"""Rows that wait until a batch can be run."""

import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import tensorflow as tf

from enformer_vep.errors import EnformerVepError

logger = logging.getLogger(__name__)

Row = TypeVar("Row")
Value = TypeVar("Value")


class Pending(Generic[Value]):
    """A place for the result of a row that waits to be run."""

    def __init__(self, value: Value | None = None) -> None:
        self._value = value

    @property
    def is_known(self) -> bool:
        """Whether the row was run."""
        return self._value is not None

    @property
    def value(self) -> Value:
        """The result of the row, which must have been run."""
        assert self._value is not None
        return self._value

    def fill(self, value: Value) -> None:
        """Gives the result."""
        self._value = value


class Batches(Generic[Row, Value]):
    """Rows of one kind, run as soon as there are as many as a batch holds.

    Attributes:
      batch_size: rows that are run at a time; halved permanently if the device does not have enough memory.
      num_run: rows that were run.
    """

    def __init__(self, run: Callable[[Sequence[Row]], Sequence[Value]], batch_size: int) -> None:
        """Prepares to run batches.

        Args:
          run: turns a batch of rows into their results; a batch that is not full is padded with its last row, but for
            a single row, which is run by itself.
          batch_size: rows at a time.

        Raises:
          ValueError: batch_size is not positive.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.batch_size = batch_size
        self.num_run = 0
        self._run = run
        self._waiting: list[tuple[Row, Pending[Value]]] = []

    def add(self, row: Row) -> Pending[Value]:
        """Adds a row; its result is filled when its batch has run.

        Raises:
          EnformerVepError: the device's memory is too small for any batch.
        """
        pending: Pending[Value] = Pending()
        self._waiting.append((row, pending))
        if len(self._waiting) >= self.batch_size:
            self.flush()
        return pending

    def flush(self) -> None:
        """Runs the waiting rows."""
        while self._waiting:
            running = self._waiting[: self.batch_size]
            rows = [row for row, _ in running]
            num_padded = 0 if len(rows) == 1 else self.batch_size - len(rows)
            try:
                found = self._run(rows + rows[-1:] * num_padded)
            except tf.errors.ResourceExhaustedError as error:
                if self.batch_size == 1:
                    raise EnformerVepError("the device does not have enough memory for a single sequence") from error
                self.batch_size //= 2
                logger.warning(
                    "the device is out of memory: the run continues with a batch size of %d", self.batch_size
                )
                continue
            for (_, pending), value in zip(running, found, strict=False):
                pending.fill(value)
            self.num_run += len(running)
            del self._waiting[: len(running)]
