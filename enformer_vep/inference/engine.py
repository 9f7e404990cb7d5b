"""The interface of every engine: pairs of alleles in, their predictions summed over bins out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import Codes
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.windows import Window

FetchCodes = Callable[[Interval], Codes]
"""Returns the codes of an interval of the reference, N beyond its contig's ends."""


@dataclass(frozen=True)
class AllelePair:
    """One variant's two sequences.

    Attributes:
      window: the reference window; pairs with equal intervals have equal reference sequences.
      reference: codes uint8 [sequence_length_bp].
      alternate: codes uint8 [sequence_length_bp].
      num_ref_bp: length of REF, which begins at `window.offset_bp` of the reference.
      num_alt_bp: length of ALT, which begins at the same offset of the alternate.
    """

    window: Window
    reference: Codes
    alternate: Codes
    num_ref_bp: int
    num_alt_bp: int


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


@dataclass(frozen=True)
class EngineCounts:
    """The work that an engine has done so far.

    Attributes:
      transformer_passes: sequences that were run through the transformer and the head.
      tower_bins_computed: tower bins that were run through stem and conv_tower.
      tower_bins_reused: tower bins of alleles that were known already.
      batch_size: sequences that are now run at a time.
    """

    transformer_passes: int
    tower_bins_computed: int
    tower_bins_reused: int
    batch_size: int


class Engine(Protocol):
    """Turns pairs of alleles into predictions."""

    def predict(self, pairs: Iterable[AllelePair]) -> Iterator[AllelePredictions]:
        """Yields the predictions of each pair, in the order of the pairs.

        Pairs are drawn as they are needed; the arrays of a pair are not changed.
        """
        ...

    def counts(self) -> EngineCounts:
        """Returns the work done so far."""
        ...
