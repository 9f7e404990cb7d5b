"""The bytes of BCF 2.2: its header's dictionaries, and records whose INFO is edited while all else stays as it is.

Format: hts-specs, VCFv4.3.pdf, section 6. pysam is not used to write records: it puts an END into the INFO of a record
with a symbolic allele that has none, and leaves the header without it.
"""

import re
import struct
from collections.abc import Sequence

from enformer_vep.io.vcf.annotations import line_item

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


class BcfDictionary:
    """What the numbers in records stand for: names of contigs, and of fields and filters."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Reads the lines of a header."""
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


class BcfRecord:
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
