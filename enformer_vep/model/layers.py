"""Enformer's building blocks: the gelu, linear maps, convolutions and norms.

Every variable is created when its module is, from sizes that the constructor is given, so that a model can be loaded
without being run. Initial values are passed to TensorFlow as functions: `weights.py` skips them where it will assign.
"""

from collections.abc import Callable

import sonnet as snt
import tensorflow as tf

from enformer_vep.model.arithmetic import Weights, fusible, product_dtype

GELU_SLOPE = 1.702

Initializer = Callable[[list[int], tf.DType], tf.Tensor]


def gelu(x: tf.Tensor) -> tf.Tensor:
    """The sigmoid form of gelu that Enformer was trained with: sigmoid(1.702 x) * x."""
    return tf.nn.sigmoid(GELU_SLOPE * x) * x


@fusible
def add_bias(products: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Products in any precision and a bias: float32."""
    return tf.cast(products, tf.float32) + bias


def create_variable(initializer: Initializer, shape: list[int], name: str) -> tf.Variable:
    """Creates a float32 variable whose initial value is computed only if it is wanted."""
    return tf.Variable(lambda: initializer(shape, tf.float32), shape=shape, dtype=tf.float32, name=name)


class Linear(snt.Module):
    """x * w + b over the last axis."""

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        *,
        with_bias: bool = True,
        w_init: Initializer | None = None,
        name: str | None = None,
    ) -> None:
        """Creates w float32 [num_inputs, num_outputs] and b float32 [num_outputs].

        Without `w_init`, w is drawn from a truncated normal with standard deviation 1/sqrt(num_inputs).
        """
        super().__init__(name=name)
        w_init = w_init or snt.initializers.TruncatedNormal(stddev=num_inputs**-0.5)
        self.w = create_variable(w_init, [num_inputs, num_outputs], "w")
        self.b = create_variable(snt.initializers.Zeros(), [num_outputs], "b") if with_bias else None
        self._weights = Weights(self.w)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps float32 [..., num_inputs] to float32 [..., num_outputs]."""
        y = self.product(x)
        return tf.cast(y, tf.float32) if self.b is None else add_bias(y, self.b)

    def product(self, x: tf.Tensor, outputs: range | None = None) -> tf.Tensor:
        """Returns x * w without the bias, in the precision of products: [..., outputs], all or neighbouring ones."""
        w = self._weights.value()
        w = w if outputs is None else w[:, outputs.start : outputs.stop]
        return tf.tensordot(tf.cast(x, product_dtype()), w, axes=1)


class Conv1D(snt.Module):
    """A convolution along positions: stride 1, with bias. The caller pads."""

    def __init__(self, num_inputs: int, num_outputs: int, width: int, name: str | None = None) -> None:
        """Creates w float32 [width, num_inputs, num_outputs] and b float32 [num_outputs]; width is odd."""
        super().__init__(name=name)
        if width < 1 or width % 2 == 0:
            raise ValueError(f"width must be odd and positive, got {width}")
        self.width = width
        w_init = snt.initializers.TruncatedNormal(stddev=(width * num_inputs) ** -0.5)
        self.w = create_variable(w_init, [width, num_inputs, num_outputs], "w")
        self.b = create_variable(snt.initializers.Zeros(), [num_outputs], "b")
        self._weights = Weights(self.w)

    @property
    def reach(self) -> int:
        """Positions to either side that an output depends on, and zeros that keep the length."""
        return self.width // 2

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps float32 [B, length, num_inputs] to float32 [B, length - 2 reach, num_outputs]."""
        return add_bias(self.product(x), self.b)

    def product(self, x: tf.Tensor) -> tf.Tensor:
        """The convolution without the bias, in the precision of products: [B, length - 2 reach, num_outputs]."""
        return tf.nn.conv1d(tf.cast(x, product_dtype()), self._weights.value(), stride=1, padding="VALID")


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
