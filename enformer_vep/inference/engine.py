"""The interface of every engine: comparisons of alleles in, their statistics out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.layout import ModelInput
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.device import DEFAULT_CACHE_BYTES, Precision
from enformer_vep.scoring import Statistic

ByStatistic = Mapping[str, npt.NDArray[np.float64]]
"""By the name of each statistic float64 [M, tracks]: its value over each of M regions of bins."""


class Profile(NamedTuple):
    """The predictions of a comparison in every computed bin: means over its views, mirrored ones turned back.

    Attributes:
      reference: r, float32 [bins, tracks].
      difference: d, the alternate's prediction less the reference's: float32 [bins, tracks].
    """

    reference: npt.NDArray[np.float32]
    difference: npt.NDArray[np.float32]


@dataclass(frozen=True)
class EngineSettings:
    """The settings of an engine.

    Attributes:
      head: the head to predict.
      tracks: indices of its tracks, in the order wanted; None for all.
      bins: the scored bins that are computed, None for all. The regions of comparisons must lie in them.
      batch_size: sequences that are run at a time.
      precision: float32, or tf32 if the device was prepared for it; mixed for alternates as differences with bfloat16
        products; bfloat16 for the references' towers and passes in bfloat16 too.
      variant_offsets: where in a window a variant's first REF base can stand: see `ViewSettings.offsets`.
      cache_bytes: bytes of the genome's tower bins that are kept.
      is_fused: whether elementwise steps are compiled, which pays on CPU.
    """

    head: str
    tracks: Sequence[int] | None = None
    bins: range | None = None
    batch_size: int = 1
    precision: Precision = "float32"
    variant_offsets: range = range(0)
    cache_bytes: int = DEFAULT_CACHE_BYTES
    is_fused: bool = True


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
    """Predicts alleles and compares them."""

    def predict(self, layouts: Iterable[ModelInput]) -> Iterator[npt.NDArray[np.float32]]:
        """Yields the prediction of each input, float32 [bins, tracks], in their order."""
        ...

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[ByStatistic]:
        """Yields the statistics of each comparison, in their order.

        Comparisons are drawn as they are needed; those that have references in common cost least if they follow one
        another.
        """
        ...

    def compare_with_genes(
        self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic], of_genes: Sequence[Statistic]
    ) -> Iterator[tuple[ByStatistic, ByStatistic]]:
        """Yields the statistics of each comparison, and those of the promoters of its genes, in their order.

        Args:
          comparisons: as for `compare`.
          statistics: those of the regions; may be none.
          of_genes: those of each gene's bins.

        Yields:
          Both by the statistics' names: float64 [M, tracks], and for G genes float64 [G, tracks]. The latter is empty
          where a comparison has no genes.
        """
        ...

    def profiles(self, comparisons: Iterable[Comparison]) -> Iterator[Profile]:
        """Yields the predictions of each comparison bin by bin, in their order. At the official size each has 38 MB."""
        ...

    def counts(self) -> EngineCounts:
        """Returns the work done so far."""
        ...
