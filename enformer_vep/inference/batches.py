"""Transfers to the device and back, and batches of one shape."""

import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from enformer_vep.errors import EnformerVepError

logger = logging.getLogger(__name__)

Row = TypeVar("Row")
Value = TypeVar("Value")


class HostLink:
    """Moves arrays to the device that the model runs on and back, and counts all transfers, which make a GPU wait.

    Attributes:
      num_sent: arrays that were moved to the device.
      num_received: arrays that were moved back; each waits until the device has computed it.
      bytes_sent: their bytes.
      bytes_received: their bytes.
    """

    def __init__(self) -> None:
        self.num_sent = self.num_received = 0
        self.bytes_sent = self.bytes_received = 0

    def send(self, array: npt.ArrayLike) -> tf.Tensor:
        """Returns the array on the device."""
        on_host = np.asarray(array)
        self.num_sent += 1
        self.bytes_sent += on_host.nbytes
        return tf.constant(on_host)

    def receive(self, tensor: tf.Tensor) -> npt.NDArray[np.generic]:
        """Returns the tensor as an array, once it is computed."""
        array: npt.NDArray[np.generic] = tensor.numpy()
        self.num_received += 1
        self.bytes_received += array.nbytes
        return array


def in_batches(run: Callable[[Sequence[Row]], tf.Tensor], rows: Sequence[Row], batch_size: int) -> list[tf.Tensor]:
    """Computes rows in batches of one shape, the last of which is padded; a single row is computed by itself.

    Args:
      run: turns a batch of rows into a tensor, along its first axis.
      rows: any number of rows.
      batch_size: rows at a time.

    Returns:
      The tensor of each row.
    """
    values: list[tf.Tensor] = []
    for first in range(0, len(rows), batch_size):
        batch = list(rows[first : first + batch_size])
        num_padded = 0 if len(batch) == 1 else batch_size - len(batch)
        values += tf.unstack(run(batch + batch[-1:] * num_padded))[: len(batch)]
    return values


class Pending(Generic[Value]):
    """The result of a row that waits to be run."""

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
        """Sets the result."""
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
                values = self._run(rows + rows[-1:] * num_padded)
            except tf.errors.ResourceExhaustedError as error:
                if self.batch_size == 1:
                    raise EnformerVepError("the device does not have enough memory for a single sequence") from error
                self.batch_size //= 2
                logger.warning(
                    "the device is out of memory: the run continues with a batch size of %d", self.batch_size
                )
                continue
            for (_, pending), value in zip(running, values, strict=False):
                pending.fill(value)
            self.num_run += len(running)
            del self._waiting[: len(running)]
