"""Scores alleles in memory: what becomes of each of them, in the order in which they were given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.part_scorer import PartScorer

SCORED = "scored"
"""What stands in place of a reason for an allele that was scored."""

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class AlleleScores:
    """What became of alleles.

    Attributes:
      alleles: all of them.
      scores: float32 [alleles, statistics * tracks], statistics outermost; NaN for those that were not scored.
      status: SCORED, or the reason why an allele was not.
      detail: a sentence on the reason; empty if it was scored.
    """

    alleles: Sequence[VcfAllele]
    scores: Float32s
    status: list[str]
    detail: list[str]


def score_alleles(
    scorer: PartScorer,
    alleles: Sequence[VcfAllele],
    num_scores: int,
    part_size: int,
    done: Callable[[], object] = lambda: None,
) -> AlleleScores:
    """Scores alleles in parts of the size that a run on disk has, so that both give the same bits.

    Args:
      scorer: scores parts.
      alleles: the alleles, all different in record and number of the allele.
      num_scores: scores of an allele.
      part_size: alleles of a part.
      done: called for each allele that is scored or skipped.

    Raises:
      InputError: an allele cannot be scored, in a strict run.
      EnformerVepError: the engine failed, or too many predictions are not finite.
    """
    scores = np.full((len(alleles), num_scores), np.nan, dtype=np.float32)
    status, detail = [SCORED] * len(alleles), [""] * len(alleles)
    for start in range(0, len(alleles), part_size):
        part = scorer.score(alleles[start : start + part_size], done)
        skipped = {_place(found.allele): found for found in part.skipped}
        num_scored = 0
        for row, allele in enumerate(alleles[start : start + part_size], start=start):
            found = skipped.get(_place(allele))
            if found is None:
                scores[row] = part.scores[num_scored]
                num_scored += 1
            else:
                status[row], detail[row] = found.reason.value, found.detail
    return AlleleScores(alleles, scores, status, detail)


def _place(allele: VcfAllele) -> tuple[int, int]:
    return allele.record, allele.allele
