import numpy as np
import pytest

from enformer_vep.model import conv_blocks
from enformer_vep.model.conv_blocks import AttentionPool, ConvBlock, HalvingBlock, MaxPool
from tests.model.random_modules import normal, randomise


def test_conv_block_is_norm_then_gelu_then_convolution() -> None:
    block = ConvBlock(3, 2, 5)
    randomise(block)
    x = normal(2, 9, 3)
    mean, variance = block.norm.moving_mean.value.numpy(), block.norm.moving_variance.value.numpy()
    normed = (x - mean) / np.sqrt(variance + 1e-5) * block.norm.scale.numpy() + block.norm.offset.numpy()
    padded = np.pad(normed / (1 + np.exp(-1.702 * normed)), [(0, 0), (2, 2), (0, 0)])
    expected = sum(padded[:, i : i + 9] @ block.convolution.w.numpy()[i] for i in range(5)) + block.convolution.b
    np.testing.assert_allclose(block(x, is_training=False), expected, rtol=2e-5, atol=2e-5)


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
    monkeypatch.setattr(conv_blocks, "SEGMENT_ELEMENTS", segment_elements)
    assert whole.shape == (2, 32, 8)
    np.testing.assert_allclose(block(x, is_training=False), whole, rtol=1e-5, atol=1e-5)


def test_an_odd_length_is_refused() -> None:
    with pytest.raises(ValueError, match="got 5"):
        HalvingBlock(4, 8, 5, "max")(normal(1, 5, 4), is_training=False)
