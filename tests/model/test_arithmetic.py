from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model.arithmetic import (
    PLAIN,
    Arithmetic,
    Weights,
    arithmetic,
    current_arithmetic,
    fusible,
    product,
    product_dtype,
)
from tests.support import needs_bfloat16


def test_it_is_plain_float32_unless_somebody_asks() -> None:
    assert current_arithmetic() == PLAIN
    assert product_dtype() == tf.float32
    with arithmetic(Arithmetic(tf.bfloat16)):
        assert product_dtype() == tf.bfloat16
        with arithmetic(PLAIN):
            assert product_dtype() == tf.float32
        assert product_dtype() == tf.bfloat16
    assert current_arithmetic() == PLAIN


def test_it_ends_with_its_block_also_by_an_error() -> None:
    with pytest.raises(KeyError), arithmetic(Arithmetic(tf.bfloat16)):
        raise KeyError
    assert current_arithmetic() == PLAIN


@needs_bfloat16
def test_factors_of_products_are_rounded() -> None:
    x = tf.constant([[1.0 + 2**-10]])
    assert product(x, x).numpy() == (1 + 2**-10) ** 2
    with arithmetic(Arithmetic(tf.bfloat16)):
        assert product(x, x).dtype == tf.bfloat16
        assert tf.cast(product(x, x), tf.float32).numpy() == 1.0


def test_weights_are_cast_once() -> None:
    variable = tf.Variable([1.0, 1.0 + 2**-10])
    weights = Weights(variable)
    assert weights.value() is variable
    with arithmetic(Arithmetic(tf.bfloat16)):
        low = weights.value()
        assert low is weights.value()
        assert tf.cast(low, tf.float32).numpy().tolist() == [1.0, 1.0]


def test_weights_that_a_graph_asks_for_first_serve_the_next_graph() -> None:
    weights = Weights(tf.Variable([1.0, 2.0]))

    def graph() -> np.ndarray:
        with arithmetic(Arithmetic(tf.bfloat16)):
            return tf.function(lambda: tf.cast(weights.value(), tf.float32), autograph=False)().numpy()

    assert graph().tolist() == graph().tolist() == [1.0, 2.0]


def double(weights: Weights) -> tf.Tensor:
    with arithmetic(Arithmetic(tf.bfloat16)):
        return 2 * tf.cast(weights.value(), tf.float32)


CHANGES: dict[str, Callable[[tf.Variable, Path], object]] = {
    "assign": lambda variable, _: variable.assign([3.0, 4.0]),
    "assign_add": lambda variable, _: variable.assign_add([2.0, 2.0]),
    "in a graph": lambda variable, _: tf.function(lambda: variable.assign_sub([-2.0, -2.0]), autograph=False)(),
    "one element": lambda variable, _: (variable[0].assign(3.0), variable.scatter_nd_update([[1]], [4.0])),
    "an optimizer's step": lambda variable, _: tf.raw_ops.ResourceApplyGradientDescent(
        var=variable.handle, alpha=1.0, delta=[-2.0, -2.0]
    ),
    "a restored checkpoint": lambda variable, path: tf.train.Checkpoint(x=variable).read(
        tf.train.Checkpoint(x=tf.Variable([3.0, 4.0])).write(str(path / "checkpoint"))
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_variable_is_honoured(change: Callable[[tf.Variable, Path], object], tmp_path: Path) -> None:
    variable = tf.Variable([1.0, 2.0])
    weights = Weights(variable)
    inner = tf.function(lambda: double(weights), autograph=False)
    graphs = {
        "eager": lambda: double(weights),
        "graph": inner,
        "graph of a graph": tf.function(lambda: inner() + 0.0, autograph=False),
        "compiled": tf.function(lambda: double(weights), autograph=False, jit_compile=True),
        "branch": tf.function(
            lambda: tf.cond(tf.reduce_any(variable > 0.0), lambda: double(weights), lambda: tf.zeros([2])),
            autograph=False,
        ),
        "loop": tf.function(
            lambda: tf.while_loop(lambda i, _: i < 1, lambda i, _: (i + 1, double(weights)), (0, tf.zeros([2])))[1],
            autograph=False,
        ),
    }
    for _ in range(2):
        assert {name: tuple(graph().numpy()) for name, graph in graphs.items()} == dict.fromkeys(graphs, (2.0, 4.0))
    change(variable, tmp_path)
    for _ in range(2):
        assert {name: tuple(graph().numpy()) for name, graph in graphs.items()} == dict.fromkeys(graphs, (6.0, 8.0))
    assert inner.experimental_get_tracing_count() == 1


def test_unchanged_weights_are_not_cast_again() -> None:
    """Neither between calls of a graph nor by a change of other weights."""
    variable, other = tf.Variable([1.0, 2.0]), tf.Variable([5.0])
    weights = Weights(variable)
    with arithmetic(Arithmetic(tf.bfloat16)):
        low = weights.value()
        graph = tf.function(lambda: tf.cast(weights.value(), tf.float32), autograph=False)
        for _ in range(2):
            graph()
            other.assign_add([1.0])
            assert weights.value() is low
        variable.assign([1.0, 2.0])  # the values, but not the memory, are the same
        assert weights.value() is not low


def test_a_graph_that_runs_does_not_round_weights() -> None:
    weights = Weights(tf.Variable([1.0, 2.0]))
    function = tf.function(lambda: double(weights), autograph=False)
    casts = [op for op in function.get_concrete_function().graph.get_operations() if op.type == "Cast"]
    assert [op.outputs[0].dtype for op in casts] == [tf.float32]  # that of the test itself
    assert function().numpy().tolist() == [2.0, 4.0]


def test_off_the_cpu_a_graph_rounds_the_variable_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a GPU's memory would wait for all that runs on it."""
    variable = tf.Variable([1.0, 2.0])
    monkeypatch.setattr(type(variable), "device", "/job:localhost/replica:0/task:0/device:GPU:0")
    monkeypatch.setattr(Weights, "_round", None)
    weights = Weights(variable)
    graph = tf.function(lambda: double(weights), autograph=False)
    assert double(weights).numpy().tolist() == graph().numpy().tolist() == [2.0, 4.0]
    variable.assign([3.0, 4.0])
    assert double(weights).numpy().tolist() == graph().numpy().tolist() == [6.0, 8.0]


def test_fused_steps_give_the_same() -> None:
    @fusible
    def steps(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        return tf.cast(tf.nn.sigmoid(x) * x + 1.0, dtype)

    x = tf.constant(np.linspace(-5, 5, 100), tf.float32)
    plain = steps(x, tf.float32)
    with arithmetic(Arithmetic(is_fused=True)):
        np.testing.assert_allclose(steps(x, tf.float32), plain, rtol=1e-6)
        assert steps(x, tf.bfloat16).dtype == tf.bfloat16
