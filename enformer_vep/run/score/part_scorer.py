"""Scores the alleles of a VCF part by part: the generator of `score`. Knows no files."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from enformer_vep.errors import EnformerVepError, InputError, SkipReason
from enformer_vep.io.tables.gene_table import GeneScores
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.parts import Part, SkippedAllele
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import VariantScorer

MAX_NOT_FINITE = 0.01
"""Largest accepted share of predictions that are NaN or infinite; beyond it, weights or device must be faulty."""


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
                f"({unscored.reason}); remove --strict to skip such alleles"
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
