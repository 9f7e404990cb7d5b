"""Checks whether the selected records can be in the VCF, and whether any are."""

import logging

from enformer_vep.errors import InputError
from enformer_vep.io.genome.contigs import canonical_contig
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.selection import NamedRegion, Selection
from enformer_vep.io.vcf.survey import Survey
from enformer_vep.wording import did_you_mean, listed, plural

logger = logging.getLogger(__name__)


def check_selected(survey: Survey, genome: Genome, selection: Selection, vcf_name: str) -> None:
    """Compares the selection with the content of the VCF and the FASTA.

    Args:
      survey: the content of the VCF.
      genome: the FASTA.
      selection: the selection.
      vcf_name: the VCF's name in messages.

    Raises:
      InputError: a region, or all of a BED file, is on contigs that neither the VCF nor the FASTA has.
    """
    in_vcf = {canonical_contig(name) for name in survey.contigs}
    for region in selection.named_regions:
        unknown = [
            name for name in region.contigs if canonical_contig(name) not in in_vcf and genome.resolve(name) is None
        ]
        if len(unknown) == len(region.contigs):
            raise _unknown_region(region, survey, genome, vcf_name)
        if unknown and region.is_bed:
            logger.warning(
                "%s has %s that are in neither %s nor %s: %s; intervals there are ignored",
                region.text,
                plural(len(unknown), "contig"),
                vcf_name,
                genome.path,
                listed(unknown),
            )
    if survey.num_records and survey.num_records == survey.num_records_left_out:
        logger.warning("no record of %s is %s: the output is empty", vcf_name, _what_was_asked(selection))


def _unknown_region(region: NamedRegion, survey: Survey, genome: Genome, vcf_name: str) -> InputError:
    name = region.contigs[0]
    where = f"neither {vcf_name} nor {genome.path}"
    if region.is_bed:
        problem = f"{where} has any contig of {region.text} ({listed(region.contigs)})"
    else:
        problem = f"region {region.text!r}: {where} has a contig {name!r}"
    found = [*genome.contigs, *sorted(survey.contigs - genome.contigs.keys())]
    detail = genome.names.of_other_length(name)
    return InputError(f"{problem}; {detail or f'they have {listed(found)}'}{did_you_mean(name, found)}")


def _what_was_asked(selection: Selection) -> str:
    tests = []
    if selection.named_regions:
        tests.append(f"within --region {listed(named.text for named in selection.named_regions)}")
    if selection.pass_only:
        tests.append("unfiltered (--pass-only)")
    if selection.include_ids is not None:
        tests.append("listed in --include-id")
    return " and ".join(tests)
