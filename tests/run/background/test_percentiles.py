"""Percentiles against NumPy: uniform, exact in the tails, with ties that are drawn alike everywhere."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.io.tables.background_file import BackgroundFile, BackgroundWriter, TrackKey
from enformer_vep.run.background.distribution import NUM_TAIL, distribution_of_sorted
from enformer_vep.run.background.percentiles import Percentiles
from tests.score_tables import alleles, random_scores


def percentiles_of(folder: Path, scores: np.ndarray, rows: list[int] | None = None, **more: float) -> Percentiles:
    """Makes a background of scores, float32 [alleles, columns], and reads some rows of it."""
    path = folder / "background.parquet"
    with path.open("wb") as stream, BackgroundWriter(stream, {}) as writer:
        found = [distribution_of_sorted(np.sort(column)) for column in scores.T]
        writer.add([(TrackKey("SAD", f"T{i}", ""), each) for i, each in enumerate(found)])
    file = BackgroundFile(str(path))
    return Percentiles(file, rows or list(range(scores.shape[1])), **more)


def signed(below: float, equal: float, num: int) -> np.ndarray:
    """The lowest and the highest percentile of a score that has so many below it and so many equal to it."""
    return 2 * (np.array([below, below + equal]) + 0.5) / (num + 1) - 1


def largest_gap(percentiles: np.ndarray) -> float:
    """The Kolmogorov-Smirnov distance from the uniform distribution on (-1, 1)."""
    found = (np.sort(percentiles) + 1) / 2
    steps = np.arange(len(found) + 1) / len(found)
    return max(np.abs(found - steps[1:]).max(), np.abs(found - steps[:-1]).max())


@pytest.mark.parametrize("num", [2_000, 50_000])
def test_percentiles_of_further_scores_are_uniform(num: int, tmp_path: Path) -> None:
    # A tenth of the scores are 0; their ties must be spread evenly.
    percentiles = percentiles_of(tmp_path, random_scores(num, 3))
    found = percentiles(alleles(5_000), random_scores(5_000, 3, seed=2))
    for column in found.T:
        # Both samples are random: at 1%, the distance is 1.63 sqrt(1 / n + 1 / m).
        assert largest_gap(column) < 1.63 * np.sqrt(1 / num + 1 / 5_000)
        assert np.abs(column).max() < 1


def test_the_tails_are_exact(tmp_path: Path) -> None:
    background = random_scores(60_000, 2)
    found = percentiles_of(tmp_path, background)
    ordered = np.sort(background, axis=0)
    for column in (0, 1):
        values = ordered[:, column]
        for tail in (values[: NUM_TAIL - 1], values[-NUM_TAIL + 1 :]):
            # Between neighbours, and on them.
            asked = np.concatenate([(tail[1:] + tail[:-1]) / 2, tail]).astype(np.float32)
            scores = np.repeat(asked[:, None], 2, axis=1)
            percentiles = found(alleles(len(asked)), scores)[:, column]
            low = np.searchsorted(values, asked, side="left")
            high = np.searchsorted(values, asked, side="right")
            for percentile, below, equal in zip(percentiles, low, high - low, strict=True):
                first, last = signed(below, equal, 60_000)
                assert first - 1e-7 <= percentile <= last + 1e-7


def test_by_hand(tmp_path: Path) -> None:
    percentiles = percentiles_of(tmp_path, np.float32([[1], [2], [2], [4]]))
    asked = np.float32([[0.5], [1.5], [3], [9], [np.inf], [-np.inf]])
    # 0, 1, 3, 4, 4 and 0 of 4 lie below: p = 0.5 / 5, 1.5 / 5, 3.5 / 5, 4.5 / 5 ...
    assert percentiles(alleles(6), asked)[:, 0] == pytest.approx([-0.8, -0.4, 0.4, 0.8, 0.8, -0.8])
    ties = percentiles(alleles(300), np.full((300, 1), 2, np.float32))[:, 0]
    # One lies below and two are equal: p from 1.5 / 5 to 3.5 / 5.
    assert -0.4 <= ties.min() < -0.38
    assert 0.38 < ties.max() <= 0.4
    assert abs(ties.mean()) < 0.05


def test_between_kept_points_ranks_are_interpolated(tmp_path: Path) -> None:
    background = np.sort(np.random.default_rng(3).normal(size=100_000).astype(np.float32))
    percentiles = percentiles_of(tmp_path, background[:, None])
    asked = np.random.default_rng(4).normal(size=1000).astype(np.float32)
    exact = 2 * (np.searchsorted(background, asked) + 0.5) / 100_001 - 1
    # Kept points are 12 ranks apart.
    assert np.abs(percentiles(alleles(1000), asked[:, None])[:, 0] - exact).max() < 2 * 12 / 100_000


@settings(max_examples=60)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20), st.lists(st.integers(-4, 4), min_size=1, max_size=8))
def test_a_larger_score_never_has_a_lower_percentile(
    tmp_path_factory: pytest.TempPathFactory, background: list[int], asked: list[int]
) -> None:
    percentiles = percentiles_of(tmp_path_factory.mktemp("p"), np.float32(background)[:, None])
    ordered = np.sort(np.float32(asked))[:, None]
    found = percentiles(alleles(len(asked)), ordered)[:, 0]
    for score, percentile in zip(ordered[:, 0], found, strict=True):
        below, equal = sum(x < score for x in background), sum(x == score for x in background)
        first, last = signed(below, equal, len(background))
        assert first - 1e-6 <= percentile <= last + 1e-6
    distinct = np.diff(ordered[:, 0]) > 0
    assert (np.diff(found)[distinct] >= 0).all()


def test_ties_do_not_depend_on_parts_nor_on_the_chosen_tracks(tmp_path: Path) -> None:
    background = random_scores(500, 4)
    scores = np.zeros((50, 4), np.float32)
    every = percentiles_of(tmp_path, background)
    whole = every(alleles(50), scores)
    parts = [every(alleles(50)[start : start + 7], scores[start : start + 7]) for start in range(0, 50, 7)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert len(np.unique(whole)) == whole.size  # each is drawn by itself
    some = percentiles_of(tmp_path, background, [3, 1])
    assert np.array_equal(some(alleles(50), scores[:, :2]), whole[:, [3, 1]])
    assert whole[0, 0] == pytest.approx(TIE_OF_THE_FIRST_ALLELE, abs=1e-7)


TIE_OF_THE_FIRST_ALLELE = -0.07345858
"""What must not change from version to version: the draw of record 0, allele 1 in the first row."""


def test_nan_stays_nan(tmp_path: Path) -> None:
    percentiles = percentiles_of(tmp_path, np.float32([[1, np.nan], [2, np.nan], [3, np.nan], [np.nan, np.nan]]))
    found = percentiles(alleles(2), np.float32([[np.nan, 1], [2.5, 1]]))
    assert np.isnan(found[0, 0])
    assert found[1, 0] == pytest.approx(2 * 2.5 / 4 - 1)  # of three scores
    assert np.isnan(found[:, 1]).all()  # nothing to compare with


def test_scores_tie_with_a_background_of_float16s_as_its_own_would(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    tiny = rng.normal(size=(4_000, 1)) * 1e-7  # of the order of the smallest float16
    background = (tiny[:2_000].astype(np.float16).astype(np.float32)) * 896
    further = (tiny[2_000:] * 896).astype(np.float32)
    rounded = percentiles_of(tmp_path, background, float16_scale=896)(alleles(2_000), further)[:, 0]
    assert largest_gap(rounded) < 1.63 * np.sqrt(2 / 2_000)
    plain = percentiles_of(tmp_path, background)(alleles(2_000), further)[:, 0]
    assert largest_gap(plain) > 0.1
