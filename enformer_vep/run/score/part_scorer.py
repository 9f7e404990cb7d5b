"""Scores the alleles of a part, in the order in which neighbours share work."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from enformer_vep.errors import EnformerVepError, InputError, SkipReason
from enformer_vep.io.tables.gene_table import GeneScores
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.parts import Part, SkippedAllele
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import VariantScorer

MAX_NOT_FINITE = 0.01
"""Largest accepted share of predictions that are NaN or infinite; beyond it, weights or device must be faulty."""


class PartScorer:
    """Scores the alleles of a VCF, part by part."""

    def __init__(self, scorer: VariantScorer, vcf_name: str, *, is_strict: bool = False) -> None:
        """Takes the scorer.

        Args:
          scorer: scores variants.
          vcf_name: the input's name in messages.
          is_strict: whether an allele that cannot be scored is an error.
        """
        self._scorer = scorer
        self._vcf_name = vcf_name
        self._is_strict = is_strict
        self._num_predicted = self._num_not_finite = 0

    def score(self, alleles: Sequence[VcfAllele], done: Callable[[], object] = lambda: None) -> Part:
        """Scores alleles.

        They are run in the order of their places on the genome, so that the work that neighbours share is in memory.

        Args:
          alleles: the alleles, in input order.
          done: called for each allele that is scored or skipped.

        Returns:
          The scores and the skipped alleles, in input order.

        Raises:
          InputError: an allele cannot be scored, in a strict run.
          EnformerVepError: too many predictions are not finite.
        """
        placed: dict[int, PlacedVariant] = {}
        skipped: dict[int, SkippedAllele] = {}
        for index, allele in enumerate(alleles):
            found = self._place(allele)
            if isinstance(found, Unscored):
                skipped[index] = self._skip(allele, found)
                done()
            else:
                placed[index] = found
        order = sorted(placed, key=lambda index: placed[index].place)
        scores = np.empty((len(alleles), self._scorer.num_scores), dtype=np.float32)
        genes: dict[int, GeneScores] = {}
        is_at_tss = self._scorer.genes is not None and self._scorer.genes.is_at_tss
        results = self._scorer.score_with_genes(placed[index] for index in order)
        for index, result in zip(order, results, strict=True):
            if isinstance(result, Unscored):
                skipped[index] = self._skip_not_finite(alleles[index], result)
            else:
                scores[index] = result.scores
                if result.genes is not None:
                    genes[index] = result.genes
            if not is_at_tss or index in skipped:
                done()
        if is_at_tss:
            for index, of_genes in self._at_tss({index: placed[index] for index in order if index not in skipped}):
                if isinstance(of_genes, Unscored):
                    skipped[index] = self._skip_not_finite(alleles[index], of_genes)
                else:
                    genes[index] = of_genes
                done()
        self._num_predicted += len(placed)
        check_finite(self._num_not_finite, self._num_predicted)
        scored = [index for index in range(len(alleles)) if index not in skipped]
        return Part(
            [alleles[index] for index in scored],
            scores[scored],
            [skipped[index] for index in sorted(skipped)],
            None if self._scorer.genes is None else [genes[index] for index in scored],
        )

    def _at_tss(self, placed: dict[int, PlacedVariant]) -> Iterator[tuple[int, GeneScores | Unscored]]:
        """Scores alleles, by their numbers, in the windows of their genes."""
        assert self._scorer.genes is not None
        return self._scorer.genes.score_at_tss(self._scorer.engine, placed, self._scorer.reference.fetch)

    def _place(self, allele: VcfAllele) -> PlacedVariant | Unscored:
        if allele.malformed:
            return Unscored(SkipReason.MALFORMED_RECORD, allele.malformed)
        return self._scorer.place(allele.variant)

    def _skip_not_finite(self, allele: VcfAllele, unscored: Unscored) -> SkippedAllele:
        self._num_not_finite += 1
        return self._skip(allele, unscored)

    def _skip(self, allele: VcfAllele, unscored: Unscored) -> SkippedAllele:
        if self._is_strict:
            raise InputError(
                f"{self._vcf_name}: record {allele.record + 1} ({allele}) cannot be scored: {unscored.detail} "
                f"({unscored.reason}); remove --strict to skip such alleles"
            )
        return SkippedAllele(allele, unscored.reason, unscored.detail)


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
