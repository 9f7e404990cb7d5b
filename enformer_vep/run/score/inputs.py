"""A run's input files: opens them, copies variants that can be read only once, and checks that all fit together."""

import logging
import os
import re
import shutil
import sys
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from enformer_vep.errors import EnformerVepError, GeneError, InputError, TrackError, VcfError
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.genome.variant import Interval, Variant, abbreviate
from enformer_vep.io.genome.contigs import canonical_contig
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.reader import STANDARD_INPUT, Survey, VcfReader, survey_vcf
from enformer_vep.io.vcf.selection import NamedRegion, Selection
from enformer_vep.run.score.parts import INPUT_NAME, WorkFolder
from enformer_vep.run.settings import InputSettings, ScoreSettings
from enformer_vep.wording import cause, did_you_mean, listed, option, plural

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


@dataclass(frozen=True)
class RunInputs:
    """The opened inputs of a run.

    Attributes:
      settings: the settings of the run.
      vcf: a path of the variants that can be read repeatedly.
      genome: the FASTA.
      selection: the records that are wanted; contigs go by any of their names.
      survey: the content of the VCF.
    """

    settings: InputSettings
    vcf: str
    genome: Genome
    selection: Selection
    survey: Survey

    @property
    def vcf_name(self) -> str:
        """The VCF's name in messages."""
        return _vcf_name(self.settings)

    @property
    def is_piped(self) -> bool:
        """Whether `vcf` is a copy of variants that came through a pipe, or a list that was made."""
        return self.vcf != self.settings.vcf

    @property
    def share(self) -> tuple[int, int]:
        """The first allele of this run and the one after its last, counted from 0."""
        num_alleles = self.survey.num_alleles
        return (0, num_alleles) if self.settings.shard is None else self.settings.shard.share(num_alleles)

    @property
    def num_alleles(self) -> int:
        """Alleles of this run."""
        first, end = self.share
        return end - first

    def parts(self, part_size: int, finished: Collection[int]) -> Generator[list[VcfAllele], None, None]:
        """Yields the alleles of this run in parts of one size, of which the last has the rest.

        Args:
          part_size: alleles of a part.
          finished: numbers of the parts that are left out.
        """
        first = self.share[0]
        with closing(VcfReader(self.vcf, self.selection, name=self.vcf_name, first_allele=first)) as reader:
            alleles = islice(reader, self.num_alleles)
            for number in range(-(-self.num_alleles // part_size)):
                part = list(islice(alleles, part_size))
                if number not in finished:
                    yield part


def open_inputs(settings: InputSettings, genome: Genome, selection: Selection, work: WorkFolder) -> RunInputs:
    """Reads the VCF once from end to end, and compares it with the FASTA and the selection.

    Args:
      settings: the settings of the run.
      genome: the FASTA.
      selection: the records that are wanted.
      work: where a copy is kept of variants that can be read only once.

    Raises:
      InputError: the VCF cannot be read, or does not fit the FASTA or the selection.
      EnformerVepError: the VCF is damaged, or cannot be copied.
    """
    name = _vcf_name(settings)
    vcf = _readable_again(settings, work)
    resolved = selection.with_names(genome.resolve)
    survey = survey_vcf(vcf, resolved, name=name)
    if survey.notice:
        logger.info("%s", survey.notice)
    check_selected(survey, genome, selection, name)
    check_assembly(survey, genome, name, allow_mismatches=settings.allow_mismatches)
    return RunInputs(settings, vcf, genome, resolved, survey)


def _readable_again(settings: InputSettings, work: WorkFolder) -> str:
    """Returns a path of the variants that can be read repeatedly.

    Variants that come through a pipe are copied into the work folder, and those of a saturation are written there.

    Raises:
      EnformerVepError: they cannot be copied.
    """
    vcf, copy = settings.vcf, work.path / INPUT_NAME
    if settings.saturated is not None:
        write_changes(settings.saturated, copy)
        return str(copy)
    if vcf != STANDARD_INPUT and (os.path.isfile(vcf) or os.path.isdir(vcf) or not os.path.exists(vcf)):
        return vcf
    try:
        with copy.open("wb") as target:
            if vcf == STANDARD_INPUT:
                shutil.copyfileobj(sys.stdin.buffer, target)
            else:
                with open(vcf, "rb") as source:
                    shutil.copyfileobj(source, target)
    except OSError as error:
        raise EnformerVepError(f"cannot copy the variants to {copy}: {error.strerror}") from error
    return str(copy)


def _vcf_name(settings: InputSettings) -> str:
    return "standard input" if settings.vcf == STANDARD_INPUT else settings.vcf


def check_inputs(settings: ScoreSettings) -> None:
    """Checks that the files to be read exist, without reading them; the readers report all other problems.

    Raises:
      InputError: one does not exist.
    """
    if settings.inputs.vcf == STANDARD_INPUT:
        check_standard_input()
    elif settings.inputs.saturated is None:
        _check_exists(settings.inputs.vcf, "a VCF, plain or compressed with gzip or bgzip, or a BCF", VcfError)
    if settings.scoring.track_table is not None:
        _check_exists(settings.scoring.track_table, "a track table", TrackError)
    if settings.inputs.background is not None:
        _check_exists(settings.inputs.background, "a file that 'enformer-vep background' wrote", InputError)
    if settings.genes.gtf is not None:
        _check_exists(settings.genes.gtf, "a GTF, plain or compressed with gzip", GeneError)


def check_standard_input() -> None:
    """Checks that variants can be read from standard input.

    Raises:
      VcfError: it is a terminal.
    """
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise VcfError("standard input is a terminal: pipe a VCF into it, or name a file")


def _check_exists(path: str, expected: str, kind: type[InputError]) -> None:
    if not os.path.exists(path):
        raise kind(f"no such file: {path}: expected {expected}")


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
    known = [*genome.contigs, *sorted(survey.contigs - genome.contigs.keys())]
    detail = genome.names.of_other_length(name)
    return InputError(f"{problem}; {detail or f'they have {listed(known)}'}{did_you_mean(name, known)}")


def _what_was_asked(selection: Selection) -> str:
    tests = []
    if selection.named_regions:
        tests.append(f"within --region {listed(named.text for named in selection.named_regions)}")
    if selection.pass_only:
        tests.append("unfiltered (--pass-only)")
    if selection.include_ids is not None:
        tests.append("listed in --include-id")
    return " and ".join(tests)


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
        raise InputError(
            f"{problem}; to skip the alleles that do not match and continue, use {option('--allow-mismatches')}"
        )
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
    problem = (
        f"REF of {len(wrong)} of {num_judged} alleles checked in {vcf_name} differs from {genome.path} (first: "
        f"{first}, where the FASTA has {abbreviate(there)})"
    )
    if len(wrong) <= MAX_MISMATCHES * num_judged:
        logger.info("%s; such alleles are skipped", problem)
        return None
    if len(wrong) < MIN_MISMATCHES:
        logger.warning("%s; such alleles are skipped", problem)
        return None
    for shift, remedy in _SHIFTS.items():
        num_shifted, still_wrong = _judge(places, genome, shift)
        if num_shifted and len(still_wrong) <= MAX_MISMATCHES * num_shifted:
            return f"{problem}; {remedy}"
    num_swapped = sum(_letters(variant, genome, length=len(variant.alt)) == variant.alt.upper() for variant in wrong)
    if num_swapped > (1 - MAX_MISMATCHES) * len(wrong):
        return f"{problem}; REF and ALT look swapped: correct them with 'bcftools norm --check-ref s -f FASTA'"
    return f"{problem}; {_OTHER_ASSEMBLY}"


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


def write_changes(bases: SaturatedBases, path: Path) -> None:
    """Writes the changes of a saturation; equal saturations are equal files.

    Raises:
      EnformerVepError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", errors="surrogateescape") as lines:
            lines.write("##fileformat=VCFv4.2\n")
            lines.writelines(f"##contig=<ID={name}>\n" for name in dict.fromkeys(span.contig for span in bases.spans))
            lines.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
            for change in bases.changes():
                alts = ",".join(change.alts)
                lines.write(f"{change.contig}\t{change.pos}\t.\t{change.ref}\t{alts}\t.\t.\t.\n")
    except OSError as error:
        raise EnformerVepError(f"cannot write the list of changes to {path}: {cause(error)}") from error
