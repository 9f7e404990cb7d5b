"""The statistics: the reductions over bins that each needs, and how NumPy computes it from them.

In a bin, r is the reference's prediction, a the alternate's and d = a - r. docs/statistics.md explains each statistic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.geometry import NUM_BINS
from enformer_vep.wording import did_you_mean

Float64s = npt.NDArray[np.float64]

FLOAT32_NOISE = 3e-7
"""Rounding error of SAD in float32, relative to the track's total: root mean square, in the median track.

`benchmarks/noise.py` measures it; docs/method.md has the results.
"""

REFERENCE_SUM = "reference"
"""The reduction that is the sum of r, by which the rounding error is measured."""


@dataclass(frozen=True)
class Statistic:
    """A statistic: one score of the predictions of all chosen bins.

    Attributes:
      name: what a column of scores is called.
      aliases: names that others have for exactly the same.
      reductions: names in `inference.reductions.REDUCTIONS` of the reductions that it needs.
      finish: makes the score, float64 [M, tracks], of its reductions, float64 [M, tracks] each.
      noise: returns how large the rounding error of a float32 score can be, whatever the size of the effect, given the
        sum of r and the score.
    """

    name: str
    aliases: tuple[str, ...]
    reductions: tuple[str, ...]
    finish: Callable[[Mapping[str, Float64s]], Float64s]
    noise: Callable[[Float64s, Float64s], Float64s]

    @property
    def has_uncertain_sign(self) -> bool:
        """Whether rounding may turn the sign: where a gain and a loss in two bins are equally large."""
        return self.name in ("SAX", "SAXR")


# Rounding. A score is made of two predictions, each rounded to float32 at every step. The error of a bin is taken as at
# most FLOAT32_NOISE times its r. Where a function of x is summed, dx is multiplied by its derivative.


def _noise_of_sum(total: Float64s, score: Float64s) -> Float64s:
    """The bound for a sum of d. No value of a bin, nor a norm over bins, has more than the sum of all their errors."""
    return FLOAT32_NOISE * total


def _noise_of_alternate(total: Float64s, score: Float64s) -> Float64s:
    """The bound for the sum of a, which may be much larger than that of r."""
    return FLOAT32_NOISE * np.maximum(total, score)


def _noise_of_logs(total: Float64s, score: Float64s) -> Float64s:
    """The bound for a sum of log ratios: d log2(1 + x) = dx / (1 + x) / ln 2, at most dx / ln 2 in any bin."""
    return np.asarray(FLOAT32_NOISE * total / np.log(2))


def _noise_of_log_of_sum(total: Float64s, score: Float64s) -> Float64s:
    """The bound for a log ratio of sums: the same derivative, where x is the total."""
    return np.asarray(FLOAT32_NOISE * total / (1 + total) / np.log(2))


def _noise_of_roots(total: Float64s, score: Float64s) -> Float64s:
    """The bound for a sum of differences of roots.

    d sqrt(x) = dx / (2 sqrt(x)), so with dx = noise * x a bin has noise * sqrt(x) / 2. By Cauchy and Schwarz, the sum
    of sqrt(x) over n bins is at most sqrt(n * total).
    """
    return FLOAT32_NOISE / 2 * np.sqrt(NUM_BINS * total)


def _noise_of_divergence(total: Float64s, score: Float64s) -> Float64s:
    """The bound for half of Jeffreys' divergence, which does not depend on the total.

    With u = ln(a'/r'), it is |u|^2 / 2 for small u, in the norm whose weights are r', which add up to 1. If r and a are
    off by a factor of 1 + noise, then |u| is off by at most noise, and |u|^2 / 2 by noise * |u| + noise^2 / 2, where
    |u| = sqrt(2 JS). (log2(1 + x) is off by a smaller factor than x, so logJS has the same bound.) The second term is
    doubled, for what is neglected.
    """
    return np.asarray(FLOAT32_NOISE * np.sqrt(2 * np.abs(score)) + FLOAT32_NOISE**2)


def _as_reduced(reduction: str) -> Callable[[Mapping[str, Float64s]], Float64s]:
    return lambda reduced: reduced[reduction]


def _root(reduction: str) -> Callable[[Mapping[str, Float64s]], Float64s]:
    return lambda reduced: np.sqrt(reduced[reduction])


def _log_ratio_of_sums(reduced: Mapping[str, Float64s]) -> Float64s:
    # log2(1 + a) - log2(1 + r) of the sums, without the difference of two large numbers.
    return np.asarray(np.log1p(reduced["difference"] / (1 + reduced[REFERENCE_SUM])) / np.log(2))


def _alternate_sum(reduced: Mapping[str, Float64s]) -> Float64s:
    return reduced[REFERENCE_SUM] + reduced["difference"]


def _of_one(
    name: str, reduction: str, noise: Callable[[Float64s, Float64s], Float64s], *aliases: str, is_norm: bool = False
) -> Statistic:
    """Returns a statistic that is one reduction, or with `is_norm` the root of one."""
    finish = _root(reduction) if is_norm else _as_reduced(reduction)
    return Statistic(name, aliases, (reduction,), finish, noise)


_ALL = (
    _of_one("SAD", "difference", _noise_of_sum, "SUM", "DIFF_SUM"),
    _of_one("SAR", "log_difference", _noise_of_logs, "logSAD", "logSUM", "DIFF_SUM_LOG2"),
    Statistic(
        "SADR",
        ("logSED", "DIFF_LOG2_SUM"),
        (REFERENCE_SUM, "difference"),
        _log_ratio_of_sums,
        _noise_of_log_of_sum,
    ),
    _of_one("sqrtSAD", "sqrt_difference", _noise_of_roots, "sqrtSUM"),
    _of_one("SAX", "largest_difference", _noise_of_sum),
    _of_one("SAXR", "largest_log_difference", _noise_of_logs),
    _of_one("D1", "absolute_difference", _noise_of_sum),
    _of_one("logD1", "absolute_log_difference", _noise_of_logs),
    _of_one("D2", "squared_difference", _noise_of_sum, "L2_DIFF", is_norm=True),
    _of_one("logD2", "squared_log_difference", _noise_of_logs, "L2", is_norm=True),
    _of_one("JS", "divergence", _noise_of_divergence),
    _of_one("logJS", "log_divergence", _noise_of_divergence),
    _of_one("REF", REFERENCE_SUM, _noise_of_sum),
    Statistic("ALT", (), (REFERENCE_SUM, "difference"), _alternate_sum, _noise_of_alternate),
)

STATISTICS: Mapping[str, Statistic] = MappingProxyType({statistic.name: statistic for statistic in _ALL})

_BY_NAME = {name.lower(): statistic for statistic in _ALL for name in (statistic.name, *statistic.aliases)}

_NOT_THE_SAME = {
    "l2_diff_log1p": "it is ln 2 times logD2: ask for logD2 and multiply by 0.693147",
    "diff_mean": "it is SAD divided by the number of bins: ask for SAD and divide",
    "jsd": "JS is half of Jeffreys' divergence, not the Jensen-Shannon distance: ask for JS if that is meant",
}
"""Names that others have for what is nearly one of the statistics, and how it differs."""


def parse_statistics(text: str) -> tuple[Statistic, ...]:
    """Reads names of statistics, as in 'SAD,logD2'. Aliases are accepted, and case is ignored.

    Returns:
      The statistics, each once, in the order given.

    Raises:
      ValueError: there is no name, one is unknown, or one means something that is only nearly a statistic.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if difference := _NOT_THE_SAME.get(name.lower()):
            raise ValueError(f"{name} is not one of the statistics; {difference}")
    unknown = [name for name in names if name.lower() not in _BY_NAME]
    if unknown or not names:
        choices = [name for statistic in _ALL for name in (statistic.name, *statistic.aliases)]
        raise ValueError(
            f"unknown statistic {', '.join(unknown) or repr(text)}: expected one or more of {','.join(STATISTICS)}"
            f"{did_you_mean(unknown[0], choices) if unknown else ''}"
        )
    chosen = {statistic.name: statistic for statistic in (_BY_NAME[name.lower()] for name in names)}
    return tuple(chosen.values())


def needed_reductions(statistics: Sequence[Statistic]) -> tuple[str, ...]:
    """Returns the names of all reductions that the statistics need, each once."""
    return tuple(dict.fromkeys(name for statistic in statistics for name in statistic.reductions))


def finish(reduced: Mapping[str, Float64s], statistics: Sequence[Statistic]) -> dict[str, Float64s]:
    """Returns the scores of one allele.

    Args:
      reduced: what was reduced over bins, float64 [M, tracks] each; M is the number of sets of bins.
      statistics: those that are wanted; their reductions must be there.

    Returns:
      The scores by the statistic's name, float64 [M, tracks] each, in the order of the statistics.
    """
    return {statistic.name: statistic.finish(reduced) for statistic in statistics}
