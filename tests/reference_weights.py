"""Deterministic reference weights for an Enformer: each variable is a pure function of its checkpoint key and shape.

The official weights cannot be had on these machines. Freshly initialised Enformers are useless as a numerical test:
the attention's output projection starts at zero, so attention never contributes. These weights make every part of the
network matter: an SNV moves a track's summed prediction by about 0.2%.

key    object path inside the Enformer module as tf.train.Checkpoint names it, e.g. '_trunk/_layers/0/_layers/0/w'
       (in a checkpoint written with tf.train.Checkpoint(module=model) it stands behind 'module/').
shape  the variable's shape.
Returns float32 [shape], or None for the moving averages' '_hidden' and '_counter' state, which inference never reads.
"""

import zlib

import numpy as np


def value(key, shape):
    leaf = key.rsplit("/", 1)[-1]
    if leaf in ("_hidden", "_counter"):
        return None
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    n = rng.standard_normal(shape, dtype=np.float32)
    if key.endswith("_logit_linear/w"):
        return 2 * np.eye(shape[0], dtype=np.float32) + np.float32(0.2 / np.sqrt(shape[0])) * n
    if key.endswith("moving_variance/average"):
        return np.float32(1) + np.float32(0.1) * np.abs(n)
    if leaf == "scale":
        return np.float32(1) + np.float32(0.1) * n
    if leaf == "w":
        fan_in = int(np.prod(shape[:-1]))
        n -= n.reshape(-1, shape[-1]).mean(0)
        return n * np.float32(1.4 / np.sqrt(fan_in))
    return np.float32(0.1) * n  # biases, offsets, moving means, attention's r_w and r_r biases
