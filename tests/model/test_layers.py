import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model.layers import BatchNorm, Conv1D, LayerNorm, gelu
from tests.model.random_modules import normal, randomise


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


def test_layer_norm() -> None:
    norm = LayerNorm(6)
    randomise(norm)
    x = normal(2, 3, 6)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(norm(x), expected * norm.scale + norm.offset, rtol=1e-5, atol=1e-5)


def test_batch_norm_trains_on_the_batch_and_debiases_its_averages() -> None:
    norm = BatchNorm(3)
    first, second = normal(4, 5, 3), 3 + 2 * normal(4, 5, 3)
    expected = (first - first.mean((0, 1))) / np.sqrt(first.var((0, 1)) + 1e-5)
    np.testing.assert_allclose(norm(first, is_training=True), expected, rtol=1e-4, atol=1e-5)
    # After one step the debiased average is the batch's own statistic.
    np.testing.assert_allclose(norm.moving_mean.value.numpy().ravel(), first.mean((0, 1)), rtol=1e-5)
    norm(second, is_training=True)
    # hidden = 0.9 * 0.1 * m1 + 0.1 * m2, divided by 1 - 0.9^2 = 0.19
    mean = (0.09 * first.mean((0, 1)) + 0.1 * second.mean((0, 1))) / 0.19
    variance = (0.09 * first.var((0, 1)) + 0.1 * second.var((0, 1))) / 0.19
    np.testing.assert_allclose(norm.moving_mean.value.numpy().ravel(), mean, rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.value.numpy().ravel(), variance, rtol=1e-4)
    at_inference = norm(first, is_training=False)
    np.testing.assert_allclose(at_inference, (first - mean) / np.sqrt(variance + 1e-5), rtol=1e-3, atol=1e-4)


def test_inference_leaves_the_moving_averages_alone() -> None:
    norm = BatchNorm(3)
    norm(normal(4, 5, 3), is_training=False)
    assert not norm.moving_mean.value.numpy().any()


@pytest.mark.full
def test_batch_norm_sums_over_replicas() -> None:
    """In a process of its own: the number of devices is fixed when TensorFlow starts."""
    script = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from enformer_vep.model.layers import BatchNorm
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    norm = BatchNorm(1)
x = np.arange(8, dtype=np.float32).reshape(2, 4, 1)
parts = strategy.experimental_distribute_values_from_function(lambda context: x[context.replica_id_in_sync_group][None])
out = strategy.run(tf.function(lambda part: norm(part, is_training=True)), args=(parts,))
out = np.concatenate([value.numpy().ravel() for value in strategy.experimental_local_results(out)])
np.testing.assert_allclose(out, (x.ravel() - 3.5) / np.sqrt(5.25 + 1e-5), rtol=1e-4, atol=1e-5)
np.testing.assert_allclose(norm.moving_mean.value.numpy().ravel(), [3.5], rtol=1e-6)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
