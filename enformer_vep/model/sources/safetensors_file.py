"""Reads safetensors files through a memory map: the library checks the header, NumPy maps the data.

A file is the header's length (8 bytes), the header (JSON, padded with spaces), and the tensors without gaps.
Source: https://github.com/huggingface/safetensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from enformer_vep.errors import WeightsError
from enformer_vep.model.sources.source import check_dtype
from enformer_vep.wording import cause

LENGTH_BYTES = 8

_DTYPES = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
"""The names of types and their sizes in bytes."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor's shape, the name of its type, and the place of its bytes in the file."""

    shape: tuple[int, ...]
    dtype: str
    offset: int
    size: int


class SafetensorsFile:
    """A safetensors file whose header has been read."""

    def __init__(self, path: Path) -> None:
        """Reads the header.

        Raises:
          WeightsError: it is no safetensors file, or it is cut short or damaged.
        """
        self.path = path
        try:
            with open(path, "rb") as file:
                header_bytes = int.from_bytes(file.read(LENGTH_BYTES), "little")
            with safe_open(path, framework="numpy") as opened:
                self.metadata: Mapping[str, str] = opened.metadata() or {}
                slices = {name: opened.get_slice(name) for name in opened.offset_keys()}
                shapes = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in slices.items()}
        except (OSError, SafetensorError) as error:
            raise WeightsError(
                f"{path} is not a safetensors file, or is cut short or damaged ({cause(error)}): download it again"
            ) from error
        self.tensors: dict[str, StoredTensor] = {}
        offset = LENGTH_BYTES + header_bytes
        for name, (shape, code) in shapes.items():
            if code not in _DTYPES:
                raise WeightsError(f"{path}: the tensor {name} is of type {code}: save it as float32")
            dtype, item_bytes = _DTYPES[code]
            size = prod(shape) * item_bytes
            self.tensors[name] = StoredTensor(shape, dtype, offset, size)
            offset += size
        self._data: np.ndarray[Any, Any] | None = None

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """Returns a private view of a tensor's bytes in the file.

        Raises:
          WeightsError: an Enformer has no tensors of its type.
        """
        stored = self.tensors[name]
        check_dtype(stored.dtype, name, self.path)
        if self._data is None:
            self._data = np.asarray(np.memmap(self.path, np.uint8, mode="c"))
        data = self._data[stored.offset : stored.offset + stored.size]
        return data.view(stored.dtype).reshape(stored.shape)
