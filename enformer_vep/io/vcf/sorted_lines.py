"""Sorts more lines than the memory has room for, through temporary files."""

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

_CHUNK_LINES = 200_000

Line = tuple[int, int, bytes]
"""Two numbers by which lines are sorted, and the line with its end; of equal ones, the first stays the first."""


class SortedLines:
    """Takes lines in any order, and gives them back sorted. Used in a `with` block."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder for the temporary files, of as many bytes as the lines have."""
        self._folder = folder
        self._waiting: list[Line] = []
        self._chunks: list[IO[bytes]] = []
        self._stack = ExitStack()

    def __enter__(self) -> "SortedLines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, line: Line) -> None:
        """Takes a line."""
        self._waiting.append(line)
        if len(self._waiting) >= _CHUNK_LINES:
            self._spill()

    def read(self) -> Iterator[bytes]:
        """Yields all lines, sorted; call it once."""
        if self._waiting:
            self._spill()
        merged = heapq.merge(*map(_lines, self._chunks), key=_place)
        return (line for _, _, line in merged)

    def _spill(self) -> None:
        chunk = self._stack.enter_context(tempfile.TemporaryFile(dir=self._folder, prefix=".enformer-vep-"))  # noqa: SIM115
        self._waiting.sort(key=_place)
        chunk.writelines(b"%d\t%d\t%b" % line for line in self._waiting)
        self._chunks.append(chunk)
        self._waiting = []


def _place(line: Line) -> tuple[int, int]:
    return line[:2]


def _lines(chunk: IO[bytes]) -> Iterator[Line]:
    chunk.seek(0)
    for text in chunk:
        first, second, line = text.split(b"\t", 2)
        yield int(first), int(second), line
