import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model.layers import Conv1D, gelu


def test_gelu_is_the_sigmoid_form() -> None:
    # 1 / (1 + exp(-1.702)) = 0.8458; the erf form would give 0.8413
    assert gelu(tf.constant(1.0)).numpy() == pytest.approx(0.845795, abs=1e-6)


def test_convolution_by_hand() -> None:
    convolution = Conv1D(1, 1, 3)
    convolution.w.assign(np.array([1, 10, 100], np.float32).reshape(3, 1, 1))
    convolution.b.assign([0.5])
    x = np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1)
    assert convolution(x).numpy().ravel().tolist() == [321.5, 432.5]


def test_an_even_width_is_refused() -> None:
    with pytest.raises(ValueError, match="got 4"):
        Conv1D(1, 1, 4)
