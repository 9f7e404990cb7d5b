import math

import numpy as np
import pytest

from enformer_vep.model.positional import position_features


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
