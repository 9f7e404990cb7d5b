"""A run's input files: checks that they exist, and copies variants that can be read only once."""

import os
import shutil
import sys

from enformer_vep.errors import EnformerVepError, FastaError, InputError, TrackError, VcfError
from enformer_vep.io.vcf import STANDARD_INPUT
from enformer_vep.run.parts import INPUT_NAME, WorkFolder
from enformer_vep.run.settings import ScoreSettings


def check_inputs(settings: ScoreSettings) -> None:
    """Checks that every input exists, without reading it; the readers report all other problems.

    Raises:
      InputError: one does not exist.
    """
    if settings.vcf == STANDARD_INPUT:
        if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
            raise VcfError("standard input is a terminal: pipe a VCF into it, or name a file")
    else:
        _check_exists(settings.vcf, "a VCF, plain or compressed with gzip or bgzip, or a BCF", VcfError)
    _check_exists(settings.fasta, "a FASTA file, plain or bgzipped", FastaError)
    if settings.track_table is not None:
        _check_exists(settings.track_table, "a track table", TrackError)


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
