"""Scores the genes in reach of variants: in the window of each variant, or in a window around each gene's start."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import SkipReason
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.genes import BinPairs, GeneIndex, PromoterBins, scored_interval, tss_window
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.layout import FetchCodes
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.views import Comparison, ViewSettings
from enformer_vep.inference.engine import ByStatistic, Engine
from enformer_vep.io.tables.gene_table import GeneScores
from enformer_vep.run.score.placed import NUM_AHEAD, PlacedVariant, Unscored, read_ahead
from enformer_vep.run.settings import GeneSettings


class GenePair(NamedTuple):
    """An allele, by its number in its part, and a gene in its reach."""

    gene: int
    allele: int


class GeneScorer:
    """Finds the genes in reach of variants, and scores their promoters.

    Attributes:
      index: the genes.
      settings: how they are scored.
    """

    def __init__(
        self,
        index: GeneIndex,
        settings: GeneSettings,
        places: list[int],
        promoters: PromoterBins,
        views: ViewSettings,
    ) -> None:
        """Prepares to score genes.

        Args:
          index: the genes.
          settings: how they are scored.
          places: the tracks on which they are scored, by their places among those that are predicted.
          promoters: finds their bins.
          views: the views of every variant.
        """
        self.index = index
        self.settings = settings
        self._places = places
        self._promoters = promoters
        self._views = views
        self._geometry: Geometry = promoters.geometry

    @property
    def is_at_tss(self) -> bool:
        """Whether each gene is scored in a window of its own."""
        return self.settings.gene_window == "tss"

    @property
    def num_scores(self) -> int:
        """Number of scores of a gene: statistics times tracks."""
        return len(self.settings.gene_statistics) * len(self._places)

    def none(self) -> GeneScores:
        """Returns the scores of an allele without a gene in its reach."""
        return GeneScores((), np.empty((0, self.num_scores), dtype=np.float32))

    def in_window(self, window: Interval, edit: Edit | None) -> tuple[tuple[int, ...], BinPairs]:
        """Returns the genes that start in the scored bins of an allele's own window, and their bins."""
        numbers = self.index.with_start_in(scored_interval(window, self._geometry))
        pairs = {number: self._promoters.pairs(self.index.genes[number], window, edit) for number in numbers}
        # A deletion may move a start out of the scored bins.
        seen = {number: of_gene for number, of_gene in pairs.items() if of_gene}
        return tuple(seen), BinPairs.of(list(seen.values()))

    def made(self, numbers: tuple[int, ...], scores: ByStatistic) -> GeneScores | Unscored:
        """Joins the statistics of some genes to their scores. A value beyond float32 is infinite."""
        if not numbers:
            return self.none()
        joined = np.concatenate([of_statistic[:, self._places] for of_statistic in scores.values()], axis=1)
        if not np.isfinite(joined).all():
            return Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity at a gene's start")
        with np.errstate(over="ignore"):
            return GeneScores(numbers, joined.astype(np.float32))

    def around(self, variant: Variant, contig: str) -> list[int]:
        """Returns the genes whose own windows have a variant on a contig of the FASTA."""
        return self.index.around(variant, contig, self._geometry)

    def score_at_tss(
        self, engine: Engine, variants: Mapping[int, PlacedVariant], fetch: FetchCodes
    ) -> Iterator[tuple[int, GeneScores | Unscored]]:
        """Scores variants in the windows of their genes, gene by gene, so that all variants of a gene share work.

        Args:
          engine: runs the windows.
          variants: the variants, by any numbers.
          fetch: reads the reference genome.

        Yields:
          The number of a variant and the scores of its genes, once the last of them is scored.
        """
        length_bp = self._geometry.sequence_length_bp
        edits = {
            index: Edit.of(placed.variant, placed.window.interval.contig, fetch, length_bp)
            for index, placed in variants.items()
        }
        windows = {}
        bins: dict[GenePair, dict[int, int]] = {}
        for index, placed in variants.items():
            for number in self.around(placed.variant, placed.window.interval.contig):
                gene = self.index.genes[number]
                windows[number] = tss_window(gene, self._geometry)
                if of_gene := self._promoters.pairs(gene, windows[number], edits[index]):
                    bins[GenePair(number, index)] = of_gene
        num_left = Counter(pair.allele for pair in bins)
        scored: dict[int, dict[int, GeneScores | Unscored]] = {index: {} for index in variants}
        for index in variants:
            if not num_left[index]:
                yield index, self.none()

        def place(pair: GenePair) -> tuple[str, int, int, int, int]:
            window = windows[pair.gene]
            return window.contig, window.start, pair.gene, variants[pair.allele].variant.start, pair.allele

        order = sorted(bins, key=place)
        no_regions = np.empty((0, self._geometry.num_bins), dtype=np.float32)

        def comparisons() -> Iterator[Comparison]:
            for pair in order:
                views = self._views.views(windows[pair.gene], edits[pair.allele], self._geometry)
                yield Comparison(views, no_regions, BinPairs.of([bins[pair]]))

        scores = engine.compare_with_genes(read_ahead(comparisons(), NUM_AHEAD), (), self.settings.gene_statistics)
        for pair, (_, of_gene_scores) in zip(order, scores, strict=True):
            of_allele = scored[pair.allele]
            of_allele[pair.gene] = self.made((pair.gene,), of_gene_scores)
            if len(of_allele) == num_left[pair.allele]:
                yield pair.allele, _together(scored.pop(pair.allele))


def _together(of_allele: Mapping[int, GeneScores | Unscored]) -> GeneScores | Unscored:
    """Joins the scores of an allele's genes in the genes' order; if one is Unscored, the allele is."""
    rows: list[npt.NDArray[np.float32]] = []
    for number in sorted(of_allele):
        of_gene = of_allele[number]
        if isinstance(of_gene, Unscored):
            return of_gene
        rows.append(of_gene.scores)
    return GeneScores(tuple(sorted(of_allele)), np.concatenate(rows))
