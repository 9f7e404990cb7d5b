"""The files of predicted regions: a folder of one bigWig file per track, one table, or one Zarr store.

Also the description of the run and the checks, which the files of predicted alleles share.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.arrays.bigwig import (
    BIGWIG_SUFFIX,
    RUN_NAME,
    TRACKS_NAME,
    BigWigFolder,
    check_bigwig_support,
    check_file_names,
    whole_bigwig_folder,
)
from enformer_vep.io.arrays.zarr_folder import ZarrArrays, ZarrRows, check_zarr_folder, check_zarr_support, whole_zarr
from enformer_vep.io.files import check_folder, check_writable, whole_file
from enformer_vep.io.tables.prediction_table import PredictionTable, check_column_names
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.model_run import PREDICT, EngineCourse, PredictIdentity
from enformer_vep.run.predict.settings import PredictOutput
from enformer_vep.run.record_json import is_record_of, record_text
from enformer_vep.run.score.results import RUN_METADATA, TRACKS_METADATA, tracks_to_json

ALLELES_NAME = "alleles.tsv"
RUN_SUFFIX = f".{RUN_NAME}"
ALLELES_SUFFIX = f".{ALLELES_NAME}"

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Described:
    """The run and its tracks, as every output describes them.

    Attributes:
      identity: the identity of the run.
      contigs: length of every contig of the FASTA, by its name.
      tracks: the tracks.
      bin_size_bp: length of a bin.
    """

    identity: PredictIdentity
    contigs: Mapping[str, int]
    tracks: TrackTable
    bin_size_bp: int

    def table_metadata(self) -> dict[bytes, bytes]:
        """Returns the metadata of a table's schema."""
        return {TRACKS_METADATA: tracks_to_json(self.tracks), RUN_METADATA: record_text(self.identity)}

    @contextmanager
    def whole_arrays(self, path: Path) -> Iterator[ZarrArrays]:
        """Opens a Zarr store for writing: see `whole_zarr`. It has the tracks, but not yet the run."""
        attributes = {
            "kind": PREDICT,
            "bin_size_bp": self.bin_size_bp,
            "tracks": json.loads(tracks_to_json(self.tracks)),
        }
        with whole_zarr(path, attributes) as arrays:
            arrays.add("identifier", self.tracks.identifiers)
            yield arrays

    def finish_arrays(self, arrays: ZarrArrays, course: EngineCourse) -> None:
        """Adds the run to a Zarr store."""
        arrays.set("run", json.loads(record_text(self.identity, course)))

    def finish_folder(self, folder: Path, course: EngineCourse) -> None:
        """Adds the tracks and the run to a folder of bigWig files."""
        (folder / TRACKS_NAME).write_bytes(self.tracks.to_tsv())
        (folder / RUN_NAME).write_bytes(record_text(self.identity, course))


def check_output(output: PredictOutput, *, has_alleles: bool) -> dict[str, str]:
    """Checks that the output can be written, and writes nothing.

    Args:
      output: the folder or file.
      has_alleles: whether a table has a list of alleles beside it.

    Returns:
      Versions of the packages that it needs besides those of every run.

    Raises:
      OutputError: it cannot be written, or must not be replaced.
    """
    if output.is_table:
        for path in (output.path, *(beside(output.path, suffix) for suffix in _suffixes(has_alleles))):
            check_writable(path, overwrite=output.overwrite)
        return {}
    if output.is_arrays:
        check_zarr_folder(output.path, PREDICT, overwrite=output.overwrite)
        return check_zarr_support()
    check_folder(output.path, _is_from_predict, overwrite=output.overwrite)
    return check_bigwig_support()


def check_tracks(output: PredictOutput, tracks: TrackTable, *, has_alleles: bool) -> None:
    """Checks that the tracks' identifiers can name files or columns.

    Raises:
      TrackError: one cannot.
    """
    if output.is_table and not has_alleles:  # with alleles, columns begin with the allele's name and a colon
        check_column_names(tracks.identifiers)
    if not output.is_table and not output.is_arrays:
        check_file_names(tracks.identifiers)


def beside(table: Path, suffix: str) -> Path:
    """Returns the path of a file that stands beside a table."""
    return table.with_name(table.name + suffix)


def _suffixes(has_alleles: bool) -> tuple[str, ...]:
    return (RUN_SUFFIX, ALLELES_SUFFIX) if has_alleles else (RUN_SUFFIX,)


def _is_from_predict(folder: Path) -> bool:
    """Returns whether a folder is empty, or has the record of a run of `predict` and no other files than such runs."""
    paths = list(folder.rglob("*"))
    names = (RUN_NAME, TRACKS_NAME, ALLELES_NAME)
    is_known = all(path.suffix == BIGWIG_SUFFIX or path.name in names or path.is_dir() for path in paths)
    return not paths or (is_known and is_record_of(folder / RUN_NAME, PREDICT))


class PredictionWriter(Protocol):
    """Takes predictions in the order of the bins."""

    def write(self, span: BinSpan, values: Float32s) -> None:
        """Writes some bins: float32 [bins, tracks]."""
        ...

    def finish(self, course: EngineCourse) -> None:
        """Writes the run record, after the last bin."""
        ...


@contextmanager
def open_writer(output: PredictOutput, described: Described, spans: Sequence[BinSpan]) -> Iterator[PredictionWriter]:
    """Opens the output, which appears under its name when the block ends and everything was written.

    Args:
      output: the folder or file.
      described: the run and its tracks.
      spans: the bins, as `covering_bins` returns them.

    Raises:
      EnformerVepError: it cannot be written.
    """
    if output.is_table:
        with whole_file(output.path) as stream, whole_file(beside(output.path, RUN_SUFFIX)) as record:
            identifiers, metadata = described.tracks.identifiers, described.table_metadata()
            with PredictionTable(stream, described.contigs, identifiers, described.bin_size_bp, metadata) as table:
                yield _Table(table, lambda course: record.write(record_text(described.identity, course)))
        return
    if output.is_arrays:
        with described.whole_arrays(output.path) as arrays:
            yield _Arrays(arrays, described, spans)
        return
    num_bins = sum(span.num_bins for span in spans)
    with whole_bigwig_folder(output.path, described.tracks, num_bins, described.bin_size_bp) as folder:
        yield _BigWigs(folder, described, spans)


class _Table:
    def __init__(self, table: PredictionTable, write_record: Callable[[EngineCourse], Any]) -> None:
        self._table = table
        self._write_record = write_record

    def write(self, span: BinSpan, values: Float32s) -> None:
        self._table.add(span, values)

    def finish(self, course: EngineCourse) -> None:
        self._write_record(course)


class _Arrays:
    def __init__(self, arrays: ZarrArrays, described: Described, spans: Sequence[BinSpan]) -> None:
        self._arrays = arrays
        self._described = described
        num_bins = [span.num_bins for span in spans]
        edges = [span.edges(described.contigs[span.contig], described.bin_size_bp) for span in spans]
        arrays.add("chrom", np.repeat([span.contig for span in spans], num_bins))
        arrays.add("start", np.concatenate([starts for starts, _ in edges]))
        arrays.add("end", np.concatenate([ends for _, ends in edges]))
        shape = (sum(num_bins), len(described.tracks.identifiers))
        self._values = ZarrRows(arrays.create("values", shape, "float32"))

    def write(self, span: BinSpan, values: Float32s) -> None:
        self._values.write(values)

    def finish(self, course: EngineCourse) -> None:
        self._values.finish()
        self._described.finish_arrays(self._arrays, course)


class _BigWigs:
    def __init__(self, folder: BigWigFolder, described: Described, spans: Sequence[BinSpan]) -> None:
        self._folder = folder
        self._described = described
        self._spans = spans

    def write(self, span: BinSpan, values: Float32s) -> None:
        self._folder.write(values)

    def finish(self, course: EngineCourse) -> None:
        record = record_text(self._described.identity, course)
        self._folder.finish(self._described.contigs, self._spans, record, slice(None))
