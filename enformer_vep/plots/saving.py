"""Writes figures as PNG, SVG or PDF; equal figures give equal bytes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Protocol

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

DPI = 300
"""Dots per inch of PNG files."""


class FigureWriter(Protocol):
    """Writes the figures of a file."""

    def add(self, figure: Figure) -> None:
        """Writes a figure: the only one, or the next page."""
        ...


class _Image:
    def __init__(self, stream: IO[bytes], kind: str, metadata: Mapping[str, str | None]) -> None:
        self._stream, self._kind, self._metadata = stream, kind, metadata

    def add(self, figure: Figure) -> None:
        figure.savefig(self._stream, format=self._kind, dpi=DPI, metadata=dict(self._metadata))


class _Pages:
    def __init__(self, pages: PdfPages) -> None:
        self._pages = pages

    def add(self, figure: Figure) -> None:
        self._pages.savefig(figure)  # type: ignore[no-untyped-call]


@contextmanager
def figure_writer(stream: IO[bytes], kind: str, *, title: str, creator: str) -> Iterator[FigureWriter]:
    """Opens a file of figures. No dates are written, which would make each file different.

    Args:
      stream: the file.
      kind: png or svg, which take one figure, or pdf, which takes a page for each.
      title: what it shows, for the file's metadata.
      creator: the program that made it.
    """
    if kind == "pdf":
        information = {"Title": title, "Creator": creator, "CreationDate": None}
        with PdfPages(stream, metadata=information) as pages:
            yield _Pages(pages)
    elif kind == "svg":
        yield _Image(stream, kind, {"Title": title, "Creator": creator, "Date": None})
    else:
        yield _Image(stream, kind, {"Title": title, "Software": creator})
