"""A run's input files: checks and opens them, and copies variants that can be read only once."""

import logging
import os
import shutil
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from enformer_vep.errors import EnformerVepError, GeneError, InputError, TrackError, VcfError
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.made_variants import write_changes
from enformer_vep.io.vcf.reader import STANDARD_INPUT, VcfReader
from enformer_vep.io.vcf.selection import Selection
from enformer_vep.io.vcf.survey import Survey, survey_vcf
from enformer_vep.run.score.assembly import check_assembly
from enformer_vep.run.score.selected import check_selected
from enformer_vep.run.score.work_folder import INPUT_NAME, WorkFolder
from enformer_vep.run.settings import InputSettings, ScoreSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunInputs:
    """The opened inputs of a run.

    Attributes:
      settings: what the user asked for.
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
        return vcf_name(self.settings)

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

    def parts(self, part_size: int) -> Generator[list[VcfAllele], None, None]:
        """Yields the alleles of this run in parts of one size; the last part has the rest."""
        first = self.share[0]
        with closing(VcfReader(self.vcf, self.selection, name=self.vcf_name, first_allele=first)) as reader:
            alleles = islice(reader, self.num_alleles)
            for _ in range(-(-self.num_alleles // part_size)):
                yield list(islice(alleles, part_size))


def open_inputs(settings: InputSettings, genome: Genome, selection: Selection, work: WorkFolder) -> RunInputs:
    """Reads the VCF once from end to end, and compares it with the FASTA and the selection.

    Args:
      settings: what the user asked for.
      genome: the FASTA.
      selection: the records that are wanted.
      work: where a copy is kept of variants that can be read only once.

    Raises:
      InputError: the VCF cannot be read, or does not fit the FASTA or the selection.
      EnformerVepError: the VCF is damaged, or cannot be copied.
    """
    name = vcf_name(settings)
    vcf = _find_variants(settings, work)
    resolved = selection.with_names(genome.resolve)
    survey = survey_vcf(vcf, resolved, name=name)
    if survey.notice:
        logger.info("%s", survey.notice)
    check_selected(survey, genome, selection, name)
    check_assembly(survey, genome, name, allow_mismatches=settings.allow_mismatches)
    return RunInputs(settings, vcf, genome, resolved, survey)


def _find_variants(settings: InputSettings, work: WorkFolder) -> str:
    """Returns a path of the variants that can be read repeatedly; those of a saturation are written there first."""
    if settings.saturated is None:
        return keep_piped_input(settings.vcf, work)
    path = work.path / INPUT_NAME
    write_changes(settings.saturated, path)
    return str(path)


def vcf_name(settings: InputSettings) -> str:
    """Returns the VCF's name in messages."""
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


def keep_piped_input(vcf: str, work: WorkFolder) -> str:
    """Copies variants that can be read only once into the work folder; returns a path that can be read repeatedly.

    Raises:
      EnformerVepError: they cannot be copied.
    """
    if vcf != STANDARD_INPUT and (os.path.isfile(vcf) or os.path.isdir(vcf) or not os.path.exists(vcf)):
        return vcf
    copy = work.path / INPUT_NAME
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
