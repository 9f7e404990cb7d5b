"""Reads the header of VCF text, or recognises what a file without one is instead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from enformer_vep.errors import VcfError

COLUMN_NAMES = (b"CHROM", b"POS", b"ID", b"REF", b"ALT")

# From the right, as a contig's name may have separators of its own. GTEx puts the assembly at the end: _b38.
_VARIANT = re.compile(rb"(\S+)[:_-](\d{1,18})(?:[:_-]|\s+)([A-Za-z]+)[:_>/-]([A-Za-z*,]+?)(?:_b3[78])?")
_SEQUENCE = re.compile(rb"[ACGTNacgtn]+")
_OTHER_ALT = re.compile(rb"\*|\.|<[^<>\s]+>")
_TITLE = re.compile(rb"#?[A-Za-z][A-Za-z_ .-]{,40}")
_RS_ID = re.compile(rb"rs\d+")


def content_lines(start: bytes) -> Iterator[bytes]:
    """Yields those of a file's first lines that are neither blank nor comments; '##' and '#CHROM' are not comments."""
    for line in start.split(b"\n"):
        stripped = line.strip()
        if stripped and (not stripped.startswith(b"#") or stripped.startswith(b"##") or is_column_names(stripped)):
            yield line.rstrip(b"\r")


def is_column_names(line: bytes) -> bool:
    """Returns whether a line names VCF's first five columns, with or without '#', ignoring case."""
    names = line.removeprefix(b"#").upper().split(b"\t", len(COLUMN_NAMES))[: len(COLUMN_NAMES)]
    return tuple(name.strip() for name in names) == COLUMN_NAMES


def is_table_row(line: bytes) -> bool:
    """Returns whether a line is plainly VCF's first five columns, with sequences for REF and ALT.

    It is not if the second and third column may be a start and an end, as in BED and ANNOVAR's input.
    """
    fields = line.split(b"\t", len(COLUMN_NAMES))
    if len(fields) < len(COLUMN_NAMES):
        return False
    chrom, pos, name, ref, alt = fields[: len(COLUMN_NAMES)]
    if not chrom or chrom.split() != [chrom] or not pos.isdigit() or len(pos) > 18 or not _SEQUENCE.fullmatch(ref):
        return False
    if name.isdigit() and len(name) < 18 and 0 <= int(name) - int(pos) <= len(ref):
        return False
    alts = alt.split(b",")
    are_sequences = [bool(_SEQUENCE.fullmatch(text)) for text in alts]
    return any(are_sequences) and all(
        is_sequence or _OTHER_ALT.fullmatch(text) for text, is_sequence in zip(alts, are_sequences, strict=True)
    )


def is_list(lines: list[bytes]) -> bool:
    """Returns whether a file's first two lines are those of a list: variants, or a title and a variant."""
    if len(lines) > 1 and is_title(lines[0]):
        lines = lines[1:]
    fields = split_variant(lines[0]) if lines else None
    return fields is not None and all(_SEQUENCE.fullmatch(allele) for allele in (fields[3], *fields[4].split(b",")))


def is_title(line: bytes) -> bool:
    """Returns whether a line of a list may be the title above it, such as 'variant_id'."""
    return _TITLE.fullmatch(line.strip()) is not None


def is_rs_id(line: bytes) -> bool:
    """Returns whether a line is an rsID."""
    return _RS_ID.fullmatch(line.strip()) is not None


def split_variant(line: bytes) -> list[bytes] | None:
    """Splits a line of a list into VCF's first five columns; None if it is not a variant.

    The contig may have separators in it: `HLA-A*01:01:5:A:C` is position 5 of HLA-A*01:01.
    """
    match = _VARIANT.fullmatch(line.strip())
    if match is None:
        return None
    chrom, pos, ref, alt = match.groups()
    return [chrom, pos, b".", ref, alt]


COLUMNS = (b"#" + COLUMN_NAMES[0], *COLUMN_NAMES[1:], b"QUAL", b"FILTER", b"INFO")

_FIRST_LINE = b"##fileformat=VCF"
_OLD_VERSION = re.compile(rb"##(?:file)?format=VCFv?([0-3](?:\.\d+)?)\s")
_CONTIG = re.compile(rb"##contig=<(?:.*,)?ID=([^,>]+)")
_EXPECTED = "expected a first line '##fileformat=VCFv4.x'"
_EXPECTED_ROWS = (
    "or rows that begin with CHROM, POS, ID, REF and ALT separated by tabs, or one variant per line as in "
    "chr1:900016:G:T"
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
    """The lines before the first record.

    Attributes:
      num_lines: how many lines these are.
      rest: the lines after them.
      contigs: the contigs that are declared.
      is_list: whether each line is a variant like chr1:900016:G:T, instead of a VCF's columns.
      notice: a sentence on what the file lacks; empty if it has a VCF header.
    """

    num_lines: int
    rest: Iterator[bytes]
    contigs: frozenset[str] = frozenset()
    is_list: bool = False
    notice: str = ""


def read_header(lines: Iterator[bytes], start: bytes, name: str) -> Header:
    """Reads the lines up to and including the #CHROM line, or as many of them as there are.

    Args:
      lines: the lines of the file.
      start: the first bytes of the file, inflated.
      name: the file's name in messages.

    Raises:
      VcfError: the file does not have a VCF header, and is not a table or list of variants either.
    """
    if start.startswith(_BYTE_ORDER_MARK):
        raise VcfError(f"{name} begins with a byte order mark: {_EXPECTED}; save it as UTF-8 without BOM")
    if b"\r" in start and b"\n" not in start:  # checked first, as the whole file would be one line
        raise VcfError(
            f"{name} uses carriage returns as line ends: expected line feeds; convert them with tr '\\r' '\\n'"
        )
    if match := _OLD_VERSION.match(start):
        raise VcfError(
            f"{name} is VCF {match[1].decode()}, which writes insertions and deletions differently: expected VCF "
            "4.0 or later; convert it with 'vcf-convert -r FASTA' from VCFtools"
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
            if not is_table_row(line):
                raise VcfError(
                    f"{name} line {num_lines}: expected a #CHROM line before the first record, found {show(line)}; "
                    "check that the header is complete"
                )
            return Header(num_lines - 1, chain([line], lines), frozenset(contigs), notice=_table_notice(name))
    if not num_lines:
        raise VcfError(f"{name} is empty: {_EXPECTED}")
    raise VcfError(f"{name} has no #CHROM line: expected one at the end of the header, found the end of the file")


def _read_bare(lines: Iterator[bytes], start: bytes, name: str) -> Header:
    """Treats a file without '##fileformat' as a table or a list of variants, if its first lines look like one."""
    first = list(islice(content_lines(start), 2))
    if not first:
        raise _not_vcf(start, name)
    if is_column_names(first[0]):
        num_lines = 0
        for line in lines:
            num_lines += 1
            if is_column_names(line.strip()):
                break
        return Header(num_lines, lines, notice=f"{name} has no '##fileformat' line: it is read as VCF")
    if is_table_row(first[0]):
        return Header(0, lines, notice=_table_notice(name))
    if is_list(first):
        has_title = len(first) > 1 and is_title(first[0])
        num_lines = 0
        if has_title:
            num_lines = next(number for number, line in enumerate(lines, start=1) if line.strip() == first[0].strip())
        title = f", below the title {show(first[0].strip())}" if has_title else ""
        return Header(
            num_lines, lines, is_list=True, notice=f"{name} is read as a list of variants, CHROM:POS:REF:ALT{title}"
        )
    if any(map(is_rs_id, first)):
        raise VcfError(
            f"{name} is a list of rsIDs, which give neither positions nor alleles: expected a VCF, or one variant per "
            "line as in chr1:900016:G:T; look them up in a dbSNP VCF of the FASTA's assembly with "
            "\"bcftools view -i 'ID=@LIST' dbsnp.vcf.gz -o variants.vcf\", and score the result"
        )
    raise _not_vcf(start, name)


def _table_notice(name: str) -> str:
    return f"{name} has no #CHROM line: its columns are read as CHROM, POS, ID, REF, ALT ..., as in VCF"


def _check_columns(line: bytes, name: str, number: int) -> str:
    """Checks the #CHROM line; returns a notice if it lacks columns that are not needed."""
    where = f"{name} line {number}"
    columns = line.split(b"\t", len(COLUMNS))[: len(COLUMNS)]
    if len(columns) < len(COLUMN_NAMES):
        raise VcfError(
            f"{where}: expected a #CHROM line of at least {len(COLUMNS)} columns separated by tabs, found "
            f"{len(columns)}: {show(line)}; separate the columns with tabs, here and in the records"
        )
    for expected, column in zip(COLUMNS, columns, strict=False):
        if expected != column.strip():
            raise VcfError(f"{where}: expected column {expected.decode()}, found {show(column)}")
    missing = COLUMNS[len(columns) :]
    return f"{name} is read without {', '.join(map(bytes.decode, missing))}, which it does not have" if missing else ""


def _not_vcf(start: bytes, name: str) -> VcfError:
    for magic, kind in _NOT_VCF:
        if start.startswith(magic):
            return VcfError(f"{name} is not a VCF: {_EXPECTED}, found {kind}")
    first_line = start.split(b"\n", 1)[0]
    return VcfError(f"{name} is not a VCF: {_EXPECTED}, {_EXPECTED_ROWS}; found {show(first_line)}")


def to_text(field: bytes) -> str:
    """Decodes a field; bytes that are not UTF-8 are kept as surrogates, to be written unchanged."""
    return field.decode("utf-8", "surrogateescape")


def show(text: bytes) -> str:
    """Returns the start of some bytes in a form that can be printed in one line."""
    return repr(to_text(text[:_NUM_SHOWN])) + ("..." if len(text) > _NUM_SHOWN else "")
