"""Reads the header of VCF text, and says of a file that has none what it is instead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from enformer_vep.errors import VcfError
from enformer_vep.io import variant_lines

COLUMNS = (b"#CHROM", b"POS", b"ID", b"REF", b"ALT", b"QUAL", b"FILTER", b"INFO")

_FIRST_LINE = b"##fileformat=VCF"
_OLD_VERSION = re.compile(rb"##(?:file)?format=VCFv?([0-3](?:\.\d+)?)\s")
_CONTIG = re.compile(rb"##contig=<(?:.*,)?ID=([^,>]+)")
_EXPECTED = "expected a first line '##fileformat=VCFv4.x'"
_EXPECTED_ROWS = (
    "or rows that begin with CHROM, POS, ID, REF and ALT separated by tabs, or one variant a line as in chr1:900016:G:T"
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUM_SHOWN = 60
_NOT_VCF = (
    (b">", "FASTA"),
    (b"BZh", "bzip2: run 'bunzip2' on it"),
    (b"PK\x03\x04", "zip: run 'unzip' on it"),
    (b"\xfd7zXZ", "xz: run 'unxz' on it"),
    (b"\x28\xb5\x2f\xfd", "zstd: run 'unzstd' on it"),
    (b"BAM\x01", "BAM"),
    (b"CRAM", "CRAM"),
)


@dataclass(frozen=True)
class Header:
    """What stands before the first record.

    Attributes:
      num_lines: how many lines that is.
      rest: the lines from there on.
      contigs: the contigs that are declared.
      is_list: whether each line is a variant like chr1:900016:G:T, instead of a VCF's columns.
      notice: a sentence on what the file lacks, empty if it has a VCF's header.
    """

    num_lines: int
    rest: Iterator[bytes]
    contigs: frozenset[str] = frozenset()
    is_list: bool = False
    notice: str = ""


def read_header(lines: Iterator[bytes], start: bytes, name: str) -> Header:
    """Reads lines up to and with the #CHROM line, or as much as there is of that.

    Args:
      lines: the lines of the file.
      start: the first bytes of the file, inflated.
      name: what messages call the file.

    Raises:
      VcfError: it is the header of no VCF, and the file is no table or list of variants either.
    """
    if start.startswith(_BYTE_ORDER_MARK):
        raise VcfError(f"{name} begins with a byte order mark: {_EXPECTED}; save it as UTF-8 without BOM")
    if b"\r" in start and b"\n" not in start:  # before a line is looked for, which would be all the file
        raise VcfError(
            f"{name} has carriage returns alone for line ends: expected line feeds; put them in with tr '\\r' '\\n'"
        )
    if match := _OLD_VERSION.match(start):
        raise VcfError(
            f"{name} is VCF {match[1].decode()}, which writes insertions and deletions in another way: expected VCF "
            "4.0 or later; convert it with 'vcf-convert -r FASTA' of VCFtools"
        )
    if start and not start.startswith(_FIRST_LINE):
        return _read_bare(lines, start, name)
    num_lines = 0
    contigs: set[str] = set()
    for line in lines:
        num_lines += 1
        if match := _CONTIG.match(line):
            contigs.add(to_text(match[1]))
        if line.startswith(COLUMNS[0]):
            notice = _check_columns(line, name, num_lines)
            return Header(num_lines, lines, frozenset(contigs), notice=notice)
        if line and not line.startswith(b"#"):
            if not variant_lines.is_table_row(line):
                raise VcfError(
                    f"{name} line {num_lines}: expected a #CHROM line before the first record, found {show(line)}; is "
                    "the header whole?"
                )
            return Header(num_lines - 1, chain([line], lines), frozenset(contigs), notice=_table_notice(name))
    if not num_lines:
        raise VcfError(f"{name} is empty: {_EXPECTED}")
    raise VcfError(f"{name} has no #CHROM line: expected one at the end of the header, found the file's end")


def _read_bare(lines: Iterator[bytes], start: bytes, name: str) -> Header:
    """Takes a file without '##fileformat' for a table or a list of variants, if its first lines are such."""
    first = list(islice(variant_lines.content_lines(start), 2))
    if not first:
        raise _not_vcf(start, name)
    if variant_lines.is_column_names(first[0]):
        num_lines = 0
        for line in lines:
            num_lines += 1
            if variant_lines.is_column_names(line.strip()):
                break
        return Header(num_lines, lines, notice=f"{name} has no '##fileformat' line: it is read as VCF")
    if variant_lines.is_table_row(first[0]):
        return Header(0, lines, notice=_table_notice(name))
    if variant_lines.is_list(first):
        has_title = len(first) > 1 and variant_lines.is_title(first[0])
        num_lines = 0
        if has_title:
            num_lines = next(number for number, line in enumerate(lines, start=1) if line.strip() == first[0].strip())
        title = f", below the title {show(first[0].strip())}" if has_title else ""
        return Header(
            num_lines, lines, is_list=True, notice=f"{name} is read as a list of variants, CHROM:POS:REF:ALT{title}"
        )
    if any(map(variant_lines.is_rs_id, first)):
        raise VcfError(
            f"{name} is a list of rsIDs, which say neither place nor alleles: expected a VCF, or one variant a line as "
            f"in chr1:900016:G:T; look them up with \"bcftools view -i 'ID=@LIST' dbsnp.vcf.gz -o variants.vcf\" in "
            "a dbSNP VCF of the FASTA's assembly, and score that"
        )
    raise _not_vcf(start, name)


def _table_notice(name: str) -> str:
    return f"{name} has no #CHROM line: its columns are read as CHROM, POS, ID, REF, ALT ..., as in VCF"


def _check_columns(line: bytes, name: str, number: int) -> str:
    """Checks the #CHROM line; returns a notice if it lacks columns that are not needed."""
    where = f"{name} line {number}"
    columns = line.split(b"\t", len(COLUMNS))[: len(COLUMNS)]
    if len(columns) < len(variant_lines.COLUMN_NAMES):
        raise VcfError(
            f"{where}: expected a #CHROM line of at least {len(COLUMNS)} columns separated by tabs, found "
            f"{len(columns)}: {show(line)}; put tabs between the columns, here and in the records"
        )
    for expected, found in zip(COLUMNS, columns, strict=False):
        if expected != found.strip():
            raise VcfError(f"{where}: expected column {expected.decode()}, found {show(found)}")
    missing = COLUMNS[len(columns) :]
    return f"{name} has no column {', '.join(map(bytes.decode, missing))}: it is read without" if missing else ""


def _not_vcf(start: bytes, name: str) -> VcfError:
    for magic, kind in _NOT_VCF:
        if start.startswith(magic):
            return VcfError(f"{name} is not a VCF: {_EXPECTED}, found {kind}")
    first_line = start.split(b"\n", 1)[0]
    return VcfError(f"{name} is not a VCF: {_EXPECTED}, {_EXPECTED_ROWS}; found {show(first_line)}")


def to_text(field: bytes) -> str:
    """Decodes a field; bytes that are no UTF-8 are kept as surrogates, to be written as they were."""
    return field.decode("utf-8", "surrogateescape")


def show(text: bytes) -> str:
    """Returns the start of bytes as it can be printed in one line."""
    return repr(to_text(text[:_NUM_SHOWN])) + ("..." if len(text) > _NUM_SHOWN else "")
