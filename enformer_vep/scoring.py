"""Turns predictions into scores: one function per statistic, NumPy only.

With r and a the reference's and the alternate's prediction of a track, sums over the scored bins (basenji's
definitions, at the revision that DeepMind's precomputed scores name):

    SAD  = sum(a - r)
    SAR  = sum(log2(1 + a) - log2(1 + r))
    SADR = log2(1 + sum(a)) - log2(1 + sum(r))

Each needs only the sums of a prediction over bins, so nothing else has to leave the device.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.wording import did_you_mean

Float64s = npt.NDArray[np.float64]


class BinSums(Protocol):
    """A prediction x summed over bins: `total` of x, `log2_total` of log2(1 + x), float64 [tracks] each."""

    @property
    def total(self) -> Float64s:
        """Sum of x."""
        ...

    @property
    def log2_total(self) -> Float64s:
        """Sum of log2(1 + x)."""
        ...


Statistic = Callable[[BinSums, BinSums], Float64s]


def sad(reference: BinSums, alternate: BinSums) -> Float64s:
    """Sum of differences: how many more counts are expected over all bins. float64 [tracks]."""
    return alternate.total - reference.total


def sar(reference: BinSums, alternate: BinSums) -> Float64s:
    """Sum of log2 ratios, bin by bin, with a pseudo-count of 1. float64 [tracks]."""
    return alternate.log2_total - reference.log2_total


def sadr(reference: BinSums, alternate: BinSums) -> Float64s:
    """Log2 ratio of the sums, with a pseudo-count of 1. float64 [tracks]."""
    return np.asarray(np.log2(1 + alternate.total) - np.log2(1 + reference.total))


FLOAT32_NOISE = 3e-7
"""Rounding error of SAD in float32, relative to the track's total: root mean square, in the median track.

`benchmarks/noise.py` measures it; docs/method.md has the results.
"""

STATISTICS: Mapping[str, Statistic] = MappingProxyType({"SAD": sad, "SAR": sar, "SADR": sadr})


def rounding_noise(reference: BinSums, statistics: Sequence[str]) -> Float64s:
    """How large the rounding error of a float32 score can be, whatever the size of the effect.

    A score is the difference of two predictions, each rounded to float32 at every step. The resulting error of SAD is
    proportional to the track's total; d log2(1 + x) = dx / (1 + x) / ln 2 gives that of the other statistics.

    Args:
      reference: sums of the reference's prediction.
      statistics: names in STATISTICS.

    Returns:
      float64 [statistics * tracks], statistics outermost.
    """
    noise = FLOAT32_NOISE * reference.total
    of_logs = noise / np.log(2)
    found = {"SAD": noise, "SAR": of_logs, "SADR": of_logs / (1 + reference.total)}
    return np.concatenate([found[name] for name in statistics])


def parse_statistics(text: str) -> tuple[str, ...]:
    """Reads names of statistics, as in 'SAD,SAR'.

    Returns:
      The names, each once, in the order given.

    Raises:
      ValueError: there is no name, or one is unknown.
    """
    names = tuple(dict.fromkeys(name.strip().upper() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in STATISTICS]
    if unknown or not names:
        raise ValueError(
            f"unknown statistic {', '.join(unknown) or repr(text)}: expected one or more of {','.join(STATISTICS)}"
            f"{did_you_mean(unknown[0], STATISTICS) if unknown else ''}"
        )
    return names


def score(reference: BinSums, alternate: BinSums, statistics: Sequence[str]) -> npt.NDArray[np.float32]:
    """Scores one allele.

    Args:
      reference: sums of the reference's prediction.
      alternate: sums of the alternate's.
      statistics: names in STATISTICS.

    Returns:
      float32 [statistics * tracks], statistics outermost. A value beyond float32 is infinite.
    """
    scores = [STATISTICS[name](reference, alternate) for name in statistics]
    return np.concatenate(scores).astype(np.float32)
