"""Finds out in seconds whether a VCF and a FASTA are of the same assembly, before anything costs time."""

import logging
import sys

from enformer_vep.errors import InputError, SkipReason
from enformer_vep.io.fasta import Genome
from enformer_vep.io.survey import Survey
from enformer_vep.settings import ScoreSettings
from enformer_vep.variant import check_alleles

logger = logging.getLogger(__name__)

MAX_MISMATCHES = 0.1
"""Share of REF alleles that may differ from the FASTA. By chance a quarter of all bases match a wrong assembly."""

NUM_CONTIGS_SHOWN = 5


def check_assembly(survey: Survey, genome: Genome, settings: ScoreSettings) -> None:
    """Compares REF of alleles spread over the VCF with the FASTA.

    Args:
      survey: the alleles.
      genome: the FASTA.
      settings: names for messages, and whether mismatches are allowed.

    Raises:
      InputError: more than 10% differ.
    """
    num_checked = 0
    mismatches: list[str] = []
    missing: set[str] = set()
    for variant in survey.sample:
        contig = genome.resolve(variant.chrom)
        problem = check_alleles(variant, sys.maxsize) or genome.check_variant(variant, contig)
        if problem is None:
            num_checked += 1
        elif problem[0] in (SkipReason.REF_MISMATCH, SkipReason.REF_ALT_SWAPPED):
            num_checked += 1
            mismatches.append(f"{variant}: {problem[1]}")
        elif problem[0] is SkipReason.CONTIG_NOT_IN_FASTA:
            missing.add(variant.chrom)
    if missing:
        names = ", ".join(sorted(missing)[:NUM_CONTIGS_SHOWN])
        logger.info("%d contigs of the VCF are not in the FASTA: %s", len(missing), names)
    if len(mismatches) <= MAX_MISMATCHES * num_checked:
        return
    found = (
        f"REF of {len(mismatches)} of {num_checked} alleles spread over {settings.vcf} is not what "
        f"{settings.fasta} has ({mismatches[0]})"
    )
    if not settings.allow_mismatches:
        raise InputError(
            f"{found}, expected at most {MAX_MISMATCHES:.0%}: is it of another assembly? --allow-mismatches goes on"
        )
    logger.warning("%s; going on all the same", found)
