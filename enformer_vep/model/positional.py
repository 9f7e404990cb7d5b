"""Relative position features of Enformer's attention (Avsec et al. 2021, Methods).

The published weights were trained with float32 features whose rounding is visible: the gamma density's terms reach
30,000 before they cancel. So these are computed by TensorFlow, on the CPU, in float32 and in the original's order.
"""

import math

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from enformer_vep.model.config import NUM_POSITION_CLASSES

MIN_HALF_LIFE_LOG2 = 3.0
GAMMA_PSEUDO_DENSITY = 1e-8


def position_features(num_positions: int, num_features: int) -> npt.NDArray[np.float32]:
    """Returns the features f(d) of every distance d between two of `num_positions` positions.

    Args:
      num_positions: T, tower bins of a window.
      num_features: V, a multiple of 6.

    Returns:
      float32 [2T - 1, V]; row i is the distance d = i - (T - 1), key position minus query position. The columns are
      exponential, central mask and gamma features of |d|, V/6 each, then the same times the sign of d.

    Raises:
      ValueError: V is not a multiple of 6.
    """
    if num_features % NUM_POSITION_CLASSES:
        raise ValueError(f"num_features must be a multiple of {NUM_POSITION_CLASSES}, got {num_features}")
    num_per_class = num_features // NUM_POSITION_CLASSES
    with tf.init_scope(), tf.device("/CPU:0"):
        distance = tf.range(-num_positions + 1, num_positions, dtype=tf.float32)  # [2T - 1]
        magnitude = tf.abs(distance)[:, tf.newaxis]
        symmetric = tf.concat(
            [
                _exponential(magnitude, num_per_class, num_positions),
                _central_mask(magnitude, num_per_class),
                _gamma(magnitude, num_per_class, num_positions),
            ],
            axis=-1,
        )
        features = tf.concat([symmetric, tf.sign(distance)[:, tf.newaxis] * symmetric], axis=-1)
        return np.asarray(features.numpy(), dtype=np.float32)


def _exponential(magnitude: tf.Tensor, num_features: int, num_positions: int) -> tf.Tensor:
    """exp(-ln 2 * |d| / h) with half-lives h spread geometrically from 8 to T bins."""
    half_life = tf.pow(2.0, tf.linspace(MIN_HALF_LIFE_LOG2, math.log(num_positions) / math.log(2.0), num_features))
    return tf.exp(-math.log(2.0) / tf.cast(half_life, tf.float32) * magnitude)


def _central_mask(magnitude: tf.Tensor, num_features: int) -> tf.Tensor:
    """1 where 2^m - 1 > |d|, m = 1 ... num_features, else 0."""
    radius = tf.pow(2.0, tf.range(1, num_features + 1, dtype=tf.float32)) - 1
    return tf.cast(radius > magnitude, tf.float32)


def _gamma(magnitude: tf.Tensor, num_features: int, num_positions: int) -> tf.Tensor:
    """The gamma density at |d|, with means spread to T and one standard deviation, scaled to a largest value of 1."""
    deviation = num_positions / (2 * num_features)
    mean = tf.cast(tf.linspace(num_positions / num_features, float(num_positions), num_features), tf.float32)
    concentration = (mean / deviation) ** 2
    rate = mean / deviation**2
    log_unnormalised = tf.math.xlogy(concentration - 1.0, magnitude) - rate * magnitude
    log_normaliser = tf.math.lgamma(concentration) - concentration * tf.math.log(rate)
    density = tf.exp(log_unnormalised - log_normaliser) + GAMMA_PSEUDO_DENSITY
    return density / tf.reduce_max(density, axis=0, keepdims=True)
