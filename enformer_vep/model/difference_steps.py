"""The elementwise steps of a difference's way through the model, each fused to one loop where the arithmetic says so.

With x the reference's value and d its change, no step subtracts two numbers of the reference's size:

- layer norm, with centred x and d, r = 1/sqrt(var(x) + eps) and r' that of x + d:
  d r' - x (r r')^2 / (r + r') * mean(2 x d + d^2).
- gelu x s(1.702 x): d s' + x s (1 - s') expm1(1.702 d), with s and s' the sigmoid before and after.
- logits: dl = dq (k + dk) + (q + r_w) dk + dq R. Softmax weights p and attended o = p v: with e = p expm1(dl) and
  s its sum over keys, do = (e (v + dv) + p dv - s o) / (1 + s), for any common offset of v and o.
- softplus: log1p(sigmoid(u) expm1(du)).
"""

import tensorflow as tf

from enformer_vep.model.arithmetic import fusible
from enformer_vep.model.attention import align_distances
from enformer_vep.model.layers import EPS, GELU_SLOPE


@fusible
def add(x: tf.Tensor, products: tf.Tensor) -> tf.Tensor:
    """Adds products of any precision to float32 x."""
    return x + tf.cast(products, tf.float32)


@fusible
def changed(x: tf.Tensor, d: tf.Tensor) -> tf.Tensor:
    """Returns x + d in x's precision, added in float32."""
    return tf.cast(tf.cast(x, tf.float32) + tf.cast(d, tf.float32), x.dtype)


@fusible
def total(e: tf.Tensor) -> tf.Tensor:
    """The sum over the last axis, which is kept: float32."""
    return tf.reduce_sum(tf.cast(e, tf.float32), axis=-1, keepdims=True)


@fusible
def layer_norm_difference(x: tf.Tensor, d: tf.Tensor, scale: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """layer_norm(x + d) - layer_norm(x) of [..., C], as the factor of a product."""
    x = tf.cast(x, tf.float32)
    x -= tf.reduce_mean(x, axis=-1, keepdims=True)
    d -= tf.reduce_mean(d, axis=-1, keepdims=True)
    variance = tf.reduce_mean(x * x, axis=-1, keepdims=True)
    change = tf.reduce_mean((2.0 * x + d) * d, axis=-1, keepdims=True)  # of the variance
    before, after = tf.math.rsqrt(variance + EPS), tf.math.rsqrt(variance + change + EPS)
    return tf.cast((d * after - x * (tf.square(before * after) / (before + after) * change)) * scale, dtype)


@fusible
def relu_difference(x: tf.Tensor, d: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """relu(x + d) - relu(x), as the factor of a product."""
    x, d = tf.cast(x, tf.float32), tf.cast(d, tf.float32)
    return tf.cast(tf.where((x > 0) & (x + d > 0), d, tf.nn.relu(x + d) - tf.nn.relu(x)), dtype)


@fusible
def gelu_difference(x: tf.Tensor, d: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """gelu(x + d) - gelu(x), as the factor of a product."""
    d = tf.cast(d, tf.float32)
    before, after = tf.nn.sigmoid(GELU_SLOPE * x), tf.nn.sigmoid(GELU_SLOPE * (x + d))
    return tf.cast(d * after + x * before * (1.0 - after) * tf.math.expm1(GELU_SLOPE * d), dtype)


@fusible
def softplus_difference(x: tf.Tensor, d: tf.Tensor) -> tf.Tensor:
    """softplus(x + d) - softplus(x): float32."""
    return tf.math.log1p(tf.nn.sigmoid(x) * tf.math.expm1(tf.cast(d, tf.float32)))


@fusible
def weight_change(weights: tf.Tensor, content: tf.Tensor, relative: tf.Tensor | None = None) -> tf.Tensor:
    """Returns p expm1(dl), in the precision of the parts of dl.

    Args:
      weights: p, [B, H, Q, T].
      content: the part of dl that is by key, [B, H, Q, T].
      relative: the part that is by distance, [B, H, Q, T + Q - 1]; None if there is none.
    """
    logits = tf.cast(content, tf.float32)
    if relative is not None:
        logits += align_distances(tf.cast(relative, tf.float32), content.shape[3])
    return tf.cast(tf.cast(weights, tf.float32) * tf.math.expm1(logits), content.dtype)


@fusible
def attended_difference(of_change: tf.Tensor, of_values: tf.Tensor, s: tf.Tensor, attended: tf.Tensor) -> tf.Tensor:
    """(e (v + dv) + p dv - s o) / (1 + s): float32 [B, H, Q, V]."""
    products = tf.cast(of_change, tf.float32) + tf.cast(of_values, tf.float32)
    return (products - s * tf.cast(attended, tf.float32)) / (1.0 + s)
