"""The plain engine: every sequence through the whole model. Faster engines are tested against it."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.layout import FetchCodes, ModelInput
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.comparing import Comparer
from enformer_vep.inference.engine import EngineCounts, EngineSettings, Profile, Scores
from enformer_vep.inference.host import HostLink
from enformer_vep.inference.passes import PassSettings, PlainPasses, whole_towers
from enformer_vep.inference.track_blocks import TrackBlocks
from enformer_vep.model.enformer import Enformer
from enformer_vep.scoring import Statistic


class FullEngine:
    """Runs both alleles through the whole model, in batches of one fixed shape; the last batch is padded.

    A reference is not run again for the comparisons that follow, and neither is an alternate that is its reference.

    Attributes:
      link: what crosses between the host and the device.
    """

    def __init__(self, model: Enformer, fetch: FetchCodes, settings: EngineSettings) -> None:
        """Prepares the model; the graph is built when the first batch runs.

        Args:
          model: the model, on the device that is to run it.
          fetch: returns the codes of the reference genome.
          settings: what is predicted, and how. The precision, the cache and fused steps are the reusing engine's.

        Raises:
          ValueError: batch_size is not positive.
          EnformerVepError: from `compare` and `predict`: the device's memory is too small for any batch.
        """
        geometry = model.config.geometry
        self._num_tower_bins = geometry.num_tower_bins
        self.link = HostLink()
        blocks = TrackBlocks(model.config.heads[settings.head], settings.tracks)
        bins = range(geometry.num_bins) if settings.bins is None else settings.bins
        self._passes = PlainPasses(
            model, blocks, whole_towers(model, fetch, self.link), PassSettings(settings.head, bins, settings.batch_size)
        )
        self._comparer = Comparer(self._passes, blocks, bins, self.link, model.graphs)

    def predict(self, layouts: Iterable[ModelInput]) -> Iterator[npt.NDArray[np.float32]]:
        """Yields the prediction of each input, float32 [bins, tracks], in their order."""
        return self._comparer.predict(layouts)

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[Scores]:
        """Yields the statistics of each comparison, in their order."""
        return self._comparer.compare(comparisons, statistics)

    def compare_with_genes(
        self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic], of_genes: Sequence[Statistic]
    ) -> Iterator[tuple[Scores, Scores]]:
        """Yields the statistics of each comparison and those of its genes, in their order."""
        return self._comparer.compare_with_genes(comparisons, statistics, of_genes)

    def profiles(self, comparisons: Iterable[Comparison]) -> Iterator[Profile]:
        """Yields the predictions of each comparison bin by bin, in their order."""
        return self._comparer.profiles(comparisons)

    def counts(self) -> EngineCounts:
        """Returns the work done so far."""
        num_run = self._passes.num_run
        return EngineCounts(num_run, num_run * self._num_tower_bins, 0, self._passes.batch_size)
