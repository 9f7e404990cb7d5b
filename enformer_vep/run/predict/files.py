"""The files of predicted regions: a folder of one bigWig file per track, one table, or one Zarr store."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.arrays.bigwig import BigWigFolder, whole_bigwig_folder
from enformer_vep.io.arrays.zarr_folder import ZarrArrays, ZarrRows
from enformer_vep.io.files import whole_file
from enformer_vep.io.tables.prediction_table import PredictionTable
from enformer_vep.run.model_run import EngineCourse
from enformer_vep.run.predict.output import RUN_SUFFIX, Described, beside
from enformer_vep.run.predict.settings import PredictOutput
from enformer_vep.run.record_json import record_text

Float32s = npt.NDArray[np.float32]


class PredictionWriter(Protocol):
    """Takes predictions in the order of the bins."""

    def write(self, span: BinSpan, values: Float32s) -> None:
        """Writes some bins: float32 [bins, tracks]."""
        ...

    def finish(self, course: EngineCourse) -> None:
        """Writes what can be known only when all bins are there."""
        ...


@contextmanager
def open_writer(output: PredictOutput, described: Described, spans: Sequence[BinSpan]) -> Iterator[PredictionWriter]:
    """Opens the output, which appears under its name when the block ends and everything was written.

    Args:
      output: where it goes.
      described: what it says of the run.
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
