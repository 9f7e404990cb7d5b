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


def test_fused_steps_give_the_same() -> None:
    @fusible
    def steps(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        return tf.cast(tf.nn.sigmoid(x) * x + 1.0, dtype)

    x = tf.constant(np.linspace(-5, 5, 100), tf.float32)
    plain = steps(x, tf.float32)
    with arithmetic(Arithmetic(is_fused=True)):
        np.testing.assert_allclose(steps(x, tf.float32), plain, rtol=1e-6)
        assert steps(x, tf.bfloat16).dtype == tf.bfloat16
