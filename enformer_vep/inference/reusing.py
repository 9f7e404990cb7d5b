"""The engine that computes only what a variant changes, and nothing that is known already.

The tower of a reference window is put together from tiles that neighbouring windows share, and that of an alternate
from its reference's tower and a patch around the variant. Every sequence then takes its own pass through the
transformer, which mixes all positions; in low precision, the pass of an alternate is that of its difference from the
reference.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from enformer_vep.genome.layout import FetchCodes, ModelInput
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.comparing import Comparer
from enformer_vep.inference.device import BFLOAT16_PRECISIONS, PRECISIONS
from enformer_vep.inference.difference_passes import DifferencePasses, DifferenceSettings
from enformer_vep.inference.engine import EngineCounts, EngineSettings, Profile, Scores
from enformer_vep.inference.host import HostLink
from enformer_vep.inference.passes import Passes, PassSettings, PlainPasses, reused_towers
from enformer_vep.inference.towers import Towers, TowerSettings
from enformer_vep.inference.track_blocks import TrackBlocks
from enformer_vep.model.arithmetic import Arithmetic
from enformer_vep.model.enformer import Enformer
from enformer_vep.scoring import Statistic

NUM_EXACT_BLOCKS = 3
"""With precision bfloat16, the first blocks of a reference's tower that are still float32, including the stem.

All later blocks amplify the rounding of these: with float32 here, the error of a deletion's SAD falls from 7% to 4%.
The bins in which variants can lie are float32 too, as alternates' differences are propagated from there: this alone
reduces the error of an SNV's SAD from 9% to 4%.
"""


class ReusingEngine:
    """Runs each distinct reference once, from shared tiles, and each alternate from its patch.

    Comparisons whose windows are equal or overlap cost least if they follow one another.

    Attributes:
      link: what crosses between the host and the device.
    """

    def __init__(self, model: Enformer, fetch: FetchCodes, settings: EngineSettings) -> None:
        """Prepares the model; graphs are built when they first run.

        Args:
          model: the model, on the device that is to run it.
          fetch: returns the codes of the reference genome.
          settings: what is predicted, and how.

        Raises:
          ValueError: batch_size is not positive, cache_bytes is negative, or the precision is unknown.
          EnformerVepError: the window is too short; from `compare` and `predict`, the device's memory is too small for
            any batch.
        """
        precision, batch_size = settings.precision, settings.batch_size
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
        exact, rounded = Arithmetic(tf.float32, settings.is_fused), Arithmetic(tf.bfloat16, settings.is_fused)
        is_low = precision == "bfloat16"
        num_blocks = 1 + len(model.tower_blocks)
        num_exact = NUM_EXACT_BLOCKS if is_low else num_blocks
        self.link = HostLink()
        self._towers = Towers(
            model,
            fetch,
            self.link,
            TowerSettings(
                tiles=[exact] * num_exact + [rounded] * (num_blocks - num_exact),
                patches=exact,
                patched_bp=settings.variant_offsets if is_low else range(0),
                cache_bytes=settings.cache_bytes,
                batch_size=batch_size,
            ),
        )
        blocks = TrackBlocks(model.config.heads[settings.head], settings.tracks)
        bins = range(model.config.geometry.num_bins) if settings.bins is None else settings.bins
        chosen = PassSettings(settings.head, bins, batch_size, exact)
        self._passes: Passes
        if precision in BFLOAT16_PRECISIONS:
            differences = DifferenceSettings(rounded if is_low else exact, rounded, self.link)
            self._passes = DifferencePasses(model, blocks, self._towers, chosen, differences)
        else:
            self._passes = PlainPasses(model, blocks, reused_towers(self._towers), chosen)
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
        towers = self._towers
        return EngineCounts(
            self._passes.num_run, towers.num_bins_computed, towers.num_bins_reused, self._passes.batch_size
        )

    @property
    def num_traces(self) -> int:
        """Graphs of its functions that were built so far, for this engine or another that shares them."""
        functions = (*self._towers.functions, *self._passes.functions)
        return sum(function.experimental_get_tracing_count() for function in functions)
