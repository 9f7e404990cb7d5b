"""Memory for values that are to be read, as TensorFlow can use it without a copy."""

import math
import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np


def untouched_zeros(shape: Sequence[int], dtype: str | type[np.generic]) -> np.ndarray[Any, Any]:
    """Returns zeros at the beginning of a page, which take no memory until something is written to them."""
    num_values = math.prod(shape)
    pages = mmap.mmap(-1, max(1, num_values * np.dtype(dtype).itemsize))
    return np.frombuffer(pages, dtype, count=num_values).reshape(shape)
