"""CRC-32C, masked as TensorFlow stores it."""

from typing import Any

import google_crc32c
import numpy as np

_MASK = 0xA282EAD8


def masked_crc32c(data: np.ndarray[Any, Any] | bytes) -> int:
    """Returns the masked CRC-32C of an array's bytes in C order.

    The mask keeps the checksum of data that hold checksums themselves meaningful.
    Source: tensorflow/core/lib/hash/crc32c.h.
    """
    if isinstance(data, np.ndarray):
        data = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    crc = google_crc32c.value(data)  # an array is not copied for it
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF
