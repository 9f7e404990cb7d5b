"""The files of `predict`: a folder of one bigWig file per track, or one table."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.bigwig import BIGWIG_SUFFIX, check_bigwig_names, check_bigwig_support, write_bigwig
from enformer_vep.io.prediction_table import PredictionTable, check_column_names
from enformer_vep.io.tracks import TrackTable
from enformer_vep.io.whole_file import check_writable, whole_file
from enformer_vep.io.whole_folder import check_folder, whole_folder
from enformer_vep.run.predict_record import KIND, PredictCourse, PredictIdentity
from enformer_vep.run.predict_settings import PredictOutput
from enformer_vep.run.record_text import is_record_of, record_text
from enformer_vep.run.results import RUN_METADATA, TRACKS_METADATA, tracks_to_json

RUN_NAME = "run.json"
TRACKS_NAME = "tracks.tsv"
RUN_SUFFIX = ".run.json"

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Predicted:
    """What is going to be written.

    Attributes:
      identity: which run it is.
      contigs: length of every contig of the FASTA, by its name.
      spans: the bins, as `covering_bins` returns them.
      tracks: the tracks.
      bin_size_bp: length of a bin.
    """

    identity: PredictIdentity
    contigs: Mapping[str, int]
    spans: Sequence[BinSpan]
    tracks: TrackTable
    bin_size_bp: int


class PredictionWriter(Protocol):
    """Takes predictions in the order of the bins."""

    def write(self, span: BinSpan, values: Float32s) -> None:
        """Writes some bins: float32 [bins, tracks]."""
        ...

    def finish(self, course: PredictCourse) -> None:
        """Writes what can be known only when all bins are there."""
        ...


def check_output(output: PredictOutput) -> dict[str, str]:
    """Checks that the output can be written, and writes nothing.

    Returns:
      Versions of the packages that it needs besides those of every run.

    Raises:
      OutputError: it cannot be written, or must not be replaced.
    """
    if output.is_table:
        for path in (output.path, _beside(output.path)):
            check_writable(path, overwrite=output.overwrite)
        return {}
    check_folder(output.path, _is_from_predict, overwrite=output.overwrite)
    return check_bigwig_support()


def check_tracks(output: PredictOutput, tracks: TrackTable) -> None:
    """Checks that the tracks' identifiers can name files or columns.

    Raises:
      TrackError: one cannot.
    """
    if output.is_table:
        check_column_names(tracks.identifiers)
        return
    check_bigwig_names(tracks.identifiers)


@contextmanager
def open_writer(output: PredictOutput, predicted: Predicted) -> Iterator[PredictionWriter]:
    """Opens the output, which appears under its name when the block ends and everything was written.

    Raises:
      EnformerVepError: it cannot be written.
    """
    if output.is_table:
        metadata = {
            TRACKS_METADATA: tracks_to_json(predicted.tracks),
            RUN_METADATA: record_text(predicted.identity),
        }
        with whole_file(output.path) as stream, whole_file(_beside(output.path)) as record:
            identifiers = predicted.tracks.identifiers
            with PredictionTable(stream, predicted.contigs, identifiers, predicted.bin_size_bp, metadata) as table:
                yield _Table(table, lambda course: record.write(record_text(predicted.identity, course)))
        return
    with whole_folder(output.path) as folder, tempfile.TemporaryFile(dir=folder.parent) as scratch:
        yield _BigWigs(folder, scratch, predicted)


class _Table:
    def __init__(self, table: PredictionTable, write_record: Callable[[PredictCourse], Any]) -> None:
        self._table = table
        self._write_record = write_record

    def write(self, span: BinSpan, values: Float32s) -> None:
        self._table.write(span, values)

    def finish(self, course: PredictCourse) -> None:
        self._write_record(course)


class _BigWigs:
    """Predictions come by window and are written by track: in between, a temporary file holds them."""

    def __init__(self, folder: Path, scratch: Any, predicted: Predicted) -> None:
        self._folder = folder
        self._predicted = predicted
        shape = (len(predicted.tracks.identifiers), predicted.identity.bins.num_bins)
        os.posix_fallocate(scratch.fileno(), 0, 4 * shape[0] * shape[1])  # a full disk is an error here, not a crash
        self._values = np.memmap(scratch, dtype=np.float32, mode="r+", shape=shape)
        self._num_done = 0

    def write(self, span: BinSpan, values: Float32s) -> None:
        self._values[:, self._num_done : self._num_done + span.num_bins] = values.T
        self._num_done += span.num_bins

    def finish(self, course: PredictCourse) -> None:
        predicted = self._predicted
        for name, values in zip(predicted.tracks.identifiers, self._values, strict=True):
            path = self._folder / f"{name}{BIGWIG_SUFFIX}"
            write_bigwig(path, predicted.contigs, predicted.spans, values, predicted.bin_size_bp)
        (self._folder / TRACKS_NAME).write_bytes(predicted.tracks.to_tsv())
        (self._folder / RUN_NAME).write_bytes(record_text(predicted.identity, course))


def _beside(table: Path) -> Path:
    return table.with_name(table.name + RUN_SUFFIX)


def _is_from_predict(folder: Path) -> bool:
    """Returns whether a folder is empty, or has the record of a run of `predict` and no other files than such runs."""
    paths = list(folder.iterdir())
    is_known = all(
        path.is_file() and (path.suffix == BIGWIG_SUFFIX or path.name in (RUN_NAME, TRACKS_NAME)) for path in paths
    )
    return not paths or (is_known and is_record_of(folder / RUN_NAME, KIND))
