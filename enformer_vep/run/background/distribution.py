"""The points of a distribution that a background keeps, and how they are chosen from many scores."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from enformer_vep.io.tables.background_file import Distribution

NUM_POINTS = 10_000
"""Points of a distribution; if there are fewer scores, all of them."""

NUM_TAIL = 1_000
"""How many of the smallest and of the largest scores are all kept."""

NUM_FLOAT16 = 1 << 16

Float32s = npt.NDArray[np.float32]
Int64s = npt.NDArray[np.int64]


def point_ranks(num_values: int, *, num_points: int = NUM_POINTS, num_tail: int = NUM_TAIL) -> Int64s:
    """Returns the ranks, from 0, of the scores that are kept: int64 [points], ascending.

    All scores are kept if there are at most `num_points`; otherwise the `num_tail` smallest and largest, and between
    them others at equal distances of rank.
    """
    if num_values <= num_points:
        return np.arange(num_values)
    low, high = num_tail - 1, num_values - num_tail
    between = np.linspace(low, high, num_points - 2 * num_tail + 2).round().astype(np.int64)
    return np.concatenate([np.arange(low), between, np.arange(high + 1, num_values)])


def distribution_of_sorted(values: Float32s) -> Distribution:
    """Describes scores, float32 [number] in ascending order; NaN, which comes last, is left out."""
    values = values[: np.searchsorted(values, np.nan)]
    finite = values[np.searchsorted(values, -np.inf, side="right") : np.searchsorted(values, np.inf)]
    mean = float(finite.mean(dtype=np.float64)) if len(finite) else np.nan
    deviation = float(finite.std(dtype=np.float64)) if len(finite) else np.nan
    return _describe(len(values), mean, deviation, lambda ranks: values[ranks])


def distribution_of_float16_counts(counts: npt.NDArray[np.uint32], scale: float) -> Distribution:
    """Describes scores of which it is known how often each float16 occurs.

    Args:
      counts: uint32 [65536], by the bits of the float16; those of NaN are left out, and both zeros are the same.
      scale: what the float16s are multiplied by.
    """
    order, every = _float16s()
    occurs = counts[order] > 0
    order, values = order[occurs], every[occurs] * np.float32(scale)
    ascending = counts[order].astype(np.int64)
    ends = np.cumsum(ascending)
    num_values = int(ends[-1]) if len(ends) else 0
    is_finite = np.isfinite(values)
    finite, weights = values[is_finite].astype(np.float64), ascending[is_finite].astype(np.float64)
    total = weights.sum()
    mean = float(finite @ weights / total) if total else np.nan
    deviation = float(np.sqrt(np.square(finite - mean) @ weights / total)) if total else np.nan
    return _describe(num_values, mean, deviation, lambda ranks: values[np.searchsorted(ends, ranks, side="right")])


@cache
def _float16s() -> tuple[Int64s, Float32s]:
    """Returns the bits of all float16s but NaN in ascending order, and their values, of which -0 is 0."""
    every = np.arange(NUM_FLOAT16, dtype=np.uint16).view(np.float16).astype(np.float32)
    order = np.argsort(every, kind="stable")[: int(np.count_nonzero(~np.isnan(every)))]
    return order, every[order] + np.float32(0)


def count_float16s(scores: npt.NDArray[np.float16], counts: npt.NDArray[np.uint32]) -> None:
    """Counts how often each float16 occurs.

    Args:
      scores: float16 [rows, tracks].
      counts: uint32 [tracks, 65536], to which the counts are added, by the bits of the float16.
    """
    bits = np.ascontiguousarray(scores.T).view(np.uint16)
    for of_track, of_scores in zip(counts, bits, strict=True):
        of_track += np.bincount(of_scores, minlength=NUM_FLOAT16).astype(np.uint32)


def _describe(num_values: int, mean: float, deviation: float, at: Callable[[Int64s], Float32s]) -> Distribution:
    """Makes a distribution, given a function that returns the scores of some ranks."""
    if not num_values:
        return Distribution(0, np.nan, np.nan, (np.nan, np.nan, np.nan), np.empty(0, np.float32))
    places = np.array([0.25, 0.5, 0.75]) * (num_values - 1)
    below, above = at(np.floor(places).astype(np.int64)), at(np.ceil(places).astype(np.int64))
    share = places % 1
    with np.errstate(invalid="ignore"):  # between infinities
        q25, q50, q75 = np.where(below == above, below, below * (1 - share) + above * share).tolist()
    return Distribution(num_values, mean, deviation, (q25, q50, q75), at(point_ranks(num_values)))
