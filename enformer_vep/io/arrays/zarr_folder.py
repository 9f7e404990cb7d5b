"""Writes Zarr stores: folders of named arrays, which appear only when they are whole."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import OutputError
from enformer_vep.io.files import check_folder, whole_folder

GROUP_NAME = "zarr.json"
CHUNK_BYTES = 16 << 20
"""Of a chunk of an array, before it is compressed."""


def check_zarr_support() -> dict[str, str]:
    """Returns the version of what writes Zarr, by its name.

    Raises:
      OutputError: it is not installed.
    """
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise OutputError(
            "writing Zarr needs zarr 3, which needs Python 3.11: install enformer-vep[zarr], or choose another format"
        ) from error
    return {"zarr": version("zarr")}


def check_zarr_folder(path: Path, kind: str, *, overwrite: bool) -> None:
    """Checks that a store can be written, and writes nothing.

    Args:
      path: the store's folder.
      kind: the attribute `kind` of the stores that may be replaced, and of nothing else.
      overwrite: whether one of them may be replaced.

    Raises:
      OutputError: it cannot be written, or exists and must not be replaced.
    """
    check_folder(path, lambda folder: read_attributes(folder).get("kind") == kind, overwrite=overwrite)


class ZarrArrays:
    """The arrays of a store that is being written."""

    def __init__(self, folder: Path, attributes: Mapping[str, Any]) -> None:
        """Starts the store.

        Args:
          folder: an empty folder.
          attributes: what JSON can hold; `kind` says what the store is.
        """
        import zarr

        self._group = zarr.open_group(folder, mode="w", zarr_format=3, attributes=dict(attributes))

    def create(self, name: str, shape: Sequence[int], dtype: str) -> Any:
        """Returns an array whose parts can be assigned like those of a NumPy array. Its chunks are rows.

        Args:
          name: the array's name.
          shape: its shape.
          dtype: NumPy's name of its type, or 'string' for text.
        """
        item_bytes = 32 if dtype == "string" else np.dtype(dtype).itemsize
        row_bytes = max(1, int(np.prod(shape[1:], dtype=np.int64)) * item_bytes)
        rows = max(1, min(shape[0], CHUNK_BYTES // row_bytes))
        chunks = (rows, *(max(1, length) for length in shape[1:]))
        return self._group.create_array(name, shape=tuple(shape), dtype=dtype, chunks=chunks)

    def add(self, name: str, values: Any) -> None:
        """Writes a whole array of numbers, or of text."""
        array = np.asarray(values)
        if array.dtype.kind in "OU":
            self.create(name, array.shape, "string")[...] = array.astype(object)
        else:
            self.create(name, array.shape, array.dtype.str)[...] = array

    def set(self, name: str, value: Any) -> None:
        """Sets an attribute that is known only when all arrays are there."""
        self._group.attrs[name] = value


class ZarrRows:
    """An array whose rows come in their order. A chunk that is written twice would be compressed twice."""

    def __init__(self, array: Any) -> None:
        """Writes to an array whose chunks are rows, as `ZarrArrays.create` makes it."""
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


@contextmanager
def whole_zarr(path: Path, attributes: Mapping[str, Any]) -> Iterator[ZarrArrays]:
    """Opens a store for writing, which appears under its name when the block ends; if it fails, nothing is left.

    Args:
      path: the store's folder.
      attributes: its attributes: see `ZarrArrays`.

    Raises:
      EnformerVepError: it cannot be written.
    """
    with whole_folder(path) as folder:
        yield ZarrArrays(folder, attributes)


def read_attributes(folder: Path) -> dict[str, Any]:
    """Returns the attributes of a store; none if the folder is not one."""
    try:
        group = json.loads((folder / GROUP_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    attributes = group.get("attributes") if isinstance(group, dict) else None
    return attributes if isinstance(attributes, dict) else {}
