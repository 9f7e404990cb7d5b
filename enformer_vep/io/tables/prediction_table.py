"""Writes predictions as a Parquet table: one row per bin, or per allele and bin, and the tracks in columns."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet

from enformer_vep.errors import TrackError
from enformer_vep.genome.tiling import BinSpan

PLACE_COLUMNS = ("chrom", "start", "end")

GROUP_BYTES = 64 << 20
"""Predictions of a row group; fewer rows of many tracks would make the metadata large."""


class PredictionTable:
    """A table that is being written. Used in a `with` block."""

    def __init__(
        self,
        stream: BinaryIO,
        contigs: Mapping[str, int],
        columns: Sequence[str],
        bin_size_bp: int,
        metadata: Mapping[bytes, bytes],
        keys: Sequence[str] = (),
    ) -> None:
        """Starts the file.

        Args:
          stream: the file.
          contigs: length of every contig, by its name.
          columns: the names of the columns of predictions.
          bin_size_bp: length of a bin.
          metadata: what the schema's metadata has.
          keys: the names of the columns of numbers that stand before the bins' places.
        """
        place = [("chrom", pa.string()), ("start", pa.int64()), ("end", pa.int64())]
        predictions = [(name, pa.float32()) for name in columns]
        numbers = [(name, pa.int64()) for name in keys]
        self._schema = pa.schema([*numbers, *place, *predictions], metadata=dict(metadata))
        self._contigs = contigs
        self._bin_size_bp = bin_size_bp
        self._group_rows = max(1, GROUP_BYTES // (4 * len(columns)))
        self._waiting: list[tuple[tuple[int, ...], BinSpan, npt.NDArray[np.float32]]] = []
        self._num_waiting = 0
        self._writer = pyarrow.parquet.ParquetWriter(
            stream, self._schema, compression="zstd", use_dictionary=[PLACE_COLUMNS[0]]
        )

    def __enter__(self) -> "PredictionTable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._num_waiting:
            self._write_group()
        self._writer.close()

    def write(self, span: BinSpan, values: npt.NDArray[np.float32], keys: tuple[int, ...] = ()) -> None:
        """Writes some bins.

        Args:
          span: the bins.
          values: float32 [bins, columns].
          keys: the numbers that all of these rows have in the columns before the bins' places.
        """
        self._waiting.append((keys, span, values))
        self._num_waiting += span.num_bins
        if self._num_waiting >= self._group_rows:
            self._write_group()

    def _write_group(self) -> None:
        keys, spans, arrays = zip(*self._waiting, strict=True)
        values = np.concatenate(arrays)
        self._waiting, self._num_waiting = [], 0
        edges = [span.edges(self._contigs[span.contig], self._bin_size_bp) for span in spans]
        num_bins = [span.num_bins for span in spans]
        columns = [
            *(pa.array(np.repeat(np.array(of_column, np.int64), num_bins)) for of_column in zip(*keys, strict=True)),
            pa.array([span.contig for span in spans for _ in range(span.num_bins)], pa.string()),
            pa.array(np.concatenate([starts for starts, _ in edges])),
            pa.array(np.concatenate([ends for _, ends in edges])),
            *(pa.array(np.ascontiguousarray(of_track)) for of_track in values.T),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=len(values))


def check_column_names(identifiers: Sequence[str]) -> None:
    """Checks that tracks can be columns of the table.

    Raises:
      TrackError: a track has the name of another column.
    """
    for name in identifiers:
        if name in PLACE_COLUMNS:
            raise TrackError(f"a track is named {name!r}, as a column of the table is: rename it in the track table")
