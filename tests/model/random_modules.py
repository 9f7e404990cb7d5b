"""Random inputs and weights for the tests of single modules."""

import numpy as np
import tensorflow as tf

RNG = np.random.default_rng(1)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def randomise(module: tf.Module) -> None:
    for variable in module.variables:
        if variable.dtype == tf.float32:
            variable.assign(np.abs(normal(*variable.shape)) if "variance" in variable.name else normal(*variable.shape))
