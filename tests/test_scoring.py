"""How statistics are named, finished, and how far rounding can take them."""

import numpy as np
import pytest

from enformer_vep.scoring import (
    FLOAT32_NOISE,
    STATISTICS,
    Statistic,
    finish,
    needed_reductions,
    parse_statistics,
)


def names_of(statistics: tuple[Statistic, ...]) -> list[str]:
    return [statistic.name for statistic in statistics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SAD", ["SAD"]),
        ("sar, SAD", ["SAR", "SAD"]),
        ("SAD,SAD", ["SAD"]),
        ("SADR,", ["SADR"]),
        ("sqrtsad,LOGJS", ["sqrtSAD", "logJS"]),
        ("SUM,DIFF_SUM,SAD", ["SAD"]),
        ("logSAD", ["SAR"]),
        ("logsum", ["SAR"]),
        ("DIFF_SUM_LOG2", ["SAR"]),
        ("logSED", ["SADR"]),
        ("DIFF_LOG2_SUM", ["SADR"]),
        ("sqrtSUM", ["sqrtSAD"]),
        ("L2_DIFF,L2", ["D2", "logD2"]),
    ],
)
def test_statistics_have_names_and_aliases(text: str, expected: list[str]) -> None:
    assert names_of(parse_statistics(text)) == expected


def test_every_statistic_can_be_asked_for() -> None:
    assert names_of(parse_statistics(",".join(STATISTICS))) == list(STATISTICS)
    assert " ".join(STATISTICS) == "SAD SAR SADR sqrtSAD SAX SAXR D1 logD1 D2 logD2 JS logJS REF ALT"


def test_no_name_means_two_statistics() -> None:
    names = [name.lower() for one in STATISTICS.values() for name in (one.name, *one.aliases)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("text", ["", ",", "SAD,LFC", "SAD SAR"])
def test_unknown_statistics_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected one or more of SAD,SAR,SADR"):
        parse_statistics(text)


def test_a_mistyped_statistic_is_suggested() -> None:
    with pytest.raises(ValueError, match=r"unknown statistic sqrtSAT: .*; did you mean sqrtSAD\?"):
        parse_statistics("sqrtSAT")


@pytest.mark.parametrize(
    ("text", "difference"),
    [("L2_DIFF_LOG1P", "ln 2 times logD2"), ("diff_mean", "SAD divided by"), ("SAD,JSD", "half of Jeffreys'")],
)
def test_what_is_only_nearly_the_same_is_refused_with_the_difference(text: str, difference: str) -> None:
    with pytest.raises(ValueError, match=difference):
        parse_statistics(text)


def test_reductions_are_shared() -> None:
    assert needed_reductions(parse_statistics("SAD,ALT,SADR,REF")) == ("difference", "reference")
    assert needed_reductions(parse_statistics("SAX")) == ("largest_difference",)


def test_finish_names_the_scores_in_order() -> None:
    reduced = {
        "reference": np.array([[4.0, 0.0]]),
        "difference": np.array([[6.0, 1.0]]),
        "squared_difference": np.array([[20.0, 1.0]]),
    }
    scores = finish(reduced, parse_statistics("SADR,D2,ALT"))
    assert list(scores) == ["SADR", "D2", "ALT"]
    np.testing.assert_allclose(scores["SADR"], [[np.log2(11 / 5), 1]])  # (1 + 10) / (1 + 4); (1 + 1) / (1 + 0)
    np.testing.assert_allclose(scores["D2"], [[np.sqrt(20), 1]])
    np.testing.assert_allclose(scores["ALT"], [[10, 1]])


def test_a_tiny_difference_is_not_lost_in_a_large_sum() -> None:
    reduced = {"reference": np.array([[1e6]]), "difference": np.array([[1e-12]])}
    # 1e-12 / (1 + 1e6) / ln 2; the difference of two logarithms would be 0.
    np.testing.assert_allclose(finish(reduced, parse_statistics("SADR"))["SADR"], [[1e-18 / np.log(2)]], rtol=1e-5)


# Rounding, simulated: the reference with an error of FLOAT32_NOISE in every bin, in the direction that counts most, and
# what the score becomes when the effect itself is nothing, small, or large.


def direct(name: str, r: np.ndarray, a: np.ndarray) -> np.ndarray:
    """A statistic of r and a, float64 [bins, tracks], as docs/statistics.md writes it."""
    l_r, l_a = np.log2(1 + r), np.log2(1 + a)
    largest = np.argmax(np.abs(a - r), 0)[None]
    largest_log = np.argmax(np.abs(l_a - l_r), 0)[None]

    def divergence(r: np.ndarray, a: np.ndarray) -> np.ndarray:
        p = np.percentile(r, 25, axis=0)
        r, a = (r + p) / (r + p).sum(0), (a + p) / (a + p).sum(0)
        return np.asarray(((r * np.log(r / a)).sum(0) + (a * np.log(a / r)).sum(0)) / 2)

    formulas = {
        "SAD": lambda: (a - r).sum(0),
        "SAR": lambda: (l_a - l_r).sum(0),
        "SADR": lambda: np.log2(1 + a.sum(0)) - np.log2(1 + r.sum(0)),
        "sqrtSAD": lambda: (np.sqrt(a) - np.sqrt(r)).sum(0),
        "SAX": lambda: np.take_along_axis(a - r, largest, 0)[0],
        "SAXR": lambda: np.take_along_axis(l_a - l_r, largest_log, 0)[0],
        "D1": lambda: np.abs(a - r).sum(0),
        "logD1": lambda: np.abs(l_a - l_r).sum(0),
        "D2": lambda: np.sqrt(((a - r) ** 2).sum(0)),
        "logD2": lambda: np.sqrt(((l_a - l_r) ** 2).sum(0)),
        "JS": lambda: divergence(r, a),
        "logJS": lambda: divergence(l_r, l_a),
        "REF": lambda: r.sum(0),
        "ALT": lambda: a.sum(0),
    }
    return np.asarray(formulas[name]())


@pytest.mark.parametrize("effect", [0.0, 1e-6, 0.3])
@pytest.mark.parametrize("name", STATISTICS)
def test_noise_bounds_what_rounding_can_do(name: str, effect: float) -> None:
    generator = np.random.default_rng(5)
    r = np.exp(generator.normal(-1, 3, (200, 50)))
    a = r.copy()
    a[:20] *= 1 + effect  # the same everywhere, so that no other bin becomes the largest through rounding
    a[0] += effect * r.sum(0)
    true = direct(name, r, a)
    for signs in (np.ones_like(r), generator.choice([-1.0, 1.0], r.shape)):
        error = np.abs(direct(name, r, a + FLOAT32_NOISE * signs * r) - true)
        if name == "REF":
            error = np.abs(direct(name, r + FLOAT32_NOISE * signs * r, a) - true)
        bound = STATISTICS[name].noise(r.sum(0), true)
        assert (error <= 1.001 * bound + 1e-13 * np.abs(true)).all()
        assert (bound < 1e-4 * r.sum(0)).all()


def test_noise_by_hand() -> None:
    total, found = np.array([999.0]), np.array([0.02])

    def noise(name: str) -> float:
        return float(STATISTICS[name].noise(total, found)[0] / FLOAT32_NOISE)

    assert noise("SAD") == pytest.approx(999)
    assert noise("SAR") == pytest.approx(999 / np.log(2))
    assert noise("SADR") == pytest.approx(0.999 / np.log(2))  # of the total, 1 + 999
    assert noise("sqrtSAD") == pytest.approx(np.sqrt(896 * 999) / 2)  # 896 bins of 999 / 896 each
    assert noise("JS") == pytest.approx(0.2, rel=1e-5)  # sqrt(2 * 0.02)
