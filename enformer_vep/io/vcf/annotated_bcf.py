"""Annotates BCF: entries are put into the INFO of its records, and every other byte of them stays as it is.

Format: hts-specs, VCFv4.3.pdf, section 6. pysam is not used to write records: it puts an END into the INFO of a record
with a symbolic allele that has none, and leaves the header without it.
"""

import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing

import pysam
import pysam.bcftools

from enformer_vep.errors import DamagedVcfError, EnformerVepError, InputError
from enformer_vep.io.vcf.annotated_vcf import Annotated, Write
from enformer_vep.io.vcf.annotations import ABOUT_KEY, Annotation, Annotations, Declarations, line_item
from enformer_vep.io.vcf.bcf import BcfFile
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.wording import cause, shortened

MAGIC = b"BCF\x02\x02"

_DICTIONARY_LINE = re.compile(r"##(INFO|FILTER|FORMAT|contig)=<")

_CHAR, _FLOAT = 7, 5
_INTEGERS = {1: "<b", 2: "<h", 3: "<i"}
_SIZES = {0: 0, 1: 1, 2: 2, 3: 4, _FLOAT: 4, _CHAR: 1}
_LONG = 15
"""A count that says that a longer one follows."""

_MISSING_FLOAT = struct.pack("<I", 0x7F800001)

_FIXED = struct.Struct("<iiifII")
"""CHROM, POS, the length of REF, QUAL, numbers of alleles and of entries of INFO, and of formats and samples."""

MAX_POS = 2**31 - 1
"""The last position that BCF can hold."""

# The first ID is the line's own: a description may have another.
_DECLARED = re.compile(r"##(contig|FILTER|INFO|FORMAT)=<(?:.*?,)??ID=([^,>]+)")

_FORMAT = 8

_LENGTH = struct.Struct("<I")

_LENGTHS = struct.Struct("<II")

FORMATS = {"vcf": "v", "vcf.gz": "z", "bcf": "b"}
"""The formats that can be written, with their names in bcftools."""


class BcfDictionary:
    """The names that numbers in records stand for: of contigs, fields and filters."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.contigs: dict[int, str] = {}
        self._numbers: dict[str, int] = {"PASS": 0}
        self._lines = [self._numbered(line) for line in lines]

    @property
    def lines(self) -> list[str]:
        """The header's lines, each that is in a dictionary with its number there."""
        return self._lines

    def number(self, name: str) -> int:
        """Returns the number of a field's name, which is given one if it has none."""
        return self._numbers.setdefault(name, max(self._numbers.values()) + 1)

    def _numbered(self, line: str) -> str:
        kind = _DICTIONARY_LINE.match(line)
        name, idx = line_item(line, "ID"), line_item(line, "IDX")
        if kind is None or name is None:
            return line
        if kind[1] == "contig":
            number = max(self.contigs, default=-1) + 1 if idx is None else int(idx)
            self.contigs[number] = name
        else:
            if idx is not None:
                self._numbers[name] = int(idx)
            number = self.number(name)
        return with_number(line, number) if idx is None else line


def with_number(line: str, number: int) -> str:
    """Returns a header line with its number in the dictionary."""
    return f"{line.rstrip().removesuffix('>')},IDX={number}>"


class RawBcfRecord:
    """The first part of a record.

    Attributes:
      rid: number of its contig.
      pos: its position, from 1.
      rlen: the length of REF, or that to END.
      ref: REF.
      alts: ALTs.
    """

    def __init__(self, shared: bytes) -> None:
        """Reads the bytes that all samples share.

        Raises:
          ValueError: they are damaged.
        """
        try:
            self.rid, pos, self.rlen, _, self._numbers, _ = _FIXED.unpack_from(shared)
            self.pos = pos + 1
            self._shared = shared
            place = _skip(shared, _FIXED.size)  # ID
            alleles = []
            for _ in range(self._numbers >> 16):
                start, place = _value(shared, place)
                alleles.append(shared[start:place])
            self.ref, self.alts = (alleles[0], alleles[1:]) if alleles else (b".", [])
            self._info = place = _skip(shared, place)  # after FILTER
            self._entries: list[tuple[int, bytes]] = []
            for _ in range(self._numbers & 0xFFFF):
                start, (at, end) = place, _value(shared, place)
                number = struct.unpack_from(_INTEGERS[shared[start] & 15], shared, at)[0]
                place = _skip(shared, end)
                self._entries.append((number, shared[start:place]))
            self._end = place
        except (struct.error, IndexError, KeyError) as error:
            raise ValueError("its bytes are not those of a record") from error

    def with_info(self, removed: set[int], added: Sequence[bytes]) -> bytes:
        """Returns the bytes with other entries of INFO.

        Args:
          removed: numbers of the fields that are left out.
          added: entries that are put at the end.
        """
        shared = self._shared
        entries = [*(entry for number, entry in self._entries if number not in removed), *added]
        fixed = list(_FIXED.unpack_from(shared))
        numbers = (self._numbers & ~0xFFFF) | len(entries)
        # QUAL is taken as bytes: a missing one is a NaN that must not become another.
        head = struct.pack("<iii", *fixed[:3]) + shared[12:16] + struct.pack("<II", numbers, fixed[5])
        return b"".join([head, shared[_FIXED.size : self._info], *entries, shared[self._end :]])


def text_entry(number: int, text: bytes) -> bytes:
    """Returns an entry of INFO that is text."""
    return _integer(number) + _descriptor(len(text), _CHAR) + text


def float_entry(number: int, values: Sequence[bytes]) -> bytes:
    """Returns an entry of INFO of float32s, given as text; '.' is a missing one."""
    floats = [_MISSING_FLOAT if value == b"." else struct.pack("<f", float(value)) for value in values]
    return _integer(number) + _descriptor(len(values), _FLOAT) + b"".join(floats)


def _value(data: bytes, place: int) -> tuple[int, int]:
    """Returns where a typed value begins and ends."""
    kind, count = data[place] & 15, data[place] >> 4
    start = place + 1
    if count == _LONG:
        at, start = _value(data, start)
        count = struct.unpack_from(_INTEGERS[data[at - 1] & 15], data, at)[0]
    end = start + count * _SIZES[kind]
    if not start <= end <= len(data):
        raise IndexError
    return start, end


def _skip(data: bytes, place: int) -> int:
    return _value(data, place)[1]


def _integer(value: int) -> bytes:
    kind = 1 if value < 1 << 7 else 2 if value < 1 << 15 else 3
    return bytes([1 << 4 | kind]) + struct.pack(_INTEGERS[kind], value)


def _descriptor(count: int, kind: int) -> bytes:
    if count < _LONG:
        return bytes([count << 4 | kind])
    return bytes([_LONG << 4 | kind]) + _integer(count)


def bcf_fault(path: str) -> str:
    """Returns what keeps a VCF from being written as BCF, and what to do; empty if nothing was found.

    Args:
      path: a VCF, plain or compressed.
    """
    declared: dict[str, set[str]] = {"contig": set(), "FILTER": {"PASS", "."}, "INFO": {"."}, "FORMAT": {"."}}
    num_records = 0
    with closing(VcfStream(path, path)) as stream:
        for line in stream.lines():
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if text.startswith("#CHROM") and len(text.split("\t")) == _FORMAT + 1:
                return "its #CHROM line has FORMAT but no samples; remove that column"
            if text.startswith("#"):
                if match := _DECLARED.match(text):
                    declared[match[1]].add(match[2])
                continue
            num_records += 1
            if fault := _fault_of(text, declared, f"record {num_records}"):
                return fault
    return ""


def _fault_of(text: str, declared: dict[str, set[str]], name: str) -> str:
    """Returns what is wrong with a record, under the name that it has in messages; empty if nothing is."""
    columns = text.split("\t", _FORMAT + 1)
    columns += [""] * (_FORMAT + 1 - len(columns))
    for kind, key in _keys(columns):
        if key not in declared[kind]:
            return f"its header does not declare {kind} {shortened(key)} ({name}); declare it"
    if columns[1].isdigit() and int(columns[1]) > MAX_POS:
        return f"{name} has POS {shortened(columns[1])}, and BCF has positions up to {MAX_POS:,}; leave it out"
    keys = columns[_FORMAT].split(":")
    for key in keys:
        if keys.count(key) > 1:
            return f"{name} has FORMAT {shortened(key)} more than once; keep one"
    return ""


def _keys(columns: list[str]) -> Iterator[tuple[str, str]]:
    """Yields the kinds and names of all in a record that a header must declare."""
    yield "contig", columns[0]
    for kind, column, separator in (("FILTER", 6, ";"), ("INFO", 7, ";"), ("FORMAT", _FORMAT, ":")):
        yield from ((kind, entry.split("=", 1)[0]) for entry in columns[column].split(separator) if entry)


def annotate_bcf(path: str, declarations: Declarations, annotations: Annotations, write: Write) -> Annotated:
    """Copies a BCF with annotations.

    Args:
      path: the BCF.
      declarations: the fields that are written, in place of those of earlier annotations.
      annotations: their values.
      write: takes the bytes of the annotated BCF, uncompressed, in pieces.

    Raises:
      VcfError: the BCF cannot be read.
      InputError: the annotations are those of another VCF.
    """
    with closing(VcfStream(path, path)) as stream:
        BcfFile(path, stream).close()  # which says what is wrong with a file that cannot be read
    annotated = Annotated()
    with closing(VcfStream(path, path)) as stream:
        source = _Bytes(stream)
        source.take(len(MAGIC))
        text = source.take(*_LENGTH.unpack(source.take(_LENGTH.size))).rstrip(b"\0").decode("utf-8", "surrogateescape")
        dictionary = BcfDictionary(text.rstrip("\n").split("\n"))
        lines, removed = _replaced_lines(dictionary, declarations)
        header = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape") + b"\0"
        write(MAGIC + _LENGTH.pack(len(header)) + header)
        numbers = [dictionary.number(field.key) for field in declarations.fields]
        contigs = {number: name.encode("utf-8", "surrogateescape") for number, name in dictionary.contigs.items()}
        for lengths in source.pieces(_LENGTHS.size):
            num_shared, num_indiv = _LENGTHS.unpack(lengths)
            shared, indiv = source.take(num_shared), source.take(num_indiv)
            try:
                record = RawBcfRecord(shared)
                contig = contigs[record.rid]
            except (ValueError, KeyError) as error:
                raise DamagedVcfError(
                    f"{path} is damaged: record {annotated.num_records + 1} cannot be read ({cause(error)})"
                ) from error
            place = [contig, str(record.pos).encode(), b"", record.ref, b",".join(record.alts) or b"."]
            values = annotations.of_record(annotated.num_records, place)
            annotated.num_records += 1
            annotated.num_annotated += bool(values)
            annotated.order.see(contig, record.pos, record.rlen)
            if values or removed:
                shared = record.with_info(removed, _entries(numbers, declarations, values))
            write(_LENGTHS.pack(len(shared), num_indiv) + shared + indiv)
    annotations.check_end(annotated.num_records)
    return annotated


def convert(source: str, out: str, kind: str, *, name: str) -> None:
    """Writes a VCF or BCF in another format.

    Args:
      source: the file.
      out: the file to write.
      kind: its format, one of FORMATS.
      name: the file's name in messages.

    Raises:
      InputError: the records cannot be BCF, for example since the header does not declare what they have.
      EnformerVepError: bcftools cannot write it for another reason.
    """
    verbosity = pysam.set_verbosity(0)  # htslib would also print what is reported here
    try:
        pysam.bcftools.view("--no-version", "-O", FORMATS[kind], "-o", out, source, catch_stdout=False)
    except pysam.SamtoolsError as error:
        if kind == "bcf" and (fault := bcf_fault(source)):
            raise InputError(f"{name} cannot be written as BCF: {fault}, or write the format of the input") from error
        raise EnformerVepError(
            f"bcftools cannot write {name} as {kind.upper()}: expected records that are as the header declares them, "
            "and room on the disk; write the format of the input"
        ) from error
    finally:
        pysam.set_verbosity(verbosity)


def check_convertible(path: str, kind: str) -> None:
    """Checks that a VCF or BCF can be written in another format, by writing it to nowhere: some seconds per million.

    Raises:
      EnformerVepError: see `convert`.
    """
    convert(path, os.devnull, kind, name=path)


class _Bytes:
    """The inflated bytes of a file, taken piece by piece."""

    def __init__(self, stream: VcfStream) -> None:
        self._name = stream.name
        self._chunks = stream.chunks()
        self._held = b""
        self._place = 0

    def take(self, size: int) -> bytes:
        """Reads `size` bytes; fails if there are fewer."""
        if not self._holds(size):
            raise DamagedVcfError(f"{self._name} is cut short: it ends within a record; copy it again")
        self._place += size
        return self._held[self._place - size : self._place]

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yields pieces of `size` bytes to the end."""
        while self._holds(1):
            yield self.take(size)

    def _holds(self, size: int) -> bool:
        """Reads on until so many bytes are held; returns whether there are as many."""
        num_held = len(self._held) - self._place
        if num_held < size:
            pieces = [self._held[self._place :]]
            while num_held < size and (chunk := next(self._chunks, None)) is not None:
                pieces.append(chunk)
                num_held += len(chunk)
            self._held, self._place = b"".join(pieces), 0
        return num_held >= size


def _replaced_lines(dictionary: BcfDictionary, declarations: Declarations) -> tuple[list[str], set[int]]:
    """Returns the header's lines with ours in place of earlier ones, and the numbers of fields that are replaced."""
    removed: set[int] = set()
    kept: list[str] = []
    for line in dictionary.lines:
        if key := declarations.replaced_key(line):
            removed.add(dictionary.number(key))
        elif not line.startswith(f"##{ABOUT_KEY}="):
            kept.append(line)
    declared = [declarations.about]
    for field, line in zip(declarations.fields, declarations.lines[1:], strict=True):
        declared.append(with_number(line, dictionary.number(field.key)))
    return [*kept[:-1], *declared, kept[-1]], removed


def _entries(numbers: list[int], declarations: Declarations, annotations: list[Annotation]) -> list[bytes]:
    entries: list[bytes] = []
    if not annotations:
        return entries
    by_field = zip(*(annotation.values for annotation in annotations), strict=True)
    for number, field, values in zip(numbers, declarations.fields, by_field, strict=True):
        if any(value != b"." for value in values):
            is_float = field.type == "Float"
            entries.append(float_entry(number, values) if is_float else text_entry(number, b",".join(values)))
    return entries
