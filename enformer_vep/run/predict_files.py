"""The files of `predict`: a folder of one bigWig file per track, or one table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.bigwig import check_bigwig_support
from enformer_vep.io.bigwig_folder import BigWigFolder, check_file_names, is_bigwig_folder, whole_bigwig_folder
from enformer_vep.io.prediction_table import PredictionTable, check_column_names
from enformer_vep.io.tracks import TrackTable
from enformer_vep.io.whole_file import check_writable, whole_file
from enformer_vep.io.whole_folder import check_folder
from enformer_vep.run.predict_record import KIND, PredictCourse, PredictIdentity
from enformer_vep.run.predict_settings import PredictOutput
from enformer_vep.run.record_text import is_record_of, record_text
from enformer_vep.run.results import RUN_METADATA, TRACKS_METADATA, tracks_to_json

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
    check_file_names(tracks.identifiers)


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
    num_bins = predicted.identity.bins.num_bins
    with whole_bigwig_folder(output.path, predicted.tracks, num_bins, predicted.bin_size_bp) as folder:
        yield _BigWigs(folder, predicted)


class _Table:
    def __init__(self, table: PredictionTable, write_record: Callable[[PredictCourse], Any]) -> None:
        self._table = table
        self._write_record = write_record

    def write(self, span: BinSpan, values: Float32s) -> None:
        self._table.write(span, values)

    def finish(self, course: PredictCourse) -> None:
        self._write_record(course)


class _BigWigs:
    def __init__(self, folder: BigWigFolder, predicted: Predicted) -> None:
        self._folder = folder
        self._predicted = predicted

    def write(self, span: BinSpan, values: Float32s) -> None:
        self._folder.write(values)

    def finish(self, course: PredictCourse) -> None:
        predicted = self._predicted
        record = record_text(predicted.identity, course)
        self._folder.finish(predicted.contigs, predicted.spans, record, slice(None))


def _beside(table: Path) -> Path:
    return table.with_name(table.name + RUN_SUFFIX)


def _is_from_predict(folder: Path) -> bool:
    """Returns whether a folder is empty, or has the record of a run of `predict` and no other files than such runs."""
    return is_bigwig_folder(folder, lambda record: is_record_of(record, KIND))
