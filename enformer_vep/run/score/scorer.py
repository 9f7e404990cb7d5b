"""Scores variants one after another: decides which can be scored, and how they are looked at. Knows no files."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import SkipReason
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Variant, check_alleles
from enformer_vep.genome.views import Comparison
from enformer_vep.genome.windows import max_allele_bp
from enformer_vep.inference.engine import Engine, Profile, Scores
from enformer_vep.io.genome.fasta import ReferenceCodes
from enformer_vep.io.tables.gene_table import GeneScores
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.score.gene_scorer import GeneScorer
from enformer_vep.run.score.in_order import run_in_order
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.prefetch import read_ahead
from enformer_vep.run.settings import ScoringSettings

NUM_AHEAD = 8
"""Comparisons that are prepared while the device works."""

VariantScores = npt.NDArray[np.float32]


class ScoredVariant(NamedTuple):
    """The scores of a variant.

    Attributes:
      scores: float32 [statistics * tracks], statistics outermost.
      genes: the genes in its window; None if no gene is scored there.
    """

    scores: VariantScores
    genes: GeneScores | None = None


class VariantScorer:
    """Scores variants with one model, on one genome.

    Attributes:
      engine: the engine.
      reference: the genome.
      statistics: what is made of the predictions.
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
        """Takes what is needed to score variants.

        Args:
          engine: predicts the tracks.
          reference: the genome.
          geometry: the model's lengths.
          scoring: where windows lie, how variants are looked at, and what is made of it.
          tracks: the tracks that the engine predicts.
          genes: finds and scores genes; None if none is wanted.
        """
        self.engine = engine
        self.reference = reference
        self.statistics = scoring.statistics
        self.tracks = tracks
        self.genes = genes
        self._geometry = geometry
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

    def place(self, variant: Variant) -> PlacedVariant | Unscored:
        """Returns a variant with its window, or why it cannot be scored, judged without the model."""
        genome = self.reference.genome
        contig = genome.resolve(variant.chrom)
        window = self._placement.window(variant, contig or variant.chrom, self._geometry)
        problem = check_alleles(variant, max_allele_bp(window)) or genome.check_variant(variant, contig)
        if problem:
            return Unscored(*problem)
        if not self._bins.weights(window.interval, variant.start, self._geometry).any():
            detail = f"the window has none of the bins {self._bins} among those that are scored"
            return Unscored(SkipReason.OUTSIDE_BINS, detail)
        return PlacedVariant(variant, window)

    def score_placed(self, variants: Iterable[PlacedVariant | Unscored]) -> Iterator[VariantScores | Unscored]:
        """Scores what `place` returned; otherwise the same as `score`."""
        for result in self.score_with_genes(variants):
            yield result if isinstance(result, Unscored) else result.scores

    def score_with_genes(self, variants: Iterable[PlacedVariant | Unscored]) -> Iterator[ScoredVariant | Unscored]:
        """Scores what `place` returned, and the genes in the variants' own windows if they are looked at there."""
        looked = (variant if isinstance(variant, Unscored) else self._with_genes(variant) for variant in variants)
        for found in run_in_order(looked, lambda chosen: self._compared(comparison for comparison, _ in chosen)):
            if isinstance(found, Unscored):
                yield found
                continue
            (_, genes), (scores, of_genes) = found
            yield self._made(scores, genes, of_genes)

    def profiles(self, variants: Iterable[Variant]) -> Iterator[tuple[PlacedVariant, Profile] | Unscored]:
        """Predicts both alleles of variants bin by bin, in their order. What is not finite is returned as it is.

        Raises:
          EnformerVepError: the engine failed.
        """
        return run_in_order(
            map(self.place, variants),
            lambda placed: self.engine.profiles(read_ahead(map(self.comparison, placed), NUM_AHEAD)),
        )

    def _compared(self, comparisons: Iterable[Comparison]) -> Iterator[tuple[Scores, Scores]]:
        ahead = read_ahead(comparisons, NUM_AHEAD)
        if self.genes is None or self.genes.is_at_tss:
            return ((scores, {}) for scores in self.engine.compare(ahead, self.statistics))
        return self.engine.compare_with_genes(ahead, self.statistics, self.genes.settings.gene_statistics)

    def _made(self, scores: Scores, genes: tuple[int, ...], of_genes: Scores) -> ScoredVariant | Unscored:
        joined = _joined(scores)
        if isinstance(joined, Unscored) or self.genes is None or self.genes.is_at_tss:
            return joined if isinstance(joined, Unscored) else ScoredVariant(joined)
        made = self.genes.made(genes, of_genes)
        return made if isinstance(made, Unscored) else ScoredVariant(joined, made)

    def look_at(self, variant: Variant) -> Comparison:
        """Returns how a variant that can be scored is looked at."""
        placed = self.place(variant)
        assert isinstance(placed, PlacedVariant)
        return self.comparison(placed)

    def comparison(self, placed: PlacedVariant) -> Comparison:
        """Returns how a variant is looked at."""
        return self._comparison(placed, self._edit(placed))

    def _with_genes(self, placed: PlacedVariant) -> tuple[Comparison, tuple[int, ...]]:
        """Returns how a variant is looked at, and the numbers of the genes that are looked at in its window."""
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
            self._views.views(interval, edit, self._geometry),
            self._bins.weights(interval, placed.variant.start, self._geometry),
        )


def _joined(scores: Scores) -> VariantScores | Unscored:
    """Returns the statistics of the only region one after another. A value beyond float32 is infinite."""
    joined = np.concatenate([of_statistic[0] for of_statistic in scores.values()])
    if not np.isfinite(joined).all():
        return Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity")
    with np.errstate(over="ignore"):
        return joined.astype(np.float32)
