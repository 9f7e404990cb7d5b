"""Elementwise differences, against float64."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model.difference_steps import (
    gelu_difference,
    layer_norm_difference,
    relu_difference,
    softplus_difference,
)
from enformer_vep.model.layers import EPS, gelu

RNG = np.random.default_rng(2)


def exact(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, d: np.ndarray) -> np.ndarray:
    x, d = x.astype(np.float64), d.astype(np.float64)
    return function(x + d) - function(x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def layer_norm(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + EPS)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-7])
@pytest.mark.parametrize(
    ("found", "function"),
    [
        (lambda x, d: relu_difference(x, d, tf.float32), lambda x: np.maximum(x, 0)),
        (lambda x, d: gelu_difference(x, d, tf.float32), lambda x: x * sigmoid(1.702 * x)),
        (softplus_difference, lambda x: np.log1p(np.exp(x))),
        (lambda x, d: layer_norm_difference(x, d, tf.ones([50]), tf.float32), layer_norm),
    ],
    ids=["relu", "gelu", "softplus", "layer norm"],
)
def test_differences_are_exact_however_small(
    found: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], function: Callable[[np.ndarray], np.ndarray], scale: float
) -> None:
    """Of a change of 1e-7, float32 would have nothing left if two values were subtracted."""
    x = RNG.standard_normal((40, 50)).astype(np.float32) * 2
    d = (RNG.standard_normal((40, 50)) * scale).astype(np.float32)
    expected = exact(function, x, d)
    np.testing.assert_allclose(found(tf.constant(x), tf.constant(d)), expected, rtol=1e-4, atol=2e-6 * scale)


def test_the_gelu_is_the_models() -> None:
    x = tf.constant(RNG.standard_normal(100), tf.float32)
    np.testing.assert_allclose(gelu_difference(x, tf.ones(100), tf.float32), gelu(x + 1) - gelu(x), atol=1e-5)
