"""Enformer's building blocks: the gelu, linear maps and convolutions.

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
