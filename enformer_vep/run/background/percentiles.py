"""Signed percentiles of scores against a background.

Of n scores of a background, let b be those below a score and e those that equal it. Then

    p = (b + u e + 1/2) / (n + 1)        percentile = 2 p - 1

where u is drawn uniformly from [0, 1), so that scores that tie with many of the background's, such as 0, are spread
evenly over their ranks. Without ties nothing is drawn. p is above 0 and below 1, and never descends as the score grows
beyond a tie. Between two kept points whose ranks are not neighbours, b is interpolated; in the tails all scores are
kept, and b and e are exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.io.tables.background_file import BackgroundFile
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.background.distribution import point_ranks

SEED = 20_210_701
"""Fixed, so that an allele's ties are drawn alike in every run, shard and part."""

_SCORES_AT_A_TIME = 1 << 20

_LARGEST = np.nextafter(np.float32(1), np.float32(0))
"""The largest magnitude of a percentile; with more than 16 million scores, rounding would give 1."""

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Columns:
    """Columns of scores whose distributions have equally many values.

    Attributes:
      places: int64 [columns], their places among all columns.
      points: float32 [columns, points], ascending.
      num_values: number of the background's scores.
    """

    places: Int64s
    points: Float32s
    num_values: int

    @classmethod
    def empty(cls, places: Sequence[int], num_values: int) -> "_Columns":
        """Allocates the points of columns."""
        points = np.empty((len(places), len(point_ranks(num_values))), np.float32)
        return cls(np.array(places, dtype=np.int64), points, num_values)

    def __iter__(self) -> Iterator[tuple[int, Float32s]]:
        """Yields each column's place, and where its points are."""
        yield from zip(self.places.tolist(), self.points, strict=True)


class Percentiles:
    """Makes percentiles of the scores of a run.

    It holds the points of all of the run's statistics and tracks: 40 kB each, 212 MB for a statistic of the human head.
    """

    def __init__(self, background: BackgroundFile, rows: Sequence[int], *, float16_scale: float | None = None) -> None:
        """Reads the distributions.

        Args:
          background: the file.
          rows: of each column of scores, its row in the background.
          float16_scale: if the background's scores were float16s times this, scores are rounded in the same way, so
            that they tie where the background's do; otherwise None.

        Raises:
          InputError: the file is damaged.
        """
        self._rows = np.array(rows, dtype=np.int64)
        self._num_rows = len(background.keys)
        self._float16_scale = float16_scale
        places_by_size: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            places_by_size.setdefault(background.num_values[row], []).append(place)
        self._columns = [_Columns.empty(places, num_values) for num_values, places in places_by_size.items()]
        target = {rows[place]: points for each in self._columns for place, points in each}
        for row, points in background.points(rows):
            if len(points) != len(target[row]):
                raise InputError(f"{background.path} is damaged: row {row} has {len(points)} points; make it again")
            target[row][:] = points

    def __call__(self, alleles: Sequence[VcfAllele], scores: Float32s) -> Float32s:
        """Returns signed percentiles, float32 [alleles, columns]: above -1, below 1, NaN where the score is NaN.

        Args:
          alleles: the alleles, by whose record and number ties are drawn.
          scores: float32 [alleles, columns], in the order of the rows that were given.
        """
        percentiles = np.empty(scores.shape, np.float32)
        num_rows = max(1, _SCORES_AT_A_TIME // max(1, scores.shape[1]))
        for start in range(0, len(alleles), num_rows):
            some = slice(start, start + num_rows)
            draws = np.stack([self._draws(allele) for allele in alleles[some]])
            rounded = self._rounded(scores[some])
            for columns in self._columns:
                values = np.ascontiguousarray(rounded[:, columns.places].T)
                percentiles[some, columns.places] = _signed(values, columns, draws[:, columns.places].T).T
        return percentiles

    def _draws(self, allele: VcfAllele) -> Float64s:
        """Draws a number from [0, 1) for each column: the same for a row of the background, whatever the columns."""
        bits = np.random.PCG64(np.random.SeedSequence((SEED, allele.record, allele.allele))).random_raw(self._num_rows)
        return np.asarray((bits[self._rows] >> np.uint64(11)) * 2.0**-53)

    def _rounded(self, scores: Float32s) -> Float32s:
        if self._float16_scale is None:
            return scores
        scale = np.float32(self._float16_scale)
        with np.errstate(over="ignore", under="ignore"):
            rounded: Float32s = (scores / scale).astype(np.float16).astype(np.float32) * scale
        return rounded


def _signed(values: Float32s, columns: _Columns, draws: Float64s) -> Float32s:
    """Returns the percentiles of scores, float32 [columns, alleles], with draws of the same shape."""
    num_values = columns.num_values
    if not num_values:
        return np.full_like(values, np.nan)
    points, ranks = columns.points, point_ranks(num_values)
    first, end = np.empty(values.shape, np.int64), np.empty(values.shape, np.int64)
    for of_column, of_scores, left, right in zip(points, values, first, end, strict=True):
        left[:] = np.searchsorted(of_column, of_scores, side="left")
        right[:] = np.searchsorted(of_column, of_scores, side="right")
    last = len(ranks) - 1
    lower, upper = np.clip(first - 1, 0, last), np.clip(first, 0, last)
    num_between = np.where((first > 0) & (first <= last), ranks[upper] - ranks[lower] - 1, 0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        low, high = (np.take_along_axis(points, at, axis=1).astype(np.float64) for at in (lower, upper))
        share = np.where(num_between > 0, (values - low) / (high - low), 0)
    share[np.isnan(share)] = 0.5  # between infinities
    untied = np.where(first > 0, ranks[lower] + 1, 0) + num_between * share
    is_tied = end > first
    below = np.where(is_tied, ranks[upper], untied)
    equal = np.where(is_tied, ranks[np.clip(end - 1, 0, last)] + 1 - ranks[upper], 0)
    p = (below + draws * equal + 0.5) / (num_values + 1)
    signed = np.clip((2 * p - 1).astype(np.float32), -_LARGEST, _LARGEST)
    signed[np.isnan(values)] = np.nan
    return signed
