"""Reads the reference genome: FASTA, plain through pyfaidx or bgzipped through pysam.

pysam is better at bgzip, which pyfaidx reads through Biopython. It also makes the index of both, under a temporary
name, so that another run never sees an unfinished one.
"""

import gzip
import hashlib
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import IO, Protocol

import numpy as np
import pyfaidx
import pysam

from enformer_vep.errors import FastaError, FastaReadError, SkipReason
from enformer_vep.genome.codes import N_CODE, Codes, encode
from enformer_vep.genome.variant import Interval, Variant, abbreviate
from enformer_vep.io.bgzip import BLOCK_HEADER_BYTES, GZIP_MAGIC, is_block
from enformer_vep.io.genome.contigs import ContigNames
from enformer_vep.wording import cause

BLOCK_BP = 2**18
NUM_BLOCKS = 64
"""Blocks of sequence kept in memory, 256 KiB each."""


class _FastaFile(Protocol):
    """An indexed FASTA: its contigs' lengths by name, and letters from start to end, 0-based and half-open."""

    contigs: Mapping[str, int]

    def fetch(self, contig: str, start: int, end: int) -> str: ...
    def close(self) -> None: ...


class _PlainFasta:
    def __init__(self, path: Path, index: Path) -> None:
        _build_missing_index(path, index)
        self._file = pyfaidx.Faidx(str(path), indexname=str(index), as_raw=True)
        self.contigs: Mapping[str, int] = {name: record.rlen for name, record in self._file.index.items()}

    def fetch(self, contig: str, start: int, end: int) -> str:
        return str(self._file.fetch(contig, start + 1, end))  # pyfaidx counts from 1, both ends in

    def close(self) -> None:
        self._file.close()


class _BgzippedFasta:
    def __init__(self, path: Path, index: Path) -> None:
        block_index = index.with_suffix(".gzi")
        _build_missing_index(path, index, block_index)
        self._file = pysam.FastaFile(str(path), filepath_index=str(index), filepath_index_compressed=str(block_index))
        self.contigs: Mapping[str, int] = dict(zip(self._file.references, self._file.lengths, strict=True))

    def fetch(self, contig: str, start: int, end: int) -> str:
        return str(self._file.fetch(contig, start, end))

    def close(self) -> None:
        self._file.close()


class Genome:
    """A reference genome: its contigs and their sequence."""

    def __init__(self, path: str) -> None:
        """Opens a FASTA, and indexes it if there is no index.

        The index is kept beside the file, or in the user's cache if that folder is read-only.

        Args:
          path: the FASTA file, plain or bgzipped.

        Raises:
          FastaError: there is no such file, or it is not a FASTA.
        """
        self.path = path
        source = Path(path)
        if source.is_dir():
            raise FastaError(f"{path} is a folder: expected a FASTA file, plain or bgzipped")
        if not source.is_file():
            raise FastaError(f"no such file: {path}: expected a FASTA file, plain or bgzipped")
        pysam.set_verbosity(0)  # htslib would also print what is raised here
        is_compressed = self._is_compressed = _check_is_fasta(source)
        folder = _index_folder(source, (".fai", ".gzi") if is_compressed else (".fai",))
        self.index_path = folder / f"{source.name}.fai"
        try:
            self._file: _FastaFile = (_BgzippedFasta if is_compressed else _PlainFasta)(source, self.index_path)
        except FastaError:
            raise
        except (OSError, ValueError, pyfaidx.FastaIndexingError, pysam.SamtoolsError) as error:
            fault = find_fault(source, is_compressed=is_compressed) or cause(error)
            raise FastaError(f"{path} cannot be indexed as FASTA: {fault}") from error
        self.contigs = self._file.contigs
        """Length of every contig, by its name."""
        self.names = ContigNames(self.contigs)
        """The same contigs, by any of their names."""
        self._lock = Lock()
        self._block = lru_cache(maxsize=NUM_BLOCKS)(self._read_block)
        if not self.contigs:
            raise FastaError(f"{path} contains no sequences: expected a FASTA file, plain or bgzipped")

    def resolve(self, chrom: str) -> str | None:
        """Returns the FASTA's name of a VCF's contig, None if it has no such contig, or if the name is ambiguous.

        `chr1`, `1`, `Chr1` and, where the lengths are those of its assembly, `NC_000001.11` are the same contig.
        """
        return self.names.resolve(chrom)

    def fetch(self, interval: Interval) -> bytes:
        """Returns the letters of an interval, as the file has them; N beyond the contig's ends.

        The file is read in blocks, and the most recent ones are kept. Several threads can do so at a time.

        Raises:
          FastaReadError: the file changed or vanished since it was opened.
        """
        start = max(interval.start, 0)
        end = min(interval.end, self.contigs[interval.contig])
        if start >= end:
            return b"N" * interval.length
        first, last = start // BLOCK_BP, (end - 1) // BLOCK_BP
        with self._lock:  # the file has one reading position
            blocks = [self._block(interval.contig, number) for number in range(first, last + 1)]
        letters = (blocks[0] if len(blocks) == 1 else b"".join(blocks))[
            start - first * BLOCK_BP : end - first * BLOCK_BP
        ]
        return b"N" * (start - interval.start) + letters + b"N" * (interval.end - end)

    def _read_block(self, contig: str, number: int) -> bytes:
        start = number * BLOCK_BP
        end = min(start + BLOCK_BP, self.contigs[contig])
        place = f"{self.path}: {contig}:{start + 1}-{end}"
        try:
            letters = self._file.fetch(contig, start, end)
        except (OSError, ValueError, KeyError, pyfaidx.FetchError) as error:
            raise FastaReadError(f"{place} cannot be read: {cause(error)}") from error
        if len(letters) != end - start or letters.split() != [letters]:
            if fault := find_fault(Path(self.path), is_compressed=self._is_compressed):
                raise FastaError(f"{self.path} cannot be read as FASTA: {fault}")
            raise FastaReadError(
                f"{place} has {len(letters)} bases, expected {end - start}: the file does not match its index "
                f"{self.index_path}; remove the index, and it will be created again"
            )
        return letters.encode("latin-1", "replace")

    def check_variant(self, variant: Variant, contig: str | None) -> tuple[SkipReason, str] | None:
        """Explains why an allele does not match this genome: its contig, its position or its REF.

        Args:
          variant: the allele.
          contig: the result of `resolve` for it.

        Returns:
          The reason and a sentence, or None if the genome has REF at the variant's position; case is ignored.
        """
        if contig is None:
            return SkipReason.CONTIG_NOT_IN_FASTA, f"the FASTA has no contig {variant.chrom}"
        length = self.contigs[contig]
        if variant.start < 0 or variant.end > length:
            where = f"{variant.pos}-{variant.start + len(variant.ref)}"
            return SkipReason.OUT_OF_RANGE, f"REF at {where} lies outside {contig}, which has {length} bp"
        bases = self.fetch(Interval(contig, variant.start, variant.end)).decode("latin-1")
        if bases.upper() == variant.ref.upper():
            return None
        detail = f"REF is {abbreviate(variant.ref)}, but the FASTA has {abbreviate(bases)}"
        at_alt = self.fetch(Interval(contig, variant.start, variant.start + len(variant.alt))).decode("latin-1")
        if at_alt.upper() == variant.alt.upper():
            return SkipReason.REF_ALT_SWAPPED, f"{detail}, and ALT matches it: REF and ALT may be swapped"
        return SkipReason.REF_MISMATCH, detail

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _check_is_fasta(path: Path) -> bool:
    """Returns whether a FASTA is bgzipped.

    Raises:
      FastaError: it cannot be read, is not a FASTA, or is compressed in a way that cannot be indexed.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(BLOCK_HEADER_BYTES)
        is_compressed = start.startswith(GZIP_MAGIC)
        if is_compressed:
            if not is_block(start):
                raise FastaError(
                    f"{path} is compressed with gzip, not bgzip: run 'gunzip' on it, then 'bgzip' if you want"
                )
            with gzip.open(path) as handle:
                start = handle.read(BLOCK_HEADER_BYTES)
    except (OSError, EOFError) as error:
        raise FastaError(f"{path} cannot be read: {cause(error)}") from error
    if not start.lstrip().startswith(b">"):
        raise FastaError(f"{path} is not a FASTA: expected a first line that begins with '>', found {start[:12]!r}")
    return is_compressed


def _build_missing_index(path: Path, index: Path, block_index: Path | None = None) -> None:
    """Indexes a FASTA unless it has an index that is newer; an index appears only when it is complete."""
    wanted = [(option, file) for option, file in (("--fai-idx", index), ("--gzi-idx", block_index)) if file]
    if all(_is_fresh(file, path) for _, file in wanted):
        return
    temporary = [(option, file, file.with_name(f".{file.name}.{os.getpid()}.tmp")) for option, file in wanted]
    try:
        pysam.faidx(*(word for option, _, unfinished in temporary for word in (option, str(unfinished))), str(path))
        if (name := find_double(path, is_compressed=block_index is not None)) is not None:
            raise FastaError(f"{path} has two sequences named {name!r}: expected unique names; remove or rename one")
        for _, file, unfinished in temporary:
            os.replace(unfinished, file)
    finally:
        for _, _, unfinished in temporary:
            unfinished.unlink(missing_ok=True)


def _is_fresh(index: Path, path: Path) -> bool:
    return index.is_file() and index.stat().st_mtime >= path.stat().st_mtime


def _index_folder(path: Path, suffixes: Sequence[str]) -> Path:
    """Returns where a FASTA's index files are or can be written: beside it, in the user's cache, or in a new folder."""
    beside = [path.with_name(path.name + suffix) for suffix in suffixes]
    if all(_is_fresh(file, path) for file in beside):
        return path.parent
    if os.access(path.parent, os.W_OK) and all(os.access(file, os.W_OK) or not file.exists() for file in beside):
        return path.parent
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "enformer-vep" / "indexes" / place
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"enformer-vep-{os.getuid()}" / place
        folder.mkdir(parents=True, exist_ok=True)
    return folder


_CHUNK_BYTES = 1 << 22
_HEADER = re.compile(rb"(?:^|(?<=\n))>[^\S\n]*(\S*)[^\n]*\n")
_REMOVE_BLANKS = "remove them: sed '/^>/!s/[[:space:]]//g' IN.fa > OUT.fa"
_REMOVE_LINES = "remove such lines: sed '/^[[:space:]]*$/d' IN.fa > OUT.fa"
_WRAP = "rewrite it with lines of equal length: seqkit seq -w 60 IN.fa > OUT.fa"
_NO_LINE_FEEDS = "convert them to line feeds: tr '\\r' '\\n' < IN.fa > OUT.fa"
_LINE_ENDS = "convert them to one kind: sed 's/\\r$//' IN.fa > OUT.fa"


def find_fault(path: Path, *, is_compressed: bool) -> str | None:
    """Reads a FASTA until something is wrong with it.

    An index locates a letter by the length of a sequence's lines. So all lines of a sequence must have the same length,
    except the last, which may be shorter.

    Args:
      path: the file.
      is_compressed: whether it is compressed with bgzip.

    Returns:
      Which line is wrong and what to do; None if no line is wrong.
    """
    try:
        with _open(path, is_compressed=is_compressed) as lines:
            return _fault(lines)
    except (OSError, EOFError, zlib.error) as error:
        return f"it is cut short or damaged ({cause(error)}); copy it again"


def find_double(path: Path, *, is_compressed: bool) -> str | None:
    """Returns a name that two sequences have; None if all names differ. htslib would use only the first sequence."""
    seen: set[bytes] = set()
    with _open(path, is_compressed=is_compressed) as file:
        for name in _names(file):
            if name in seen:
                return name.decode("utf-8", "replace")
            seen.add(name)
    return None


def _open(path: Path, *, is_compressed: bool) -> IO[bytes]:
    return gzip.open(path) if is_compressed else path.open("rb")  # type: ignore[return-value]


def _names(file: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := file.read(_CHUNK_BYTES):
        chunk = rest + chunk
        end = chunk.rfind(b"\n") + 1
        yield from _HEADER.findall(chunk[:end])
        rest = chunk[end:]
    yield from _HEADER.findall(rest + b"\n")


def _fault(lines: IO[bytes]) -> str | None:
    contig = ""
    first = previous = None  # a sequence's first line and the latest, with their ends
    number = 0
    for number, line in enumerate(lines, start=1):
        if b"\r" in line.rstrip(b"\r\n"):
            return f"line {number} uses carriage returns as line ends; {_NO_LINE_FEEDS}"
        if line.startswith(b">"):
            name = (line[1:].split() or [b""])[0]
            try:
                contig = name.decode()
            except UnicodeDecodeError:
                return f"line {number} has a name that is not UTF-8: {name!r}; rename the sequence"
            first = previous = None
        elif contig and (line.strip() or first is not None):
            fault = _line_fault(line, first, previous)
            if fault is not None:
                return f"line {number}, in {contig}, {fault}"
            first = first or line
            previous = line
    if first is None:
        return f"it ends at line {number} with the name of a sequence that has no letters"
    return None


def _line_fault(line: bytes, first: bytes | None, previous: bytes | None) -> str | None:
    """Returns what is wrong with a line of a sequence, given the sequence's first line and the previous one."""
    letters = line.rstrip(b"\r\n")
    if letters.split() not in ([], [letters]):
        where = "between" if len(letters.split()) > 1 else "before or after"
        return f"has blanks {where} its letters; {_REMOVE_BLANKS}"
    if first is None or previous is None or not letters:
        return None
    if not previous.strip():
        return f"follows a blank line; {_REMOVE_LINES}"
    if first.endswith(b"\r\n") != previous.endswith(b"\r\n"):
        return f"follows lines that end partly in CR LF and partly in LF; {_LINE_ENDS}"
    num_expected, num_previous = len(first.rstrip()), len(previous.rstrip())
    if num_previous != num_expected:
        return f"follows a line of {num_previous} letters, but the others have {num_expected}; {_WRAP}"
    if len(letters) > num_expected:
        return f"has {len(letters)} letters, but the others have {num_expected}; {_WRAP}"
    return None


class ReferenceCodes:
    """Codes of any interval of a genome. Several threads can use it at a time.

    Attributes:
      genome: the genome.
    """

    def __init__(self, genome: Genome) -> None:
        self.genome = genome
        self._block = lru_cache(maxsize=NUM_BLOCKS)(self._read_block)

    def fetch(self, interval: Interval) -> Codes:
        """Returns codes uint8 [length], N beyond the contig's ends; a new array each time.

        Raises:
          FastaReadError: the genome can no longer be read.
        """
        codes = np.full(interval.length, N_CODE, dtype=np.uint8)
        start = max(interval.start, 0)
        end = min(interval.end, self.genome.contigs[interval.contig])
        blocks = (
            range(start // BLOCK_BP, -(-end // BLOCK_BP)) if start < end else ()
        )  # the interval may lie beyond the contig
        for number in blocks:
            block_start = number * BLOCK_BP
            first, last = max(start, block_start), min(end, block_start + BLOCK_BP)
            block = self._block(interval.contig, number)
            codes[first - interval.start : last - interval.start] = block[first - block_start : last - block_start]
        return codes

    def _read_block(self, contig: str, number: int) -> Codes:
        start = number * BLOCK_BP
        end = min(start + BLOCK_BP, self.genome.contigs[contig])
        return encode(self.genome.fetch(Interval(contig, start, end)))
