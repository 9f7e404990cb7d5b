"""Tensors that use memory which NumPy has: pages of a mapped file, which the processes of a machine share."""

from typing import Any

import numpy as np
import tensorflow as tf

ALIGNMENT_BYTES = 64
"""TensorFlow copies memory that does not begin at a multiple of this (EIGEN_MAX_ALIGN_BYTES)."""


def tensor_of(values: np.ndarray[Any, Any]) -> tf.Tensor:
    """Returns an array as a tensor, without copying it if it is aligned.

    A variable that is assigned the tensor goes on to use the same memory, as an assignment passes the buffer on. An
    operation that changes a variable may write to memory that nothing else uses, so the array must be a private one,
    such as of a file mapped with mode 'c', and must be used for nothing else.

    Args:
      values: a writable array.
    """
    if values.ctypes.data % ALIGNMENT_BYTES or not values.flags.c_contiguous:
        return tf.constant(np.array(values))
    return tf.experimental.dlpack.from_dlpack(values.__dlpack__())
