"""Writes predictions as a Parquet table: one row per bin, or per allele and bin, and the tracks in columns."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import TrackError
from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.tables.row_writer import ParquetRows, TableColumns, Values

PLACE_TYPES = {"chrom": pa.string(), "start": pa.int64(), "end": pa.int64()}

GROUP_BYTES = 64 << 20
"""Predictions of a row group; fewer rows of many tracks would make the metadata large."""


class PredictionTable(ParquetRows):
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
          metadata: the schema's metadata.
          keys: the names of the integer columns before the bins' positions.
        """
        self._contigs = contigs
        self._bin_size_bp = bin_size_bp
        fields = {**dict.fromkeys(keys, pa.int64()), **PLACE_TYPES}
        super().__init__(
            stream,
            TableColumns(fields, [Values(columns)]),
            metadata,
            group_rows=max(1, GROUP_BYTES // (4 * len(columns))),
            has_whole_batches=True,
            encoding={"use_dictionary": ["chrom"]},
        )

    def add(self, span: BinSpan, values: npt.NDArray[np.float32], keys: tuple[int, ...] = ()) -> None:
        """Adds some bins.

        Args:
          span: the bins.
          values: float32 [bins, columns].
          keys: the values of these rows in the columns before the bins' positions.
        """
        starts, ends = span.edges(self._contigs[span.contig], self._bin_size_bp)
        fields = [np.full(span.num_bins, key, np.int64) for key in keys]
        self.write([*fields, [span.contig] * span.num_bins, starts, ends], values)


def check_column_names(identifiers: Sequence[str]) -> None:
    """Checks that tracks can be columns of the table.

    Raises:
      TrackError: a track has the name of another column.
    """
    for name in identifiers:
        if name in PLACE_TYPES:
            raise TrackError(f"a track is named {name!r}, as a column of the table is: rename it in the track table")
