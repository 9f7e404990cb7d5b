"""What every engine takes and gives: pairs of alleles in, their predictions summed over bins out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.sequence import Codes
from enformer_vep.windows import Window


@dataclass(frozen=True)
class AllelePair:
    """One variant's two sequences.

    Attributes:
      window: the reference window; pairs with equal intervals have equal reference sequences.
      reference: codes uint8 [sequence_length_bp].
      alternate: codes uint8 [sequence_length_bp].
    """

    window: Window
    reference: Codes
    alternate: Codes


@dataclass(frozen=True)
class BinSums:
    """One sequence's prediction x, summed over the scored bins of every track.

    Attributes:
      total: float64 [tracks], the sum of x.
      log2_total: float64 [tracks], the sum of log2(1 + x).
    """

    total: npt.NDArray[np.float64]
    log2_total: npt.NDArray[np.float64]


@dataclass(frozen=True)
class AllelePredictions:
    """A variant's reference and alternate prediction."""

    reference: BinSums
    alternate: BinSums


class Engine(Protocol):
    """Turns pairs of alleles into predictions."""

    def predict(self, pairs: Iterable[AllelePair]) -> Iterator[AllelePredictions]:
        """Yields the predictions of each pair, in the order of the pairs.

        Pairs are drawn as they are needed; the arrays of a pair are not changed.
        """
        ...
