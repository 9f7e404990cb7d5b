"""Finds what is wrong with a FASTA that cannot be indexed, or does not match its own index."""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from enformer_vep.wording import cause

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
