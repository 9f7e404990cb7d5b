"""Annotates the text of a VCF: header lines and entries of INFO are put in, and every other byte stays as it is."""

from collections.abc import Callable, Iterator, Set
from contextlib import closing
from dataclasses import dataclass, field

from enformer_vep.errors import VcfError
from enformer_vep.io.vcf.annotations import ABOUT_KEY, ENFORMER, Annotation, Annotations, Declarations
from enformer_vep.io.vcf.header import Header, read_header, to_text
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.io.vcf.tabix import VcfOrder

_INFO = 7
"""The place of INFO among a record's columns."""

_ENFORMER = ENFORMER.encode()

_MAX_POS_DIGITS = 19

_FLUSH_BYTES = 1 << 18

Write = Callable[[bytes], object]


@dataclass
class Annotated:
    """Counts of annotated records, and the order of the VCF.

    Attributes:
      num_records: records of the VCF.
      num_annotated: those of them that have annotations now.
      num_without_info: those that should have, and lack the column INFO.
      order: whether the VCF is sorted.
    """

    num_records: int = 0
    num_annotated: int = 0
    num_without_info: int = 0
    order: VcfOrder = field(default_factory=VcfOrder)


def annotate_text(path: str, declarations: Declarations, annotations: Annotations, write: Write) -> Annotated:
    """Copies a VCF with annotations.

    Args:
      path: the VCF, plain or compressed with gzip or bgzip.
      declarations: the fields that are written, in place of those of earlier annotations.
      annotations: their values.
      write: takes the text of the annotated VCF in pieces.

    Raises:
      VcfError: it is not a VCF with a complete header, or is damaged.
      InputError: the annotations are those of another VCF.
    """
    header = checked_header(path)
    annotated = Annotated()
    with closing(VcfStream(path, path)) as stream:
        lines = stream.raw_lines()
        replaced = _write_header(lines, header, declarations, write)
        waiting: list[bytes] = []
        num_bytes = 0
        for line in _annotated_lines(lines, declarations, annotations, replaced, annotated):
            waiting.append(line)
            num_bytes += len(line)
            if num_bytes > _FLUSH_BYTES:
                write(b"".join(waiting))
                waiting, num_bytes = [], 0
        write(b"".join(waiting))
    annotations.check_end(annotated.num_records)
    return annotated


def checked_header(path: str) -> Header:
    """Reads the header of a VCF's text.

    Raises:
      VcfError: it cannot be read, or has no place for annotations.
    """
    with closing(VcfStream(path, path)) as stream:
        header = read_header(stream.lines(), stream.start, path)
    if header.notice:
        raise VcfError(
            f"{header.notice}; expected a VCF with '##fileformat', a #CHROM line and a column INFO, where annotations "
            "can be written: convert it to VCF and score that"
        )
    return header


def _write_header(lines: Iterator[bytes], header: Header, declarations: Declarations, write: Write) -> Set[bytes]:
    """Writes the header; returns the keys of the fields that are replaced."""
    replaced = {each.key.encode() for each in declarations.fields}
    for number in range(1, header.num_lines + 1):
        line = next(lines)
        text = to_text(line)
        if number == header.num_lines:  # the #CHROM line
            end = line[len(line.rstrip(b"\r\n")) :] or b"\n"
            write(b"".join(added.encode("utf-8", "surrogateescape") + end for added in declarations.lines))
            # A header without records may lack its line's end, and so it does here.
        elif text.startswith(f"##{ABOUT_KEY}="):
            continue
        elif key := declarations.replaced_key(text):
            replaced.add(key.encode("utf-8", "surrogateescape"))
            continue
        write(line)
    return replaced


def _annotated_lines(
    lines: Iterator[bytes],
    declarations: Declarations,
    annotations: Annotations,
    replaced: Set[bytes],
    annotated: Annotated,
) -> Iterator[bytes]:
    keys = [each.key.encode() + b"=" for each in declarations.fields]
    see = annotated.order.see
    for line in lines:
        body = line.rstrip(b"\r\n")
        if not body or body.startswith(b"#"):
            yield line
            continue
        fields = body.split(b"\t", _INFO + 1)
        values = annotations.of_record(annotated.num_records, fields)
        annotated.num_records += 1
        if len(fields) >= 5 and fields[1].isdigit() and len(fields[1]) <= _MAX_POS_DIGITS:
            see(fields[0], int(fields[1]), len(fields[3]))
        if len(fields) <= _INFO:
            annotated.num_without_info += bool(values)
            yield line
            continue
        old = info = fields[_INFO]
        if _ENFORMER in info:  # as in the key of every field that is replaced
            kept = [entry for entry in info.split(b";") if entry.split(b"=", 1)[0] not in replaced]
            info = b";".join(kept) or b"."
        if values:
            annotated.num_annotated += 1
            added = _entries(keys, values)
            if info in (b".", b""):
                info = added
            else:
                info += added if info.endswith(b";") else b";" + added
        if info is old:
            yield line
            continue
        fields[_INFO] = info
        yield b"\t".join(fields) + line[len(body) :]


def _entries(keys: list[bytes], annotations: list[Annotation]) -> bytes:
    """Returns the fields of a record with their values; a field without any value is left out."""
    if len(annotations) == 1:
        by_field: Iterator[bytes] = iter(annotations[0].values)
    else:
        by_field = map(b",".join, zip(*(annotation.values for annotation in annotations), strict=True))
    return b";".join(key + values for key, values in zip(keys, by_field, strict=True) if values.strip(b".,"))
