import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model import layers
from enformer_vep.model.layers import (
    AttentionPool,
    BatchNorm,
    Conv1D,
    ConvBlock,
    HalvingBlock,
    LayerNorm,
    MaxPool,
    gelu,
)

RNG = np.random.default_rng(1)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def randomise(module: tf.Module) -> None:
    for variable in module.variables:
        if variable.dtype == tf.float32:
            variable.assign(np.abs(normal(*variable.shape)) if "variance" in variable.name else normal(*variable.shape))


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


def test_conv_block_is_norm_then_gelu_then_convolution() -> None:
    block = ConvBlock(3, 2, 5)
    randomise(block)
    x = normal(2, 9, 3)
    mean, variance = block.norm.moving_mean.value.numpy(), block.norm.moving_variance.value.numpy()
    normed = (x - mean) / np.sqrt(variance + 1e-5) * block.norm.scale.numpy() + block.norm.offset.numpy()
    padded = np.pad(normed / (1 + np.exp(-1.702 * normed)), [(0, 0), (2, 2), (0, 0)])
    expected = sum(padded[:, i : i + 9] @ block.convolution.w.numpy()[i] for i in range(5)) + block.convolution.b
    np.testing.assert_allclose(block(x, is_training=False), expected, rtol=2e-5, atol=2e-5)


def test_layer_norm() -> None:
    norm = LayerNorm(6)
    randomise(norm)
    x = normal(2, 3, 6)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(norm(x), expected * norm.scale + norm.offset, rtol=1e-5, atol=1e-5)


def test_attention_pool_weighs_each_pair_by_softmax() -> None:
    pool = AttentionPool(4)
    pool.logit_linear.w.assign(normal(4, 4))
    x = normal(2, 6, 4)
    pairs = x.reshape(2, 3, 2, 4)
    logits = np.exp(pairs @ pool.logit_linear.w.numpy())
    expected = (pairs * logits / logits.sum(2, keepdims=True)).sum(2)
    np.testing.assert_allclose(pool(x), expected, rtol=1e-5, atol=1e-5)


def test_attention_pool_begins_as_twice_the_identity() -> None:
    assert np.array_equal(AttentionPool(3).logit_linear.w.numpy(), 2 * np.eye(3))


def test_max_pool() -> None:
    x = np.array([1, 5, 7, 2], np.float32).reshape(1, 4, 1)
    assert MaxPool()(x).numpy().ravel().tolist() == [5, 7]


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


@pytest.mark.parametrize("is_stem", [True, False])
@pytest.mark.parametrize("pooling_type", ["attention", "max"])
@pytest.mark.parametrize("segment_elements", [8 * 6, 8 * 10, 8 * 33])
def test_segments_give_what_the_whole_gives(
    is_stem: bool, pooling_type: str, segment_elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = HalvingBlock(4, 8, 5, pooling_type, is_stem=is_stem)
    randomise(block)
    x = normal(2, 64, 4)
    whole = block(x, is_training=False)
    monkeypatch.setattr(layers, "SEGMENT_ELEMENTS", segment_elements)
    assert whole.shape == (2, 32, 8)
    np.testing.assert_allclose(block(x, is_training=False), whole, rtol=1e-5, atol=1e-5)


def test_an_odd_length_is_refused() -> None:
    with pytest.raises(ValueError, match="got 5"):
        HalvingBlock(4, 8, 5, "max")(normal(1, 5, 4), is_training=False)
