"""Finds out in seconds whether a VCF and a FASTA are of the same assembly, before anything costs time."""

import logging
import re
from collections.abc import Sequence

from enformer_vep.errors import InputError
from enformer_vep.io.fasta import Genome
from enformer_vep.io.survey import Survey
from enformer_vep.variant import Interval, Variant, abbreviate
from enformer_vep.wording import listed, plural

logger = logging.getLogger(__name__)

MAX_MISMATCHES = 0.1
"""Share of REF alleles that may differ from the FASTA. By chance a quarter of all bases match a wrong assembly."""

MIN_MISMATCHES = 3
"""Places that must differ before a file is refused: one or two may be errors of their own."""

_SHIFTS = {
    1: "positions look 0-based: add 1 to each POS",
    -1: "positions look too great by 1: subtract 1 from each POS",
}
_BASES = re.compile(r"[ACGT]+")


def check_assembly(survey: Survey, genome: Genome, vcf_name: str, *, allow_mismatches: bool) -> None:
    """Compares contigs and REF of alleles spread over the VCF with the FASTA.

    Only plain alleles are judged, each place once, and only where REF and the FASTA have no other letters than A, C, G
    and T: an N is no evidence.

    Args:
      survey: the alleles.
      genome: the FASTA.
      vcf_name: what messages call the VCF.
      allow_mismatches: whether to warn instead of refusing.

    Raises:
      InputError: the FASTA has none of the contigs, or at least 3 places and more than 10% differ.
    """
    problem = _missing_contigs(survey, genome, vcf_name) or _mismatches(survey.sample, genome, vcf_name)
    if problem is None:
        return
    if not allow_mismatches:
        raise InputError(f"{problem}; --allow-mismatches goes on, and skips the alleles that do not fit")
    logger.warning("%s; alleles that do not fit are skipped", problem)


def _missing_contigs(survey: Survey, genome: Genome, vcf_name: str) -> str | None:
    """Says that the FASTA has none of the contigs; that it has some but not all is a notice."""
    missing = sorted(name for name in survey.plain_contigs if genome.resolve(name) is None)
    if not missing:
        return None
    if len(missing) < len(survey.plain_contigs):
        logger.info("%s of %s not in %s: %s", plural(len(missing), "contig"), vcf_name, genome.path, listed(missing))
        return None
    detail = next(filter(None, map(genome.names.of_other_length, missing)), "the two look like different assemblies")
    return (
        f"no contig of the alleles to score is in {genome.path}: {vcf_name} has {listed(missing)}, the FASTA has "
        f"{listed(genome.contigs)}; {detail}"
    )


def _mismatches(sample: Sequence[Variant], genome: Genome, vcf_name: str) -> str | None:
    """Says that REF of too many alleles is not what the FASTA has; that a few are is a notice."""
    places = list({(variant.chrom, variant.pos, variant.ref.upper()): variant for variant in sample}.values())
    num_judged, wrong = _judge(places, genome)
    if not wrong:
        return None
    first = wrong[0]
    there = _letters(first, genome) or ""
    found = (
        f"REF of {len(wrong)} of {num_judged} alleles checked in {vcf_name} is not what {genome.path} has (first "
        f"{first}: the FASTA has {abbreviate(there)})"
    )
    if len(wrong) <= MAX_MISMATCHES * num_judged:
        logger.info("%s; such alleles are skipped", found)
        return None
    if len(wrong) < MIN_MISMATCHES:
        logger.warning("%s; such alleles are skipped", found)
        return None
    for shift, remedy in _SHIFTS.items():
        num_shifted, still_wrong = _judge(places, genome, shift)
        if num_shifted and len(still_wrong) <= MAX_MISMATCHES * num_shifted:
            return f"{found}; {remedy}"
    num_swapped = sum(_letters(variant, genome, length=len(variant.alt)) == variant.alt.upper() for variant in wrong)
    if num_swapped > (1 - MAX_MISMATCHES) * len(wrong):
        return f"{found}; REF and ALT look swapped: correct them with 'bcftools norm --check-ref s -f FASTA'"
    return f"{found}; the two look like different assemblies"


def _judge(places: Sequence[Variant], genome: Genome, shift: int = 0) -> tuple[int, list[Variant]]:
    """Compares REF with the FASTA that many bases further on.

    Returns:
      How many alleles could be compared, and those that differ.
    """
    num_judged = 0
    wrong = []
    for variant in places:
        letters = _letters(variant, genome, shift=shift)
        ref = variant.ref.upper()
        if letters is not None and _BASES.fullmatch(letters) and _BASES.fullmatch(ref):
            num_judged += 1
            if letters != ref:
                wrong.append(variant)
    return num_judged, wrong


def _letters(variant: Variant, genome: Genome, *, shift: int = 0, length: int | None = None) -> str | None:
    """Returns what the FASTA has where a variant's REF is, in upper case; None if that is beyond its contig."""
    contig = genome.resolve(variant.chrom)
    start = variant.start + shift
    end = start + (len(variant.ref) if length is None else length)
    if contig is None or start < 0 or end > genome.contigs[contig]:
        return None
    return genome.fetch(Interval(contig, start, end)).decode("latin-1").upper()
