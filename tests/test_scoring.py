from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from enformer_vep.scoring import FLOAT32_NOISE, STATISTICS, parse_statistics, rounding_noise, score


def bin_sums(prediction: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(total=prediction.sum(0), log2_total=np.log2(1 + prediction).sum(0))


def test_statistics_by_hand() -> None:
    # one track, two bins
    reference, alternate = bin_sums(np.array([[1.0], [3.0]])), bin_sums(np.array([[3.0], [7.0]]))
    assert STATISTICS["SAD"](reference, alternate) == [6.0]  # (3 - 1) + (7 - 3)
    assert STATISTICS["SAR"](reference, alternate) == [2.0]  # log2(4/2) + log2(8/4)
    assert STATISTICS["SADR"](reference, alternate) == [np.log2(11) - np.log2(5)]  # 1 + 10, 1 + 4


def test_score_puts_statistics_outermost_as_float32() -> None:
    reference, alternate = bin_sums(np.zeros((2, 3))), bin_sums(np.arange(6.0).reshape(2, 3))
    scores = score(reference, alternate, ("SADR", "SAD"))
    assert scores.dtype == np.float32
    assert scores[3:].tolist() == [3, 5, 7]
    assert scores[:3] == pytest.approx(np.log2([4, 6, 8]))


@given(hnp.arrays(np.float64, (4, 3), elements=st.floats(0, 1e6)))
def test_equal_alleles_score_zero(prediction: np.ndarray) -> None:
    assert not score(bin_sums(prediction), bin_sums(prediction), tuple(STATISTICS)).any()


@given(*[hnp.arrays(np.float64, (4, 3), elements=st.floats(0, 1e6))] * 2)
def test_swapped_alleles_change_the_sign(first: np.ndarray, second: np.ndarray) -> None:
    forth = score(bin_sums(first), bin_sums(second), tuple(STATISTICS))
    back = score(bin_sums(second), bin_sums(first), tuple(STATISTICS))
    assert np.array_equal(forth, -back)


@pytest.mark.parametrize(
    ("text", "expected"), [("SAD", ("SAD",)), ("sar, SAD", ("SAR", "SAD")), ("SAD,SAD", ("SAD",)), ("SADR,", ("SADR",))]
)
def test_parse_statistics(text: str, expected: tuple[str, ...]) -> None:
    assert parse_statistics(text) == expected


@pytest.mark.parametrize("text", ["", ",", "SAD,LFC", "SAD SAR"])
def test_unknown_statistics_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected one or more of SAD,SAR,SADR"):
        parse_statistics(text)


def test_rounding_noise_is_in_proportion_to_the_tracks_total() -> None:
    reference = SimpleNamespace(total=np.array([1.0, 999.0]), log2_total=np.array([1.0, 9.0]))
    sad, sar, sadr = np.split(rounding_noise(reference, ["SAD", "SAR", "SADR"]), 3)
    np.testing.assert_allclose(sad, FLOAT32_NOISE * np.array([1, 999]))
    # log2(1 + x) grows by dx / (1 + x) / ln 2: by bin at most dx / ln 2, of the total 999 by a thousandth of that.
    np.testing.assert_allclose(sar, sad / np.log(2))
    np.testing.assert_allclose(sadr, sad / np.log(2) / np.array([2, 1000]))
