"""Writes a folder of one bigWig file per track, with the track table and the record of what they are."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import TrackError
from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.arrays.bigwig import write_bigwig
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.whole_folder import whole_folder

BIGWIG_SUFFIX = ".bw"
RUN_NAME = "run.json"
TRACKS_NAME = "tracks.tsv"

MAX_NAME_BYTES = 200
"""Of an identifier that names a file; file systems allow 255 bytes."""

Float32s = npt.NDArray[np.float32]


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
