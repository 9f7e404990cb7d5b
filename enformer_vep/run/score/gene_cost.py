"""Says what genes cost that are looked at in windows of their own, before a run begins."""

import logging
import sys
from collections.abc import Collection
from contextlib import closing

from enformer_vep.genome.variant import check_alleles
from enformer_vep.run.score.gene_scorer import GeneScorer
from enformer_vep.run.score.inputs import RunInputs
from enformer_vep.wording import plural

logger = logging.getLogger(__name__)


def state_cost(genes: GeneScorer, inputs: RunInputs, part_size: int, finished: Collection[int]) -> None:
    """Logs how many passes of the model the genes of a run take. The variants are read once more to count them.

    Alleles that do not fit the genome are counted too: only the run itself compares them with it.

    Args:
      genes: finds the genes in reach.
      inputs: the variants and the genome.
      part_size: alleles of a part.
      finished: numbers of the parts that need not be run.
    """
    num_alleles = num_pairs = 0
    found: set[int] = set()
    with closing(inputs.parts(part_size)) as parts:
        for number, alleles in enumerate(parts):
            if number in finished:
                continue
            for allele in alleles:
                contig = inputs.genome.resolve(allele.variant.chrom)
                if allele.malformed or contig is None or check_alleles(allele.variant, sys.maxsize):
                    continue
                in_reach = genes.around(allele.variant, contig)
                found.update(in_reach)
                num_alleles += bool(in_reach)
                num_pairs += len(in_reach)
    logger.info(
        "genes: %s in the windows of %s make %s: each takes a pass of its own, and each gene at least one for its "
        "reference, besides the passes of the alleles' own windows",
        plural(num_alleles, "allele"),
        plural(len(found), "gene"),
        plural(num_pairs, "pair"),
    )
