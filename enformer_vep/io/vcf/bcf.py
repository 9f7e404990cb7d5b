"""Reads the records of a BCF through pysam."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import IO, NamedTuple

import pysam

from enformer_vep.errors import DamagedVcfError, VcfError
from enformer_vep.genome.variant import MISSING
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.wording import cause

BCF_MAGIC = b"BCF"

_READ_MAGIC = b"BCF\x02\x02"
_PYSAM_ERRORS = (OSError, ValueError, NotImplementedError, KeyError, IndexError, TypeError, AssertionError, MemoryError)


class BcfRecord(NamedTuple):
    """The fields of a record that are read; `filters` are separated by ';'."""

    chrom: str
    pos: int
    id: str
    ref: str
    alts: tuple[str, ...]
    filters: str


class BcfFile:
    """A BCF that is read once.

    Attributes:
      contigs: the contigs that its header declares, which are all that it can have.
    """

    def __init__(self, path: str, stream: VcfStream) -> None:
        """Opens a file.

        Args:
          path: the file.
          stream: the same file, opened but not read any further.

        Raises:
          VcfError: it cannot be read, or its version is not 2.2.
          DamagedVcfError: it is cut short.
        """
        self._name = stream.name
        self._spool: IO[bytes] | None = None
        if not stream.start.startswith(_READ_MAGIC):
            raise _wrong_version(stream.start, self._name)
        if not stream.is_regular:  # htslib needs its start, which has been read already
            self._spool = tempfile.NamedTemporaryFile(prefix="enformer-vep-", suffix=".bcf")  # noqa: SIM115
            stream.copy_to(self._spool)
            self._spool.flush()
            path = self._spool.name
        try:
            with closing(VcfStream(path, self._name)) as whole:
                if whole.is_bgzip and not whole.has_end_block():
                    raise DamagedVcfError(f"{self._name} is cut short: its last bgzip block is missing; copy it again")
            pysam.set_verbosity(0)  # htslib would also print what is raised here
            self._file = pysam.VariantFile(path, drop_samples=True)
            self.contigs = frozenset(map(str, self._file.header.contigs))
        except VcfError:
            self._drop_spool()
            raise
        except _PYSAM_ERRORS as error:
            self._drop_spool()
            raise VcfError(
                f"{self._name} is a BCF that cannot be read: expected BCF 2.2 with a complete header, plain or "
                f"compressed with bgzip, found {cause(error)}"
            ) from error

    def records(self) -> Iterator[BcfRecord]:
        """Yields the records, in the file's order.

        Raises:
          DamagedVcfError: the file is cut short or damaged; the records before were yielded.
        """
        records = iter(self._file)
        num_records = 0
        while True:
            try:
                record = next(records)
                fields = BcfRecord(
                    record.chrom,
                    record.pos,
                    record.id or MISSING,
                    record.ref or MISSING,
                    tuple(alt or "" for alt in record.alts or (MISSING,)),
                    ";".join(record.filter.keys()) or MISSING,
                )
            except StopIteration:
                return
            except _PYSAM_ERRORS as error:
                raise DamagedVcfError(
                    f"{self._name} is cut short or damaged: record {num_records + 1} cannot be read "
                    f"({cause(error)}); copy it again"
                ) from error
            num_records += 1
            yield fields

    def close(self) -> None:
        """Closes the file."""
        with suppress(OSError):  # htslib repeats here the error that it reported while reading a damaged file
            self._file.close()
        self._drop_spool()

    def _drop_spool(self) -> None:
        if self._spool is not None:
            self._spool.close()


def _wrong_version(start: bytes, name: str) -> VcfError:
    version = start[len(BCF_MAGIC) :][:2]
    if version[:1] == b"\x04":
        return VcfError(
            f"{name} is BCF 1: expected BCF 2.2 or VCF; convert it to VCF with 'bcftools view' from samtools 0.1.19, "
            "which wrote such files"
        )
    if version[:1] == b"\x02" and len(version) == 2:
        return VcfError(
            f"{name} is BCF 2.{version[1]}: expected BCF 2.2 or VCF; convert it with a tool that reads it, such as "
            f"'gatk SelectVariants -V IN.bcf -O OUT.vcf.gz' for BCF 2.1 (bcftools 1.x reads only BCF 2.2)"
        )
    return VcfError(f"{name} begins like a BCF, but its version is unknown: expected BCF 2.2 or VCF; copy it again")
