import math

import numpy as np
import pytest

from enformer_vep.model import attention
from enformer_vep.model.attention import RelativeAttention, align_distances, position_features

CHANNELS, HEADS, KEY_SIZE = 12, 2, 4
VALUE_SIZE = CHANNELS // HEADS


def make_attention(seed: int = 1) -> RelativeAttention:
    module = RelativeAttention(CHANNELS, HEADS, KEY_SIZE, attention_dropout_rate=0.05, position_dropout_rate=0.01)
    rng = np.random.default_rng(seed)
    for variable in module.variables:  # the output map too, which is zero in a fresh module
        variable.assign(rng.standard_normal(variable.shape) / 2)
    return module


def attention_by_the_formula(module: RelativeAttention, x: np.ndarray) -> np.ndarray:
    """One sequence [T, C] in float64, a loop for each head, query and key."""
    num_positions = len(x)
    x = x.astype(np.float64)
    query, key, value = (x @ linear.w.numpy() for linear in (module.query, module.key, module.value))
    position_key = position_features(num_positions, VALUE_SIZE) @ module.position_key.w.numpy()
    attended = np.zeros((num_positions, HEADS * VALUE_SIZE))
    for h in range(HEADS):
        k, v = slice(h * KEY_SIZE, (h + 1) * KEY_SIZE), slice(h * VALUE_SIZE, (h + 1) * VALUE_SIZE)
        r_w, r_r = module.r_w_bias.numpy()[0, h, 0], module.r_r_bias.numpy()[0, h, 0]
        for i in range(num_positions):
            q = query[i, k] / np.sqrt(KEY_SIZE)
            logits = np.array(
                [
                    (q + r_w) @ key[j, k] + (q + r_r) @ position_key[j - i + num_positions - 1, k]
                    for j in range(num_positions)
                ]
            )
            weights = np.exp(logits - logits.max())
            attended[i, v] = weights / weights.sum() @ value[:, v]
    return attended @ module.output.w.numpy() + module.output.b.numpy()


@pytest.mark.parametrize("query_block", [1, 3, 8, 13, 256])
def test_attention_is_the_formula_whatever_the_block(query_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "QUERY_BLOCK", query_block)
    module = make_attention()
    x = np.random.default_rng(2).standard_normal((2, 13, CHANNELS)).astype(np.float32)
    expected = np.stack([attention_by_the_formula(module, sequence) for sequence in x])
    np.testing.assert_allclose(module(x, is_training=False), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_queries", [1, 2, 5])
def test_align_distances(num_queries: int) -> None:
    num_positions = 5
    num_distances = num_positions + num_queries - 1
    relative = np.arange(2 * 3 * num_queries * num_distances, dtype=np.float32)
    relative = relative.reshape(2, 3, num_queries, num_distances)
    aligned = align_distances(relative, num_positions)
    assert aligned.shape == (2, 3, num_queries, num_positions)
    for a in range(num_queries):
        for j in range(num_positions):
            assert np.array_equal(aligned[:, :, a, j], relative[:, :, a, j + num_queries - 1 - a])


def test_a_fresh_output_map_is_zero() -> None:
    fresh = RelativeAttention(CHANNELS, HEADS, KEY_SIZE, attention_dropout_rate=0, position_dropout_rate=0)
    assert not fresh(np.ones((1, 5, CHANNELS), np.float32), is_training=False).numpy().any()


@pytest.mark.parametrize(("attention_rate", "position_rate"), [(0.5, 0.0), (0.0, 0.5)])
def test_both_dropouts_act_in_training_alone(attention_rate: float, position_rate: float) -> None:
    module = make_attention()
    module.attention_dropout_rate, module.position_dropout_rate = attention_rate, position_rate
    x = np.random.default_rng(2).standard_normal((1, 13, CHANNELS)).astype(np.float32)
    once, twice = module(x, is_training=True), module(x, is_training=True)
    assert not np.allclose(once, twice)
    assert np.array_equal(module(x, is_training=False), module(x, is_training=False))


def test_shape_and_symmetry() -> None:
    features = position_features(16, 12)
    assert features.shape == (31, 12)
    assert features.dtype == np.float32
    symmetric, signed = features[:, :6], features[:, 6:]
    # to float32 rounding, which differs between the lanes of a vector instruction and its scalar remainder
    np.testing.assert_allclose(symmetric, symmetric[::-1], rtol=1e-5)
    assert np.array_equal(signed, symmetric * np.sign(np.arange(-15, 16))[:, None])


def test_exponential_features() -> None:
    features = position_features(16, 12)
    # half-lives 2^3 and 2^log2(16): at |d| = 8 the first has halved once, the second by 2^-0.5
    assert features[15 + 8, 0] == pytest.approx(0.5)
    assert features[15 - 8, 1] == pytest.approx(2**-0.5)
    assert features[15, :2].tolist() == [1, 1]


def test_central_mask_features() -> None:
    features = position_features(16, 12)
    assert features[15:20, 2].tolist() == [1, 0, 0, 0, 0]  # 2^1 - 1 > |d|
    assert features[15:20, 3].tolist() == [1, 1, 1, 0, 0]  # 2^2 - 1 > |d|


def test_gamma_features_peak_at_their_mode_with_value_1() -> None:
    num_positions, num_features = 64, 4
    features = position_features(num_positions, 6 * num_features)
    deviation = num_positions / (2 * num_features)
    for i, mean in enumerate(np.linspace(num_positions / num_features, num_positions, num_features)):
        column = features[num_positions - 1 :, 2 * num_features + i]
        mode = mean - deviation**2 / mean  # (concentration - 1) / rate
        assert column.max() == pytest.approx(1, abs=1e-6)
        assert abs(int(column.argmax()) - min(mode, num_positions - 1)) <= 1
        # the density one deviation above the mode, relative to the peak, from the gamma density in float64
        concentration, rate = (mean / deviation) ** 2, mean / deviation**2
        at = round(mode + deviation)
        if at < num_positions:
            peak = int(column.argmax())
            ratio = math.exp((concentration - 1) * math.log(at / peak) - rate * (at - peak))
            assert column[at] == pytest.approx(ratio, rel=1e-3)


def test_a_number_of_features_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 6, got 10"):
        position_features(16, 10)
