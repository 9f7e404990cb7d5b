"""The index of a bgzipped VCF: whether a VCF is sorted, so that it can have one, and how it is read and written.

An index says where each contig begins and how many records it has. Formats: hts-specs, tabix.pdf (.tbi) and CSIv1.pdf
(.csi). htslib's own reader would fetch the records of a region, but not tell their numbers in the file. These follow
from the pseudo-bin in which htslib keeps, for every contig, its first place in the file and its number of records.
"""

import gzip
import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pysam
import pysam.bcftools

from enformer_vep.errors import DamagedVcfError, EnformerVepError
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.wording import cause

_TBI_DEPTH = 5
_VCF_FORMAT = 2
_HEADER_BYTE = ord("#")

TBI, CSI = ".tbi", ".csi"

_MAX_TBI_BP = 1 << 29
"""The end of the last base that a .tbi can hold: 512 Mb."""


@dataclass(frozen=True)
class IndexedContig:
    """A contig of a bgzipped VCF.

    Attributes:
      name: as the VCF names it.
      offset: the virtual offset of its first record.
      end_offset: that of the end of its last.
      first_record: number of that record in the file, from 0.
      num_records: how many it has, one after another.
    """

    name: str
    offset: int
    end_offset: int
    first_record: int
    num_records: int


@dataclass(frozen=True)
class TabixIndex:
    """The contigs of a bgzipped VCF that have records, in the file's order, and how many records they all have."""

    contigs: tuple[IndexedContig, ...]
    num_records: int


def index_fits(index: TabixIndex, first_line: bytes | None, stream: VcfStream) -> bool:
    """Checks an index against its file, so that an outdated index does not lose records.

    Args:
      index: the index, in which each contig is known to begin where another ends.
      first_line: the first line after the header, None if there is none.
      stream: the file, opened only for this check.

    Returns:
      Whether the first record of every contig is where the index says, the very first is the file's first, and
      nothing comes after the last.
    """
    if not index.contigs:
        return first_line is None
    try:
        for contig in index.contigs:
            line = next(stream.lines_from(contig.offset), b"")
            if line.split(b"\t", 1)[0].decode("utf-8", "surrogateescape") != contig.name:
                return False
            if contig.first_record == 0 and line != first_line:
                return False
        return next(stream.lines_from(index.contigs[-1].end_offset), None) is None
    except DamagedVcfError:
        return False


class _DoubtError(Exception):
    """The index cannot be relied on."""


def find_index(path: str, stream: VcfStream) -> TabixIndex | None:
    """Reads the index beside a file, if there is a reliable one.

    Args:
      path: the file.
      stream: the same file, opened and not yet read.

    Returns:
      The index; None if the whole file must be read, since it is not a complete bgzip file, or its index is missing,
      older than the file, not readable, of another format or without counts.
    """
    if not (stream.is_regular and stream.is_bgzip and stream.has_end_block()):
        return None
    for suffix in (".tbi", ".csi"):
        try:
            if os.stat(path + suffix).st_mtime_ns < os.stat(path).st_mtime_ns:
                continue
            with gzip.open(path + suffix) as file:
                return _parse(file.read())
        except (OSError, EOFError, ValueError, zlib.error, struct.error, _DoubtError):
            continue
    return None


class _Cursor:
    """Reads little-endian numbers and bytes from data, one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def numbers(self, layout: str) -> tuple[int, ...]:
        """Reads numbers as `struct` describes them; fails where the data end."""
        values = struct.unpack_from("<" + layout, self._data, self._place)
        self._place += struct.calcsize("<" + layout)
        return values

    def take(self, size: int) -> bytes:
        """Reads bytes; fails where the data end."""
        if not 0 <= size <= len(self._data) - self._place:
            raise _DoubtError
        self._place += size
        return self._data[self._place - size : self._place]

    @property
    def is_at_end(self) -> bool:
        """Whether all data are taken."""
        return self._place == len(self._data)


def _parse(data: bytes) -> TabixIndex:
    cursor = _Cursor(data)
    magic = cursor.take(4)
    if magic == b"TBI\x01":
        depth = _TBI_DEPTH
        (num_contigs,) = cursor.numbers("i")
        names = _parse_names(cursor)
    elif magic == b"CSI\x01":
        _, depth, num_aux = cursor.numbers("3i")
        names = _parse_names(_Cursor(cursor.take(num_aux)))
        (num_contigs,) = cursor.numbers("i")
    else:
        raise _DoubtError
    # A record without a contig's name would be anywhere.
    if num_contigs != len(names) or len(set(names)) != len(names) or "" in names or not 0 < depth < 20:
        raise _DoubtError
    is_csi = magic.startswith(b"CSI")
    stretches = [(name, _parse_contig(cursor, depth, is_csi=is_csi)) for name in names]
    num_unplaced = 0 if cursor.is_at_end else cursor.numbers("Q")[0]
    if num_unplaced or not cursor.is_at_end:
        raise _DoubtError
    contigs: list[IndexedContig] = []
    num_records = 0
    for offset, end_offset, count, name in sorted((*place, name) for name, place in stretches if place):
        if count == 0 or offset >= end_offset or (contigs and contigs[-1].end_offset != offset):
            raise _DoubtError
        contigs.append(IndexedContig(name, offset, end_offset, num_records, count))
        num_records += count
    return TabixIndex(tuple(contigs), num_records)


def _parse_names(cursor: _Cursor) -> list[str]:
    layout, _, _, _, header_byte, num_skipped, num_bytes = cursor.numbers("7i")
    if layout != _VCF_FORMAT or header_byte != _HEADER_BYTE or num_skipped:
        raise _DoubtError
    names = cursor.take(num_bytes)
    return names.decode("utf-8", "surrogateescape").split("\0")[:-1]


def _parse_contig(cursor: _Cursor, depth: int, *, is_csi: bool) -> tuple[int, int, int] | None:
    """Returns a contig's virtual offsets of start and end and its number of records, None if it has no record."""
    pseudo_bin = ((1 << 3 * (depth + 1)) - 1) // 7 + 1
    stretch = None
    (num_bins,) = cursor.numbers("i")
    for _ in range(num_bins):
        number, num_chunks = cursor.numbers("IQi")[::2] if is_csi else cursor.numbers("Ii")
        if number == pseudo_bin:
            if num_chunks != 2:
                raise _DoubtError
            offset, end_offset, num_placed, num_unplaced = cursor.numbers("4Q")
            stretch = offset, end_offset, num_placed + num_unplaced
        else:
            cursor.take(16 * num_chunks)
    if not is_csi:
        cursor.take(8 * cursor.numbers("i")[0])  # the linear index
    if num_bins and stretch is None:
        raise _DoubtError
    return stretch


class VcfOrder:
    """Whether the records seen so far are sorted: those of a contig together, and in the order of their positions.

    Attributes:
      is_sorted: whether they are.
      is_long: whether a record reaches beyond what a .tbi can index.
    """

    def __init__(self) -> None:
        self.is_sorted = True
        self.is_long = False
        self._contig: bytes | str | None = None
        self._pos = 0
        self._seen: set[bytes | str] = set()

    def see(self, contig: bytes | str, pos: int, length_bp: int) -> None:
        """Checks the next record, by its contig, its position from 1, and the length of REF."""
        if contig != self._contig:
            self.is_sorted = self.is_sorted and contig not in self._seen
            self._seen.add(contig)
            self._contig = contig
        elif pos < self._pos:
            self.is_sorted = False
        self._pos = pos
        if pos + length_bp > _MAX_TBI_BP:
            self.is_long = True


def drop_index(path: Path) -> None:
    """Removes the indexes beside a file, which will be replaced."""
    for suffix in (TBI, CSI):
        with suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")


def index_vcf(path: Path, kind: str) -> Path | None:
    """Writes the index of a whole, sorted VCF or BCF beside it.

    Args:
      path: the file, compressed with bgzip.
      kind: TBI or CSI.

    Returns:
      The index; None if htslib cannot index the file, for example since a line is not a record.

    Raises:
      EnformerVepError: it cannot be written.
    """
    index = Path(f"{path}{kind}")
    temporary = path.with_name(f".{index.name}.{os.getpid()}")
    verbosity = pysam.set_verbosity(0)  # htslib would also print what is reported here
    try:
        pysam.bcftools.index("--csi" if kind == CSI else "--tbi", "-o", str(temporary), str(path))
        os.replace(temporary, index)
    except pysam.SamtoolsError:
        return None
    except OSError as error:
        raise EnformerVepError(f"cannot write {index}: {cause(error)}") from error
    finally:
        pysam.set_verbosity(verbosity)
        with suppress(FileNotFoundError):
            temporary.unlink()
    return index
