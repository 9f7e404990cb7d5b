"""Checks within seconds whether a VCF and a FASTA are of the same assembly, before anything slow starts."""

import logging
import re
from collections.abc import Sequence

from enformer_vep.errors import InputError
from enformer_vep.genome.variant import Interval, Variant, abbreviate
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.survey import Survey
from enformer_vep.wording import listed, plural

logger = logging.getLogger(__name__)

MAX_MISMATCHES = 0.1
"""Largest accepted share of REF alleles that differ from the FASTA. In a wrong assembly, a quarter match by chance."""

MIN_MISMATCHES = 3
"""Fewest differing places for which a file is refused: one or two may be isolated errors."""

_SHIFTS = {
    1: "positions look 0-based: add 1 to each POS",
    -1: "positions look 1 too high: subtract 1 from each POS",
}
_OTHER_ASSEMBLY = "the variants and the FASTA appear to be of different assemblies"
_BASES = re.compile(r"[ACGT]+")


def check_assembly(survey: Survey, genome: Genome, vcf_name: str, *, allow_mismatches: bool) -> None:
    """Compares contigs and REF of alleles spread over the VCF with the FASTA.

    Only plain alleles are judged, each place once, and only where REF and the FASTA have no letters other than A, C, G
    and T: an N is not evidence.

    Args:
      survey: the alleles.
      genome: the FASTA.
      vcf_name: the VCF's name in messages.
      allow_mismatches: whether to warn instead of refusing.

    Raises:
      InputError: the FASTA has none of the contigs, or at least 3 places and more than 10% differ.
    """
    problem = _missing_contigs(survey, genome, vcf_name) or _mismatches(survey.sample, genome, vcf_name)
    if problem is None:
        return
    if not allow_mismatches:
        raise InputError(f"{problem}; to skip the alleles that do not match and continue, use --allow-mismatches")
    logger.warning("%s; alleles that do not match are skipped", problem)


def _missing_contigs(survey: Survey, genome: Genome, vcf_name: str) -> str | None:
    """Describes the problem if the FASTA has none of the contigs; logs a notice if it has only some of them."""
    missing = sorted(name for name in survey.plain_contigs if genome.resolve(name) is None)
    if not missing:
        return None
    if len(missing) < len(survey.plain_contigs):
        logger.info("%s lacks %s of %s: %s", genome.path, plural(len(missing), "contig"), vcf_name, listed(missing))
        return None
    detail = next(filter(None, map(genome.names.of_other_length, missing)), _OTHER_ASSEMBLY)
    return (
        f"{genome.path} has none of the contigs of the alleles to score: {vcf_name} has {listed(missing)}, the FASTA "
        f"has {listed(genome.contigs)}; {detail}"
    )


def _mismatches(sample: Sequence[Variant], genome: Genome, vcf_name: str) -> str | None:
    """Describes the problem if REF of too many alleles differs from the FASTA; logs a notice if a few differ."""
    places = list({(variant.chrom, variant.pos, variant.ref.upper()): variant for variant in sample}.values())
    num_judged, wrong = _judge(places, genome)
    if not wrong:
        return None
    first = wrong[0]
    there = _letters(first, genome) or ""
    found = (
        f"REF of {len(wrong)} of {num_judged} alleles checked in {vcf_name} differs from {genome.path} (first: "
        f"{first}, where the FASTA has {abbreviate(there)})"
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
    return f"{found}; {_OTHER_ASSEMBLY}"


def _judge(places: Sequence[Variant], genome: Genome, shift: int = 0) -> tuple[int, list[Variant]]:
    """Compares REF with the FASTA `shift` bases to the right.

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
    """Returns the FASTA's sequence at a variant's REF, in upper case; None if that lies beyond the contig's ends."""
    contig = genome.resolve(variant.chrom)
    start = variant.start + shift
    end = start + (len(variant.ref) if length is None else length)
    if contig is None or start < 0 or end > genome.contigs[contig]:
        return None
    return genome.fetch(Interval(contig, start, end)).decode("latin-1").upper()
