"""From comparisons to statistics: runs their views, takes the means over views, and reduces them over bins."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from cachetools import LRUCache

from enformer_vep.genome.layout import ModelInput
from enformer_vep.genome.views import Comparison, View
from enformer_vep.inference.engine import Profile, Scores
from enformer_vep.inference.host import HostLink
from enformer_vep.inference.passes import Known, Passes
from enformer_vep.inference.promoters import PromoterReducer, promoter_graph
from enformer_vep.inference.reductions import reduce_bins
from enformer_vep.inference.track_blocks import TrackBlocks
from enformer_vep.model.arithmetic import in_turn
from enformer_vep.model.enformer import Graphs
from enformer_vep.scoring import Statistic, finish, needed_reductions

GROUP_BYTES = 2**28
"""Memory for the differences of comparisons of several views that are run together, one reference after another."""

NUM_RECENT_WEIGHTS = 64
"""Weights of bins that are kept on the device."""


_Graph = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

Found = TypeVar("Found")
"""What is made of a comparison."""

_Make = Callable[[Sequence["_Job[Found]"], Sequence[tf.Tensor]], Sequence[Found]]
"""Makes it of complete comparisons, given their d and the mean of their references."""


class _Job(Generic[Found]):
    """A comparison whose views are being run."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.references: list[Known] = []
        self.differences: list[tuple[View, Known]] = []
        self.d: tf.Tensor | None = None
        self.found: Found | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all views were run and added up."""
        num_views = len(self.comparison.views)
        return not self.differences and self.d is not None and len(self.references) == num_views


class Comparer:
    """Compares alleles on the device that the model runs on; only statistics leave it."""

    def __init__(self, passes: Passes, blocks: TrackBlocks, bins: range, link: HostLink, graphs: Graphs) -> None:
        """Takes the parts of an engine.

        Args:
          passes: runs sequences.
          blocks: the tracks that these compute.
          bins: the scored bins that these compute.
          link: the way to the device.
          graphs: the model's graphs.
        """
        self._graphs = graphs
        self._passes = passes
        self._blocks = blocks
        self._bins = bins
        self._link = link
        self._references: dict[ModelInput, Known] = {}
        self._max_group = max(1, GROUP_BYTES // (4 * len(bins) * blocks.num_tracks))
        self._reducers: dict[tuple[str, ...], _Reducer] = {}
        self._promoter_reducers: dict[tuple[str, ...], PromoterReducer] = {}
        self._weights: LRUCache[bytes, tf.Tensor] = LRUCache(NUM_RECENT_WEIGHTS)

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
        """Takes the chosen tracks from the device: float32 [bins, tracks]."""
        return np.asarray(self._link.receive(self._blocks.choose(x)), dtype=np.float32)

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[Scores]:
        """Yields the statistics of each comparison, in their order."""
        return (scores for scores, _ in self.compare_with_genes(comparisons, statistics, ()))

    def compare_with_genes(
        self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic], of_genes: Sequence[Statistic]
    ) -> Iterator[tuple[Scores, Scores]]:
        """Yields the statistics of each comparison and those of its genes, in their order."""
        names, gene_names = needed_reductions(statistics), needed_reductions(of_genes)

        def make(
            batch: Sequence[_Job[tuple[Scores, Scores]]], references: Sequence[tf.Tensor]
        ) -> list[tuple[Scores, Scores]]:
            made: list[tuple[Scores, Scores]] = []
            for job, r, reduced in zip(batch, references, self._reduced(batch, references, names), strict=True):
                genes, scores_of_genes = job.comparison.genes, {}
                if of_genes and genes is not None and genes.num_genes:
                    scores_of_genes = finish(self._promoter_reducer(gene_names)(r, job.d, genes), of_genes)
                made.append((finish(reduced, statistics), scores_of_genes))
            return made

        return self._made(comparisons, make)

    def profiles(self, comparisons: Iterable[Comparison]) -> Iterator[Profile]:
        """Yields r and d of each comparison in every computed bin, in their order."""

        def make(batch: Sequence[_Job[Profile]], references: Sequence[tf.Tensor]) -> list[Profile]:
            return [Profile(self._received(r), self._received(job.d)) for job, r in zip(batch, references, strict=True)]

        return self._made(comparisons, make)

    def _made(self, comparisons: Iterable[Comparison], make: "_Make[Found]") -> Iterator[Found]:
        """Runs all views, and yields what is made of each comparison, in their order."""
        waiting: deque[_Job[Found]] = deque()
        for group in self._groups(comparisons):
            self._run(group, waiting)
            self._finish(waiting, make)
            while waiting and (found := waiting[0].found) is not None:
                waiting.popleft()
                yield found
        self._passes.flush()
        for job in waiting:
            self._add_up(job)
        self._finish(waiting, make, is_last=True)
        for job in waiting:
            assert job.found is not None
            yield job.found

    def _reducer(self, names: tuple[str, ...]) -> "_Reducer":
        if names not in self._reducers:
            reduce = self._graphs.get(("bins", self._blocks.chosen, names), lambda: _reduce_graph(self._blocks, names))
            self._reducers[names] = _Reducer(reduce, self._link, names)
        return self._reducers[names]

    def _promoter_reducer(self, names: tuple[str, ...]) -> PromoterReducer:
        if names not in self._promoter_reducers:
            num_bins = len(self._bins)
            reduce = self._graphs.get(
                ("promoters", self._blocks.chosen, num_bins, names),
                lambda: promoter_graph(self._blocks, num_bins, names),
            )
            self._promoter_reducers[names] = PromoterReducer(reduce, self._bins, self._link, names)
        return self._promoter_reducers[names]

    def _groups(self, comparisons: Iterable[Comparison]) -> Iterator[list[Comparison]]:
        """Yields comparisons one by one, or together if they share more than one reference."""
        for references, group in groupby(comparisons, key=lambda comparison: comparison.references):
            size = 1 if len(references) == 1 else self._max_group
            while found := list(islice(group, size)):
                yield found

    def _run(self, group: Sequence[Comparison], waiting: deque[_Job[Found]]) -> None:
        """Runs the views of a group, those of one reference after another, or lets them wait for their batches."""
        wanted = dict.fromkeys(reference for comparison in group for reference in comparison.references)
        self._references = {reference: r for reference, r in self._references.items() if reference in wanted}
        jobs: list[_Job[Found]] = [_Job(comparison) for comparison in group]
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

    def _add_up(self, job: _Job[Found]) -> None:
        """Adds the differences that are known to the weighted mean of their comparison."""
        known = [(view, difference) for view, difference in job.differences if difference.is_known]
        job.differences = [(view, difference) for view, difference in job.differences if not difference.is_known]
        for view, difference in known:
            d = self._weighted(view, difference.value)
            job.d = d if job.d is None else job.d + d

    def _finish(self, waiting: Iterable[_Job[Found]], make: "_Make[Found]", *, is_last: bool = False) -> None:
        """Makes what is wanted of complete comparisons, as many at a time as the passes run; all of the last ones."""
        complete = [job for job in waiting if job.is_complete and job.found is None]
        size = self._passes.batch_size
        while complete and (is_last or len(complete) >= size):
            batch, complete = complete[:size], complete[size:]
            for job, found in zip(batch, make(batch, [self._mean_reference(job) for job in batch]), strict=True):
                job.found = found
                job.d, job.references = None, []

    def _reduced(
        self, batch: Sequence[_Job[Found]], references: Sequence[tf.Tensor], names: tuple[str, ...]
    ) -> list[dict[str, npt.NDArray[np.float64]]]:
        """Reduces each comparison of a batch over its regions; takes nothing from the device if nothing is needed."""
        if not names:
            return [{} for _ in batch]
        return self._reducer(names)(references, [job.d for job in batch], self._regions(batch))

    def _mean_reference(self, job: _Job[Found]) -> tf.Tensor:
        views = job.comparison.views
        found = [self._weighted(view, r.value) for view, r in zip(views, job.references, strict=True)]
        return found[0] if len(found) == 1 else tf.add_n(found)

    def _weighted(self, view: View, x: tf.Tensor) -> tf.Tensor:
        """Turns a view's prediction back, and multiplies each bin by its weight: float32 [bins, tracks]."""
        weights = view.bin_weights[self._bins.start : self._bins.stop]
        if view.is_mirrored:
            x = tf.reverse(x, axis=[0])
        if (weights == 1).all():
            return x
        key = weights.tobytes()
        if key not in self._weights:
            self._weights[key] = self._link.send(weights[:, np.newaxis])
        return x * self._weights[key]

    def _regions(self, jobs: Sequence[_Job[Found]]) -> npt.NDArray[np.float32]:
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


def _reduce_graph(blocks: TrackBlocks, names: Sequence[str]) -> _Graph:
    @tf.function(autograph=False)
    def reduce(r: tf.Tensor, d: tf.Tensor, regions: tf.Tensor) -> tf.Tensor:
        """References [1 or B, bins, tracks], differences [B, ...], regions [1 or B, M, bins]: [B, k, M, tracks]."""
        of_blocks = zip(blocks.split(r), blocks.split(d), strict=True)
        found = in_turn(lambda of_block: reduce_bins(*of_block, regions, names), of_blocks)
        return blocks.choose(blocks.join(found))

    return cast("_Graph", reduce)


class _Reducer:
    """Takes sums, maxima and norms over bins, one block of tracks after another."""

    def __init__(self, reduce: _Graph, link: HostLink, names: Sequence[str]) -> None:
        self._reduce = reduce
        self._link = link
        self._names = names

    def __call__(
        self, references: Sequence[tf.Tensor], differences: Sequence[tf.Tensor], regions: npt.NDArray[np.float32]
    ) -> list[dict[str, npt.NDArray[np.float64]]]:
        """Reduces a batch; returns for each comparison and each reduction float64 [M, tracks]."""
        is_same = all(r is references[0] for r in references)
        r = references[0][tf.newaxis] if is_same else tf.stack(references)
        found = self._link.receive(self._reduce(r, tf.stack(differences), self._link.send(regions)))
        return [dict(zip(self._names, of_job, strict=True)) for of_job in np.asarray(found, dtype=np.float64)]
