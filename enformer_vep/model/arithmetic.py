"""The arithmetic of a graph: the precision of matrix products, and whether neighbouring elementwise steps are fused.

The layers look up the arithmetic while a graph is being traced, so that the same code serves the plain model (float32,
one TensorFlow operation per step: the default) and the faster engine.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import NamedTuple, TypeVar

import numpy as np
import tensorflow as tf

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of a graph.

    Attributes:
      product_dtype: the type of convolutions and matrix products: their factors are rounded to it, and so are their
        results, whose sums are float32. Everything between products is float32.
      is_fused: compile each run of elementwise steps to one loop with XLA. On CPU this saves most of their time, which
        is spent on moving tensors in and out of memory; products are left to oneDNN, which is faster at them than XLA.
    """

    product_dtype: tf.DType = tf.float32
    is_fused: bool = False


PLAIN = Arithmetic()

_CURRENT: ContextVar[Arithmetic] = ContextVar("arithmetic", default=PLAIN)


@contextmanager
def arithmetic(chosen: Arithmetic) -> Iterator[None]:
    """Sets the arithmetic of what is traced, or run eagerly, inside."""
    token = _CURRENT.set(chosen)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_arithmetic() -> Arithmetic:
    """The arithmetic where this is called."""
    return _CURRENT.get()


def product_dtype() -> tf.DType:
    """The precision of products where this is called."""
    return _CURRENT.get().product_dtype


def fusible(steps: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Lets elementwise steps be compiled to one loop where the arithmetic says so.

    The function must depend only on its positional arguments: tensors and hashable values.
    """
    compiled = tf.function(steps, jit_compile=True, autograph=False)

    @wraps(steps)
    def run(*arguments: object) -> tf.Tensor:
        return compiled(*arguments) if _CURRENT.get().is_fused else steps(*arguments)

    return run


class _Rounded(NamedTuple):
    """A variable's values in another precision, and the memory that they were read from, which this holds."""

    place: np.ndarray
    values: tf.Tensor


class Weights:
    """A variable's values in the precision of products, rounded again only if the variable has changed."""

    def __init__(self, variable: tf.Variable) -> None:
        self._variable = variable
        self._rounded: dict[tf.DType, _Rounded] = {}

    def value(self) -> tf.Tensor:
        """The values in the current precision.

        Below float32 they are a copy, kept for the next call. Each call of a graph has the values that the variable has
        when the call begins, also if they changed after the graph was built.
        """
        dtype = product_dtype()
        if dtype == self._variable.dtype:
            return self._variable
        if "CPU" not in self._variable.device:
            # A GPU rounds weights in little time; to look where they lie, the host would have to wait for all it runs.
            return tf.cast(self._variable, dtype)
        if tf.executing_eagerly():
            return self._round(dtype)
        graph = tf.compat.v1.get_default_graph()
        while graph.is_control_flow_graph:  # a branch or a loop's body, which has no calls of its own
            graph = graph.outer_graph
        spec = tf.TensorSpec(self._variable.shape, dtype)
        return graph.capture_call_time_value(lambda: self._round(dtype), spec, key=(self, dtype))

    def _round(self, dtype: tf.DType) -> tf.Tensor:
        """Returns the copy in this precision, made anew if the variable has changed."""
        values = self._variable.value()
        place = np.asarray(memoryview(values))  # shares the variable's memory
        # A variable never writes to memory that a tensor shares. So it has changed if, and only if, it lies elsewhere
        # than what is kept of it here, however it was changed: by assign, an optimizer or a restored checkpoint.
        kept = self._rounded.get(dtype)
        if kept is None or not np.may_share_memory(kept.place, place):
            with tf.device(self._variable.device):
                kept = self._rounded[dtype] = _Rounded(place, tf.cast(values, dtype))
        return kept.values


def in_turn(compute: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Computes items one after another in a graph, to hold the memory of one at a time.

    Args:
      compute: turns an item into tensors.
      items: the items.

    Returns:
      What `compute` gives for each item.
    """
    results: list[Result] = []
    for item in items:
        with tf.control_dependencies(tf.nest.flatten(results[-1:])):
            results.append(compute(item))
    return results


def product(x: tf.Tensor, y: tf.Tensor, *, transpose_y: bool = False) -> tf.Tensor:
    """The matrix product of [..., m, k] and [..., k, n], factors and result in the current precision: [..., m, n]."""
    dtype = product_dtype()
    return tf.matmul(tf.cast(x, dtype), tf.cast(y, dtype), transpose_b=transpose_y)
