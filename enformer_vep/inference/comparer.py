"""The engine: from comparisons of alleles to their statistics.

A `Comparer` runs the views of comparisons, takes the means over views, and reduces them over bins. It is built as the
full engine, which is plain and serves as the oracle, or as the reusing engine, which is fast. These have the same
comparer and head, and towers and passes of their own.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from cachetools import LRUCache

from enformer_vep.genome.layout import FetchCodes, ModelInput
from enformer_vep.genome.views import Comparison, View
from enformer_vep.inference.batches import HostLink
from enformer_vep.inference.device import BFLOAT16_PRECISIONS, PRECISIONS
from enformer_vep.inference.difference_passes import DifferencePasses, DifferenceSettings
from enformer_vep.inference.engine import ByStatistic, Engine, EngineCounts, EngineSettings, Profile
from enformer_vep.inference.passes import (
    Known,
    Passes,
    PassSettings,
    PlainPasses,
    TrackBlocks,
    reused_towers,
    whole_towers,
)
from enformer_vep.inference.reductions import PromoterReducer, RegionReducer
from enformer_vep.inference.towers import Towers, TowerSettings
from enformer_vep.model.arithmetic import Arithmetic
from enformer_vep.model.enformer import Enformer, Graphs
from enformer_vep.scoring import Statistic, finish, needed_reductions

GROUP_BYTES = 2**28
"""Memory for the differences of comparisons of several views that are run together, one reference after another."""

NUM_RECENT_WEIGHTS = 64
"""Weights of bins that are kept on the device."""


NUM_EXACT_BLOCKS = 3
"""With precision bfloat16, the first blocks of a reference's tower that are still float32, including the stem.

All later blocks amplify the rounding of these: with float32 here, the error of a deletion's SAD falls from 7% to 4%.
The bins in which variants can lie are float32 too, as alternates' differences are propagated from there: this alone
reduces the error of an SNV's SAD from 9% to 4%.
"""

Result = TypeVar("Result")
"""The result of a comparison: its statistics, or its profile."""

_Make = Callable[[Sequence["_Job[Result]"], Sequence[tf.Tensor]], Sequence[Result]]
"""Computes the results of complete comparisons, given the mean of their references."""


def full_engine(model: Enformer, fetch: FetchCodes, settings: EngineSettings) -> "Comparer":
    """Builds the plain engine, which runs both alleles through the whole model. Faster ones are tested against it.

    It runs batches of one fixed shape; the last one is padded. A reference is not run again for the comparisons that
    follow, and neither is an alternate that is its reference.

    Args:
      model: the model, on the device that is to run it.
      fetch: returns the codes of the reference genome.
      settings: the settings of the engine. The precision, the cache and fused steps are the reusing engine's.

    Raises:
      ValueError: batch_size is not positive.
    """
    link, blocks, bins = HostLink(), _blocks(model, settings), _bins(model, settings)
    towers = whole_towers(model, fetch, link)
    passes = PlainPasses(model, blocks, towers, PassSettings(settings.head, bins, settings.batch_size))
    num_tower_bins = model.config.geometry.num_tower_bins
    return Comparer(passes, blocks, bins, link, model.graphs, tower_bins=lambda: (passes.num_run * num_tower_bins, 0))


def reusing_engine(model: Enformer, fetch: FetchCodes, settings: EngineSettings) -> "Comparer":
    """Builds the engine that computes only what a variant changes, and nothing that is known already.

    The tower of a reference window is put together from tiles that neighbouring windows share, and that of an alternate
    from its reference's tower and a patch around the variant. Every sequence then takes its own pass through the
    transformer, which mixes all positions; in low precision, the pass of an alternate is that of its difference from
    the reference. Comparisons whose windows are equal or overlap cost least if they follow one another.

    Args:
      model: the model, on the device that is to run it.
      fetch: returns the codes of the reference genome.
      settings: the settings of the engine.

    Raises:
      ValueError: batch_size is not positive, cache_bytes is negative, or the precision is unknown.
      EnformerVepError: the window is too short.
    """
    precision, batch_size = settings.precision, settings.batch_size
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    exact, rounded = Arithmetic(tf.float32, settings.is_fused), Arithmetic(tf.bfloat16, settings.is_fused)
    is_low = precision == "bfloat16"
    num_blocks = 1 + len(model.tower_blocks)
    num_exact = NUM_EXACT_BLOCKS if is_low else num_blocks
    link, blocks, bins = HostLink(), _blocks(model, settings), _bins(model, settings)
    tower_settings = TowerSettings(
        tiles=[exact] * num_exact + [rounded] * (num_blocks - num_exact),
        patches=exact,
        patched_bp=settings.variant_offsets if is_low else range(0),
        cache_bytes=settings.cache_bytes,
        batch_size=batch_size,
    )
    towers = Towers(model, fetch, link, tower_settings)
    pass_settings = PassSettings(settings.head, bins, batch_size, exact)
    passes: Passes
    if precision in BFLOAT16_PRECISIONS:
        differences = DifferenceSettings(rounded if is_low else exact, rounded, link)
        passes = DifferencePasses(model, blocks, towers, pass_settings, differences)
    else:
        passes = PlainPasses(model, blocks, reused_towers(towers), pass_settings)
    return Comparer(
        passes,
        blocks,
        bins,
        link,
        model.graphs,
        tower_bins=lambda: (towers.num_bins_computed, towers.num_bins_reused),
        tower_functions=towers.functions,
    )


def _blocks(model: Enformer, settings: EngineSettings) -> TrackBlocks:
    return TrackBlocks(model.config.heads[settings.head], settings.tracks)


def _bins(model: Enformer, settings: EngineSettings) -> range:
    return range(model.config.geometry.num_bins) if settings.bins is None else settings.bins


class _Job(Generic[Result]):
    """A comparison whose views are being run.

    Attributes:
      comparison: the comparison.
      references: the predictions of its references, in the order of its views.
      differences: the views that are not added up yet, and their differences.
      d: the weighted sum of the differences that are.
      result: its result, once all views are added up.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.references: list[Known] = []
        self.differences: list[tuple[View, Known]] = []
        self.d: tf.Tensor | None = None
        self.result: Result | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all views were run and added up."""
        num_views = len(self.comparison.views)
        return not self.differences and self.d is not None and len(self.references) == num_views


class Comparer(Engine):
    """Compares alleles on the device that the model runs on; only statistics leave it.

    Attributes:
      link: moves arrays between the host and the device.
    """

    def __init__(
        self,
        passes: Passes,
        blocks: TrackBlocks,
        bins: range,
        link: HostLink,
        graphs: Graphs,
        *,
        tower_bins: Callable[[], tuple[int, int]],
        tower_functions: Sequence[Any] = (),
    ) -> None:
        """Makes an engine of its parts.

        Args:
          passes: runs sequences; its graphs are built when they first run.
          blocks: the tracks that these compute.
          bins: the scored bins that these compute.
          link: the way to the device.
          graphs: the model's graphs.
          tower_bins: returns how many tower bins were computed so far, and how many were known already.
          tower_functions: the TensorFlow functions of the towers.
        """
        self.link = link
        self._graphs = graphs
        self._passes = passes
        self._blocks = blocks
        self._bins = bins
        self._tower_bins = tower_bins
        self._functions = (*tower_functions, *passes.functions)
        self._references: dict[ModelInput, Known] = {}
        self._max_group = max(1, GROUP_BYTES // (4 * len(bins) * blocks.num_tracks))
        self._reducers: dict[tuple[str, ...], RegionReducer] = {}
        self._promoter_reducers: dict[tuple[str, ...], PromoterReducer] = {}
        self._weights: LRUCache[bytes, tf.Tensor] = LRUCache(NUM_RECENT_WEIGHTS)

    def counts(self) -> EngineCounts:
        """Returns the work done so far."""
        return EngineCounts(self._passes.num_run, *self._tower_bins(), self._passes.batch_size)

    @property
    def num_traces(self) -> int:
        """Graphs of its functions that were built so far, for this engine or another that shares them."""
        return sum(function.experimental_get_tracing_count() for function in self._functions)

    def predict(self, layouts: Iterable[ModelInput]) -> Iterator[npt.NDArray[np.float32]]:
        """Yields the prediction of each input, float32 [bins, tracks], in their order."""
        waiting: deque[Known] = deque()
        for layout in layouts:
            waiting.append(self._passes.reference(layout))
            while waiting and waiting[0].is_known:
                yield self._received(waiting.popleft().value)
        self._passes.flush()
        yield from (self._received(prediction.value) for prediction in waiting)

    def _received(self, x: tf.Tensor) -> npt.NDArray[np.float32]:
        """Returns the chosen tracks on the host: float32 [bins, tracks]."""
        return np.asarray(self.link.receive(self._blocks.choose(x)), dtype=np.float32)

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[ByStatistic]:
        """Yields the statistics of each comparison, in their order."""
        return (scores for scores, _ in self.compare_with_genes(comparisons, statistics, ()))

    def compare_with_genes(
        self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic], of_genes: Sequence[Statistic]
    ) -> Iterator[tuple[ByStatistic, ByStatistic]]:
        """Yields the statistics of each comparison and those of its genes, in their order."""
        names, gene_names = needed_reductions(statistics), needed_reductions(of_genes)

        def make(
            batch: Sequence[_Job[tuple[ByStatistic, ByStatistic]]], references: Sequence[tf.Tensor]
        ) -> list[tuple[ByStatistic, ByStatistic]]:
            made: list[tuple[ByStatistic, ByStatistic]] = []
            for job, r, reduced in zip(batch, references, self._reduced(batch, references, names), strict=True):
                genes, scores_of_genes = job.comparison.genes, {}
                if of_genes and genes is not None and genes.num_genes:
                    scores_of_genes = finish(self._promoter_reducer(gene_names)(r, job.d, genes), of_genes)
                made.append((finish(reduced, statistics), scores_of_genes))
            return made

        return self._results(comparisons, make)

    def profiles(self, comparisons: Iterable[Comparison]) -> Iterator[Profile]:
        """Yields r and d of each comparison in every computed bin, in their order."""

        def make(batch: Sequence[_Job[Profile]], references: Sequence[tf.Tensor]) -> list[Profile]:
            return [Profile(self._received(r), self._received(job.d)) for job, r in zip(batch, references, strict=True)]

        return self._results(comparisons, make)

    def _results(self, comparisons: Iterable[Comparison], make: "_Make[Result]") -> Iterator[Result]:
        """Runs all views, and yields the result of each comparison, in their order."""
        waiting: deque[_Job[Result]] = deque()
        for group in self._groups(comparisons):
            self._run(group, waiting)
            self._finish(waiting, make)
            while waiting and (result := waiting[0].result) is not None:
                waiting.popleft()
                yield result
        self._passes.flush()
        for job in waiting:
            self._add_up(job)
        self._finish(waiting, make, is_last=True)
        for job in waiting:
            assert job.result is not None
            yield job.result

    def _reducer(self, names: tuple[str, ...]) -> RegionReducer:
        if names not in self._reducers:
            self._reducers[names] = RegionReducer(self._graphs, self._blocks, self.link, names)
        return self._reducers[names]

    def _promoter_reducer(self, names: tuple[str, ...]) -> PromoterReducer:
        if names not in self._promoter_reducers:
            self._promoter_reducers[names] = PromoterReducer(self._graphs, self._blocks, self._bins, self.link, names)
        return self._promoter_reducers[names]

    def _groups(self, comparisons: Iterable[Comparison]) -> Iterator[list[Comparison]]:
        """Yields comparisons one by one, or together if they share more than one reference."""
        for references, group in groupby(comparisons, key=lambda comparison: comparison.references):
            size = 1 if len(references) == 1 else self._max_group
            while members := list(islice(group, size)):
                yield members

    def _run(self, group: Sequence[Comparison], waiting: deque[_Job[Result]]) -> None:
        """Runs the views of a group, those of one reference after another, or lets them wait for their batches."""
        wanted = dict.fromkeys(reference for comparison in group for reference in comparison.references)
        self._references = {reference: r for reference, r in self._references.items() if reference in wanted}
        jobs: list[_Job[Result]] = [_Job(comparison) for comparison in group]
        waiting.extend(jobs)
        for reference in wanted:
            r = self._reference(reference)
            for job in jobs:
                for view in job.comparison.views:
                    if view.reference == reference:
                        job.references.append(r)
                        job.differences.append((view, self._difference(view, r)))
            for job in waiting:
                self._add_up(job)
        for job in jobs:
            job.references = [self._reference(reference) for reference in job.comparison.references]

    def _reference(self, layout: ModelInput) -> Known:
        if layout not in self._references:
            self._references[layout] = self._passes.reference(layout)
        return self._references[layout]

    def _difference(self, view: View, r: Known) -> Known:
        if view.alternate == view.reference:
            return _NoDifference(r)
        return self._passes.difference(view.reference, r, view.alternate)

    def _add_up(self, job: _Job[Result]) -> None:
        """Adds the differences that are known to the weighted mean of their comparison."""
        known = [(view, difference) for view, difference in job.differences if difference.is_known]
        job.differences = [(view, difference) for view, difference in job.differences if not difference.is_known]
        for view, difference in known:
            d = self._weighted(view, difference.value)
            job.d = d if job.d is None else job.d + d

    def _finish(self, waiting: Iterable[_Job[Result]], make: "_Make[Result]", *, is_last: bool = False) -> None:
        """Makes the results of complete comparisons, as many at a time as the passes run; at last, of all."""
        complete = [job for job in waiting if job.is_complete and job.result is None]
        size = self._passes.batch_size
        while complete and (is_last or len(complete) >= size):
            batch, complete = complete[:size], complete[size:]
            for job, result in zip(batch, make(batch, [self._mean_reference(job) for job in batch]), strict=True):
                job.result = result
                job.d, job.references = None, []

    def _reduced(
        self, batch: Sequence[_Job[Result]], references: Sequence[tf.Tensor], names: tuple[str, ...]
    ) -> list[dict[str, npt.NDArray[np.float64]]]:
        """Reduces each comparison of a batch over its regions; nothing is transferred if nothing is needed."""
        if not names:
            return [{} for _ in batch]
        return self._reducer(names)(references, [job.d for job in batch], self._regions(batch))

    def _mean_reference(self, job: _Job[Result]) -> tf.Tensor:
        views = job.comparison.views
        weighted = [self._weighted(view, r.value) for view, r in zip(views, job.references, strict=True)]
        return weighted[0] if len(weighted) == 1 else tf.add_n(weighted)

    def _weighted(self, view: View, x: tf.Tensor) -> tf.Tensor:
        """Turns a view's prediction back, and multiplies each bin by its weight: float32 [bins, tracks]."""
        weights = view.bin_weights[self._bins.start : self._bins.stop]
        if view.is_mirrored:
            x = tf.reverse(x, axis=[0])
        if (weights == 1).all():
            return x
        key = weights.tobytes()
        if key not in self._weights:
            self._weights[key] = self.link.send(weights[:, np.newaxis])
        return x * self._weights[key]

    def _regions(self, jobs: Sequence[_Job[Result]]) -> npt.NDArray[np.float32]:
        """Returns the regions of comparisons, float32 [B, M, bins], or [1, M, bins] if all have the same."""
        regions = np.stack([job.comparison.regions[:, self._bins.start : self._bins.stop] for job in jobs])
        return regions[:1] if (regions == regions[:1]).all() else regions


class _NoDifference:
    """The difference of an alternate that is its reference."""

    def __init__(self, reference: Known) -> None:
        self._reference = reference

    @property
    def is_known(self) -> bool:
        """Whether its size is known."""
        return self._reference.is_known

    @property
    def value(self) -> tf.Tensor:
        """Zeros."""
        return tf.zeros_like(self._reference.value)
