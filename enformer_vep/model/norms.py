"""Batch norm, which the convolutions have before them, and layer norm, which the transformer has."""

import sonnet as snt
import tensorflow as tf

from enformer_vep.model.layers import create_variable

EPS = 1e-5
"""Added to the variance in every norm."""

MOVING_AVERAGE_DECAY = 0.9


class BatchNorm(snt.Module):
    """Batch norm over batch and positions, with scale, offset and moving averages.

    In training the statistics are those of the batch across all replicas, and the moving averages follow them,
    debiased by 1 - 0.9^n. At inference the moving averages are used.
    """

    def __init__(self, num_channels: int, name: str | None = None) -> None:
        """Creates scale and offset float32 [num_channels], and averages float32 [1, 1, num_channels]."""
        super().__init__(name=name)
        self.scale = create_variable(snt.initializers.Ones(), [num_channels], "scale")
        self.offset = create_variable(snt.initializers.Zeros(), [num_channels], "offset")
        self.moving_mean = snt.ExponentialMovingAverage(MOVING_AVERAGE_DECAY, name="moving_mean")
        self.moving_variance = snt.ExponentialMovingAverage(MOVING_AVERAGE_DECAY, name="moving_variance")
        for average in (self.moving_mean, self.moving_variance):
            average.initialize(tf.zeros([1, 1, num_channels]))

    def __call__(self, x: tf.Tensor, *, is_training: bool) -> tf.Tensor:
        """Normalises float32 [B, length, num_channels].

        Raises:
          TypeError: training in cross-replica context, where there is no batch to take statistics of.
        """
        factor, shift = self.affine(x, is_training=is_training)
        return x * factor + shift

    def affine(self, x: tf.Tensor, *, is_training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """The factor and the shift, float32 [1, 1, num_channels] each, that normalise x as `__call__` does."""
        if is_training:
            mean, variance = self._batch_statistics(x)
            self.moving_mean.update(mean)
            self.moving_variance.update(variance)
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        factor = tf.math.rsqrt(variance + EPS) * self.scale
        return factor, self.offset - mean * factor

    def _batch_statistics(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        replicas = tf.distribute.get_replica_context()
        if replicas is None:
            raise TypeError("batch norm can only train in replica context, but was called in cross-replica context")
        mean = replicas.all_reduce("MEAN", tf.reduce_mean(x, axis=[0, 1], keepdims=True))
        mean_of_squares = replicas.all_reduce("MEAN", tf.reduce_mean(tf.square(x), axis=[0, 1], keepdims=True))
        return mean, mean_of_squares - tf.square(mean)


class LayerNorm(snt.Module):
    """Layer norm over the last axis, with scale and offset."""

    def __init__(self, num_channels: int, name: str | None = None) -> None:
        """Creates scale and offset float32 [num_channels]."""
        super().__init__(name=name)
        self.scale = create_variable(snt.initializers.Ones(), [num_channels], "scale")
        self.offset = create_variable(snt.initializers.Zeros(), [num_channels], "offset")

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Normalises float32 [..., num_channels]."""
        mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, self.offset, self.scale, EPS)
