import numpy as np
import pytest

from enformer_vep.run.background.distribution import (
    NUM_FLOAT16,
    NUM_POINTS,
    NUM_TAIL,
    count_float16s,
    distribution_of_float16_counts,
    distribution_of_sorted,
    point_ranks,
)
from tests.score_tables import random_scores


@pytest.mark.parametrize("num", [0, 1, 2, 999, NUM_POINTS])
def test_few_scores_are_all_kept(num: int) -> None:
    assert point_ranks(num).tolist() == list(range(num))


@pytest.mark.parametrize("num", [NUM_POINTS + 1, 12_345, 348_126, 30_000_000])
def test_the_tails_are_kept_and_the_rest_is_spaced_evenly(num: int) -> None:
    ranks = point_ranks(num)
    assert len(ranks) == NUM_POINTS
    assert ranks[:NUM_TAIL].tolist() == list(range(NUM_TAIL))
    assert ranks[-NUM_TAIL:].tolist() == list(range(num - NUM_TAIL, num))
    steps = np.diff(ranks[NUM_TAIL - 1 : -NUM_TAIL + 1])
    assert steps.min() >= 1
    assert np.ptp(steps) <= 1


def test_points_and_spread_are_numpys() -> None:
    scores = np.sort(random_scores(30_000, 1)[:, 0])
    found = distribution_of_sorted(np.append(scores, np.float32([np.nan] * 5)))
    assert found.num_values == 30_000
    assert np.array_equal(found.points, scores[point_ranks(30_000)])
    assert found.mean == pytest.approx(scores.mean(dtype=np.float64))
    assert found.standard_deviation == pytest.approx(scores.std(dtype=np.float64))
    assert found.quartiles == pytest.approx(np.quantile(scores, [0.25, 0.5, 0.75]))


def test_counts_of_float16s_are_the_same_as_sorting_them() -> None:
    scores = random_scores(40_000, 2).astype(np.float16)
    scores[:5] = [[np.nan, -0.0], [np.nan, 0.0], [1e-7, -1e-7], [np.inf, -65504], [65504, -np.inf]]
    counts = np.zeros((2, NUM_FLOAT16), np.uint32)
    for start in range(0, len(scores), 15_000):
        count_float16s(scores[start : start + 15_000], counts)
    for scale in (1, 896):
        for track in (0, 1):
            found = distribution_of_float16_counts(counts[track], scale)
            expected = distribution_of_sorted(np.sort(scores[:, track].astype(np.float32) * np.float32(scale)))
            assert found.num_values == expected.num_values == (40_000 - 2 * (track == 0))
            assert np.array_equal(found.points, expected.points)
            assert not np.signbit(found.points[found.points == 0]).any()
            assert found.mean == pytest.approx(expected.mean)
            assert found.standard_deviation == pytest.approx(expected.standard_deviation)
            assert found.quartiles == pytest.approx(expected.quartiles)


def test_no_scores_at_all() -> None:
    for found in (
        distribution_of_sorted(np.float32([np.nan])),
        distribution_of_float16_counts(np.zeros(NUM_FLOAT16, np.uint32), 1),
    ):
        assert found.num_values == len(found.points) == 0
        assert np.isnan(found.mean)
