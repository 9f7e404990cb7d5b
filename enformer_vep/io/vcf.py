"""Reads variants from VCF, bgzipped VCF or BCF, through pysam."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pysam

from enformer_vep.errors import VcfError
from enformer_vep.variant import MISSING, Variant

STANDARD_INPUT = "-"

_EXPECTED = "expected a VCF, bgzipped VCF or BCF file with its header"


class VcfReader:
    """The alleles of a VCF: an iterator that is used once. Genotypes are not read."""

    def __init__(self, path: str) -> None:
        """Opens a VCF and reads its header.

        Args:
          path: the file, '-' for standard input.

        Raises:
          VcfError: there is no such file, or it is not a VCF.
        """
        self.path = path
        self.name = "standard input" if path == STANDARD_INPUT else path
        self.num_records = 0
        if path == STANDARD_INPUT:
            if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
                raise VcfError("standard input is a terminal: pipe a VCF into it, or name a file")
        elif Path(path).is_dir():
            raise VcfError(f"{path} is a folder: {_EXPECTED}")
        elif not Path(path).exists():
            raise VcfError(f"no such file: {path}: {_EXPECTED}")
        elif not os.access(path, os.R_OK):
            raise VcfError(f"{path} cannot be read: permission denied")
        pysam.set_verbosity(0)  # htslib writes to standard error what is raised here
        try:
            self._file = pysam.VariantFile(path, drop_samples=True)
        except NotImplementedError as error:
            raise VcfError(
                f"{self.name} is compressed by gzip: expected bgzip; run 'gunzip' or 'bgzip' on it"
            ) from error
        except (OSError, ValueError) as error:
            if "EOF marker" in str(error):
                raise VcfError(f"{self.name} is cut short: its last bgzip block is missing; copy it again") from error
            raise VcfError(
                f"{self.name} is not a VCF: {_EXPECTED}, that begins with ##fileformat and has a #CHROM line"
            ) from error

    def __iter__(self) -> Iterator[Variant]:
        """Yields every ALT allele of every record, in the file's order.

        A record without ALT gives one allele, '.'.

        Raises:
          VcfError: the file is cut short, damaged, or has a line that is not a record.
        """
        records = iter(self._file)
        while True:
            try:
                record = next(records)
                chrom, pos, name, ref, alts = record.chrom, record.pos, record.id, record.ref, record.alts
            except StopIteration:
                return
            except NotImplementedError as error:
                raise VcfError(
                    f"{self.name} is compressed by gzip: expected bgzip; run 'gunzip' or 'bgzip' on it"
                ) from error
            except (OSError, ValueError) as error:
                raise VcfError(
                    f"{self.name} is cut short or damaged: record {self.num_records + 1} cannot be read ({error}); "
                    f"{self.num_records} records before it could"
                ) from error
            for allele, alt in enumerate(alts or (MISSING,), start=1):
                yield Variant(chrom, pos, name or MISSING, ref or MISSING, alt, self.num_records, allele)
            self.num_records += 1

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def count_alleles(path: str) -> int | None:
    """Counts the ALT alleles of a file, None for standard input, which can be read only once.

    Raises:
      VcfError: the file cannot be read to its end.
    """
    if path == STANDARD_INPUT or not Path(path).is_file():
        return None
    with closing(VcfReader(path)) as reader:
        return sum(1 for _ in reader)
