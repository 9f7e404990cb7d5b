"""Writes bigWig files of values by bins, through pyBigWig: single ones, and a folder of one per track.

Of the two libraries that write bigWig, pybigtools leaves contigs without values out of the header, and panics on a full
disk. pyBigWig writes every contig; but it ends the process if a file cannot be opened, and does not tell the program if
the last bytes cannot be written. So the file is made beforehand here, and its end is looked at afterwards.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, OutputError, TrackError
from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.files import whole_folder
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.wording import cause

_MAGIC = 0x888FFC26.to_bytes(4, "little")
"""The first and the last bytes of a whole file."""

BIGWIG_SUFFIX = ".bw"
RUN_NAME = "run.json"
TRACKS_NAME = "tracks.tsv"

MAX_NAME_BYTES = 200
"""Of an identifier that names a file; file systems allow 255 bytes."""

Float32s = npt.NDArray[np.float32]


def check_bigwig_support() -> dict[str, str]:
    """Returns the version of what writes bigWig, by its name.

    Raises:
      OutputError: it is not installed.
    """
    try:
        import pyBigWig  # noqa: F401
    except ImportError as error:
        raise OutputError(
            "writing bigWig needs pyBigWig: install enformer-vep[bigwig], or write a table with -o OUT.parquet"
        ) from error
    return {"pyBigWig": version("pyBigWig")}


def write_bigwig(
    path: Path, contigs: Mapping[str, int], spans: Sequence[BinSpan], values: npt.NDArray[np.float32], bin_size_bp: int
) -> None:
    """Writes one value for each bin; bins that reach beyond a contig's ends are cut there.

    Args:
      path: the file, which must not exist.
      contigs: length of every contig, by its name; the header has all that have a base.
      spans: the bins, sorted by the names of their contigs and by position, none twice; at least one. All of them
        overlap their contig.
      values: float32 [bins of all spans].
      bin_size_bp: length of a bin.

    Raises:
      EnformerVepError: the file cannot be written.
    """
    import pyBigWig

    try:
        path.open("xb").close()
        file = pyBigWig.open(str(path), "w")
        try:
            # A reader may search for a contig as in a sorted list.
            file.addHeader([(name, length) for name, length in sorted(contigs.items()) if length])
            done = 0
            for span in spans:
                of_span = values[done : done + span.num_bins]
                _add(file, span, of_span, contigs[span.contig], bin_size_bp)
                done += span.num_bins
        finally:
            file.close()
    except (OSError, RuntimeError) as error:
        raise EnformerVepError(f"cannot write {path}: {cause(error)}") from error
    if not _is_whole(path):
        raise EnformerVepError(f"cannot write {path}: its end is missing, so the disk may be full")


def _add(file: Any, span: BinSpan, values: npt.NDArray[np.float32], length_bp: int, bin_size_bp: int) -> None:
    """Adds bins in steps of one size; before and after them, those that the contig's ends cut short."""
    starts, ends = span.edges(length_bp, bin_size_bp)
    is_cut = ends - starts < bin_size_bp
    first = int(is_cut[0])
    stop = max(first, len(values) - int(is_cut[-1]))

    def add_cut(number: int) -> None:
        place = {"ends": [int(ends[number])], "values": [float(values[number])]}
        file.addEntries([span.contig], [int(starts[number])], **place)

    if first:
        add_cut(0)
    if stop > first:
        whole = np.ascontiguousarray(values[first:stop])
        file.addEntries(span.contig, int(starts[first]), values=whole, span=bin_size_bp, step=bin_size_bp)
    if stop < len(values):
        add_cut(stop)


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return False
        file.seek(-len(_MAGIC), os.SEEK_END)
        return file.read() == _MAGIC


def check_file_names(identifiers: Iterable[str]) -> None:
    """Checks that tracks can name files.

    Raises:
      TrackError: one cannot.
    """
    for name in identifiers:
        if "/" in name or "\0" in name or name.startswith(".") or len(name.encode()) > MAX_NAME_BYTES:
            raise TrackError(
                f"the track {name!r} cannot name a file: rename it in the track table, or write a "
                "table with -o OUT.parquet"
            )


def is_bigwig_folder(folder: Path, is_record: Callable[[Path], bool]) -> bool:
    """Returns whether a folder is empty, or has no other files than are written here, with a record.

    Args:
      folder: the folder.
      is_record: whether a file is the record of what the bigWig files are.
    """
    paths = list(folder.iterdir())
    is_known = all(
        path.is_file() and (path.suffix == BIGWIG_SUFFIX or path.name in (RUN_NAME, TRACKS_NAME)) for path in paths
    )
    return not paths or (is_known and is_record(folder / RUN_NAME))


class BigWigFolder:
    """A folder that is being filled.

    Values come by bins and are written by track: in between, a temporary file holds them.
    """

    def __init__(self, folder: Path, scratch: Any, tracks: TrackTable, num_bins: int, bin_size_bp: int) -> None:
        """Reserves the disk's space.

        Args:
          folder: an empty folder.
          scratch: the temporary file.
          tracks: the tracks.
          num_bins: number of bins that are going to be written.
          bin_size_bp: length of a bin.
        """
        self._folder = folder
        self._tracks = tracks
        self._bin_size_bp = bin_size_bp
        shape = (len(tracks.identifiers), num_bins)
        os.posix_fallocate(scratch.fileno(), 0, 4 * shape[0] * shape[1])  # a full disk is an error here, not a crash
        self._values = np.memmap(scratch, dtype=np.float32, mode="r+", shape=shape)
        self._num_done = 0

    def write(self, values: Float32s) -> None:
        """Adds bins: float32 [bins, tracks]."""
        self._values[:, self._num_done : self._num_done + len(values)] = values.T
        self._num_done += len(values)

    def finish(
        self, contigs: Mapping[str, int], spans: Sequence[BinSpan], record: bytes, kept: slice | npt.NDArray[np.bool_]
    ) -> None:
        """Writes the files.

        Args:
          contigs: length of every contig of the genome, by its name.
          spans: the bins that have a value, as `covering_bins` returns them.
          record: what the values are, as JSON.
          kept: which of the bins that were added these are.
        """
        for name, values in zip(self._tracks.identifiers, self._values, strict=True):
            path = self._folder / f"{name}{BIGWIG_SUFFIX}"
            write_bigwig(path, contigs, spans, values[kept], self._bin_size_bp)
        (self._folder / TRACKS_NAME).write_bytes(self._tracks.to_tsv())
        (self._folder / RUN_NAME).write_bytes(record)


@contextmanager
def whole_bigwig_folder(path: Path, tracks: TrackTable, num_bins: int, bin_size_bp: int) -> Iterator[BigWigFolder]:
    """Opens a folder, which appears under its name when the block ends; see `BigWigFolder`.

    Raises:
      EnformerVepError: it cannot be written.
    """
    with whole_folder(path) as folder, tempfile.TemporaryFile(dir=folder.parent) as scratch:
        yield BigWigFolder(folder, scratch, tracks, num_bins, bin_size_bp)
