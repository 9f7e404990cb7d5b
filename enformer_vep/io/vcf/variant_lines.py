"""Lines of variants that are not VCF: tables without a VCF header, and lists like chr1:900016:G:T."""

import re
from collections.abc import Iterator

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
    are_sequences = [bool(_SEQUENCE.fullmatch(found)) for found in alts]
    return any(are_sequences) and all(
        is_sequence or _OTHER_ALT.fullmatch(found) for found, is_sequence in zip(alts, are_sequences, strict=True)
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
