"""Scores variants one after another, and the alleles of a VCF part by part: the generator of `score`. Knows no files.

It decides which variants can be scored, and by which views.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, InputError, SkipReason
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.genes import scored_interval
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.engine import ByStatistic, Engine
from enformer_vep.io.genome.fasta import ReferenceCodes
from enformer_vep.io.tables.gene_table import GeneScores
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.gene_scorer import GeneScorer
from enformer_vep.run.score.parts import Part, SkippedAllele
from enformer_vep.run.score.placed import NUM_AHEAD, PlacedVariant, Unscored, place_variant, read_ahead, run_in_order
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.wording import option

MAX_NOT_FINITE = 0.01
"""Largest accepted share of predictions that are NaN or infinite; beyond it, weights or device must be faulty."""

Float32s = npt.NDArray[np.float32]
VariantScores = npt.NDArray[np.float32]


class ScoredVariant(NamedTuple):
    """The scores of a variant.

    Attributes:
      scores: float32 [statistics * tracks], statistics outermost.
      genes: the genes in its window; None if no gene is scored there.
    """

    scores: VariantScores
    genes: GeneScores | None = None


@dataclass(frozen=True, eq=False)
class VariantProfile:
    """The predictions of both alleles of a variant.

    Bins are those of the variant's reference window. What `--indels` does to an allele that changes the length is in
    docs/indels.md: bins right of it show the alternate's sequence there at the reference's place.

    Attributes:
      placed: the variant and its window.
      reference: float32 [num_bins, tracks], the mean over strands and shifts.
      difference: float32 [num_bins, tracks], the alternate's prediction less the reference's.
      bins: the bases that these bins hold; they may reach beyond the contig's ends.
    """

    placed: PlacedVariant
    reference: Float32s
    difference: Float32s
    bins: Interval

    @property
    def alternate(self) -> Float32s:
        """The alternate's prediction: float32 [num_bins, tracks]."""
        return self.reference + self.difference


class VariantScorer:
    """Scores variants with one model, on one genome.

    Attributes:
      engine: the engine.
      reference: the genome.
      geometry: the model's lengths.
      statistics: the statistics that are scores.
      tracks: the tracks that the engine predicts.
      genes: finds and scores genes; None if none is wanted.
    """

    def __init__(
        self,
        engine: Engine,
        reference: ReferenceCodes,
        geometry: Geometry,
        scoring: ScoringSettings,
        tracks: TrackTable,
        genes: GeneScorer | None = None,
    ) -> None:
        """Prepares to score variants.

        Args:
          engine: predicts the tracks.
          reference: the genome.
          geometry: the model's lengths.
          scoring: the placement of windows, the views of variants, and the statistics.
          tracks: the tracks that the engine predicts.
          genes: finds and scores genes; None if none is wanted.
        """
        self.engine = engine
        self.reference = reference
        self.statistics = scoring.statistics
        self.tracks = tracks
        self.genes = genes
        self.geometry = geometry
        self._placement = scoring.placement
        self._views = scoring.views
        self._bins = scoring.bins.with_names(reference.genome.resolve)

    @property
    def num_scores(self) -> int:
        """Number of scores of a variant: statistics times tracks."""
        return len(self.statistics) * len(self.tracks.identifiers)

    def score(self, variants: Iterable[Variant]) -> Iterator[VariantScores | Unscored]:
        """Scores variants, in their order.

        Variants are drawn as they are needed, some of them ahead and in another thread.

        Yields:
          For each variant its scores, float32 [statistics * tracks], statistics outermost; or why it has none.

        Raises:
          EnformerVepError: the engine failed.
        """
        return self.score_placed(map(self.place, variants))

    def place_allele(self, allele: VcfAllele) -> PlacedVariant | Unscored:
        """Returns an allele of a VCF with its window, or why it cannot be scored, judged without the model."""
        if allele.malformed:
            return Unscored(SkipReason.MALFORMED_RECORD, allele.malformed)
        return self.place(allele.variant)

    def place(self, variant: Variant) -> PlacedVariant | Unscored:
        """Returns a variant with its window, or why it cannot be scored, judged without the model."""
        placed = place_variant(variant, self._placement, self.reference.genome, self.geometry)
        if isinstance(placed, Unscored):
            return placed
        if not self._bins.weights(placed.window.interval, variant.start, self.geometry).any():
            detail = f"the window has none of the bins {self._bins} among those that are scored"
            return Unscored(SkipReason.OUTSIDE_BINS, detail)
        return placed

    def score_placed(self, variants: Iterable[PlacedVariant | Unscored]) -> Iterator[VariantScores | Unscored]:
        """Scores what `place` returned; otherwise the same as `score`."""
        for result in self.score_with_genes(variants):
            yield result if isinstance(result, Unscored) else result.scores

    def score_with_genes(self, variants: Iterable[PlacedVariant | Unscored]) -> Iterator[ScoredVariant | Unscored]:
        """Scores what `place` returned, and the genes in the variants' own windows if they are scored there."""
        placed = (variant if isinstance(variant, Unscored) else self._with_genes(variant) for variant in variants)
        for result in run_in_order(placed, lambda chosen: self._compared(comparison for comparison, _ in chosen)):
            if isinstance(result, Unscored):
                yield result
                continue
            (_, genes), (scores, of_genes) = result
            yield self._made(scores, genes, of_genes)

    def profiles(self, alleles: Iterable[VcfAllele]) -> Iterator[VariantProfile | Unscored]:
        """Predicts both alleles of variants in all bins, in their order; neighbours share what they share when scored.

        Args:
          alleles: drawn as they are needed. The engine must compute all bins.

        Yields:
          For each allele its profile, or why it has none.

        Raises:
          EnformerVepError: the engine failed.
        """
        for profile in run_in_order(
            map(self.place_allele, alleles),
            lambda placed: self.engine.profiles(read_ahead(map(self.comparison, placed), NUM_AHEAD)),
        ):
            if isinstance(profile, Unscored):
                yield profile
                continue
            placed, (reference, difference) = profile
            if not (np.isfinite(reference).all() and np.isfinite(difference).all()):
                yield Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity")
                continue
            bins = scored_interval(placed.window.interval, self.geometry)
            yield VariantProfile(placed, reference, difference, bins)

    def _compared(self, comparisons: Iterable[Comparison]) -> Iterator[tuple[ByStatistic, ByStatistic]]:
        ahead = read_ahead(comparisons, NUM_AHEAD)
        if self.genes is None or self.genes.is_at_tss:
            return ((scores, {}) for scores in self.engine.compare(ahead, self.statistics))
        return self.engine.compare_with_genes(ahead, self.statistics, self.genes.settings.gene_statistics)

    def _made(self, scores: ByStatistic, genes: tuple[int, ...], of_genes: ByStatistic) -> ScoredVariant | Unscored:
        joined = _joined(scores)
        if isinstance(joined, Unscored) or self.genes is None or self.genes.is_at_tss:
            return joined if isinstance(joined, Unscored) else ScoredVariant(joined)
        made = self.genes.made(genes, of_genes)
        return made if isinstance(made, Unscored) else ScoredVariant(joined, made)

    def comparison_of(self, variant: Variant) -> Comparison:
        """Builds the Comparison of a variant that can be scored."""
        placed = self.place(variant)
        assert isinstance(placed, PlacedVariant)
        return self.comparison(placed)

    def comparison(self, placed: PlacedVariant) -> Comparison:
        """Builds the Comparison of a variant's two alleles in its window."""
        return self._comparison(placed, self._edit(placed))

    def _with_genes(self, placed: PlacedVariant) -> tuple[Comparison, tuple[int, ...]]:
        """Builds the Comparison of a variant with the genes in its window, and returns the numbers of these too."""
        edit = self._edit(placed)
        comparison = self._comparison(placed, edit)
        if self.genes is None or self.genes.is_at_tss:
            return comparison, ()
        numbers, bins = self.genes.in_window(placed.window.interval, edit)
        return replace(comparison, genes=bins), numbers

    def _edit(self, placed: PlacedVariant) -> Edit | None:
        interval = placed.window.interval
        return Edit.of(placed.variant, interval.contig, self.reference.fetch, interval.length)

    def _comparison(self, placed: PlacedVariant, edit: Edit | None) -> Comparison:
        interval = placed.window.interval
        return Comparison(
            self._views.views(interval, edit, self.geometry),
            self._bins.weights(interval, placed.variant.start, self.geometry),
        )


def _joined(scores: ByStatistic) -> VariantScores | Unscored:
    """Returns the statistics of the only region one after another. A value beyond float32 is infinite."""
    joined = np.concatenate([of_statistic[0] for of_statistic in scores.values()])
    if not np.isfinite(joined).all():
        return Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity")
    with np.errstate(over="ignore"):
        return joined.astype(np.float32)


def scored_parts(
    scorer: VariantScorer,
    parts: Iterable[Sequence[VcfAllele]],
    vcf_name: str,
    *,
    is_strict: bool = False,
    done: Callable[[], object] = lambda: None,
) -> Iterator[Part]:
    """Scores alleles, part by part.

    Those of a part are run in the order of their places on the genome, so that the work that neighbours share is in
    memory. The same parts give the same bits.

    Args:
      scorer: scores variants.
      parts: the alleles, in input order.
      vcf_name: the input's name in messages.
      is_strict: whether an allele that cannot be scored is an error.
      done: called for each allele that is scored or skipped.

    Yields:
      The scores and the skipped alleles of each part, in input order.

    Raises:
      InputError: an allele cannot be scored, in a strict run.
      EnformerVepError: the engine failed, or too many predictions are not finite.
    """
    num_predicted = num_not_finite = 0
    for alleles in parts:
        part = _score(scorer, alleles, done, vcf_name if is_strict else None)
        new = sum(skipped.reason is SkipReason.NOT_FINITE for skipped in part.skipped)
        num_not_finite += new
        num_predicted += len(part.alleles) + new
        check_finite(num_not_finite, num_predicted)
        yield part


def _score(
    scorer: VariantScorer, alleles: Sequence[VcfAllele], done: Callable[[], object], strict_name: str | None
) -> Part:
    """Scores the alleles of one part; `strict_name` is the input's name in a strict run."""
    placed: dict[int, PlacedVariant] = {}
    skipped: dict[int, SkippedAllele] = {}
    genes: dict[int, GeneScores] = {}

    def skip(index: int, unscored: Unscored) -> None:
        allele = alleles[index]
        if strict_name is not None:
            raise InputError(
                f"{strict_name}: record {allele.record + 1} ({allele}) cannot be scored: {unscored.detail} "
                f"({unscored.reason}); remove {option('--strict')} to skip such alleles"
            )
        skipped[index] = SkippedAllele(allele, unscored.reason, unscored.detail)

    for index, allele in enumerate(alleles):
        result = scorer.place_allele(allele)
        if isinstance(result, Unscored):
            skip(index, result)
            done()
        else:
            placed[index] = result
    order = sorted(placed, key=lambda index: placed[index].place)
    scores = np.empty((len(alleles), scorer.num_scores), dtype=np.float32)
    at_tss = scorer.genes if scorer.genes is not None and scorer.genes.is_at_tss else None
    for index, scored in zip(order, scorer.score_with_genes(placed[index] for index in order), strict=True):
        if isinstance(scored, Unscored):
            skip(index, scored)
        else:
            scores[index] = scored.scores
            if scored.genes is not None:
                genes[index] = scored.genes
        if at_tss is None or index in skipped:
            done()
    if at_tss is not None:
        left = {index: placed[index] for index in order if index not in skipped}
        for index, of_genes in at_tss.score_at_tss(scorer.engine, left, scorer.reference.fetch):
            if isinstance(of_genes, Unscored):
                skip(index, of_genes)
            else:
                genes[index] = of_genes
            done()
    rows = [index for index in range(len(alleles)) if index not in skipped]
    return Part(
        [alleles[index] for index in rows],
        scores[rows],
        [skipped[index] for index in sorted(skipped)],
        None if scorer.genes is None else [genes[index] for index in rows],
    )


def check_finite(num_not_finite: int, num_predicted: int) -> None:
    """Checks how many of the alleles that could be placed have predictions that are NaN or infinite.

    Raises:
      EnformerVepError: they are too many.
    """
    if num_not_finite > MAX_NOT_FINITE * num_predicted:
        raise EnformerVepError(
            f"{num_not_finite} of {num_predicted} predictions are NaN or infinite, expected at most "
            f"{MAX_NOT_FINITE:.0%}: the weights or the device must be faulty"
        )
