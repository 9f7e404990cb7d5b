"""Fills arrays of a Zarr store row by row, a whole chunk at a time."""

from typing import Any

import numpy as np
import numpy.typing as npt


class ZarrRows:
    """An array whose rows come in their order. A chunk that is written twice would be compressed twice."""

    def __init__(self, array: Any) -> None:
        """Takes an array whose chunks are rows, as `ZarrArrays.create` makes it."""
        self._array = array
        self._rows_per_chunk: int = array.chunks[0]
        self._waiting: list[npt.NDArray[np.float32]] = []
        self._num_waiting = self._num_written = 0

    def write(self, rows: npt.NDArray[np.float32]) -> None:
        """Writes some rows: float32 [rows, ...]."""
        self._waiting.append(rows)
        self._num_waiting += len(rows)
        if self._num_waiting >= self._rows_per_chunk:
            self._flush(self._num_waiting - self._num_waiting % self._rows_per_chunk)

    def finish(self) -> None:
        """Writes the rows that do not fill a chunk."""
        if self._num_waiting:
            self._flush(self._num_waiting)

    def _flush(self, num_rows: int) -> None:
        rows = np.concatenate(self._waiting)
        self._array[self._num_written : self._num_written + num_rows] = rows[:num_rows]
        self._num_written += num_rows
        self._num_waiting -= num_rows
        self._waiting = [rows[num_rows:].copy()] if self._num_waiting else []
