"""Reads tables of scores by rows, in a stream: Parquet and text, in every layout."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from enformer_vep.errors import InputError
from enformer_vep.io.tables.formats import PERCENTILE_SUFFIX, TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.wording import cause

TEXT_BLOCK_BYTES = 16 << 20
"""Text that is parsed at a time. No line may be longer: 14 statistics of all tracks have about 1 MB."""

Float32s = npt.NDArray[np.float32]


class ScoredRows(NamedTuple):
    """Some consecutive alleles.

    Attributes:
      fields: columns that identify the alleles, as Arrow has them.
      scores: float32 [alleles, statistics * tracks].
    """

    fields: pa.RecordBatch
    scores: Float32s

    def field(self, name: str) -> list[str | int]:
        """Returns one column of `fields`; bytes that are not UTF-8 are kept as surrogates."""
        return [
            value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
            for value in self.fields[name].to_pylist()
        ]

    @property
    def alleles(self) -> list[VcfAllele]:
        """The alleles; all of AlleleFields must be among `fields`."""
        rows = zip(*(self.field(name) for name in AlleleFields._fields), strict=True)
        return [
            VcfAllele.from_fields(AlleleFields(*cast("tuple[str, int, str, str, str, int, int]", row))) for row in rows
        ]


class ScoreRows:
    """The scores of some statistics and tracks of a table, by rows."""

    def __init__(
        self, paths: OutputPaths, settings: TableSettings, statistics: Sequence[str], tracks: Sequence[int]
    ) -> None:
        """Chooses what is read.

        Args:
          paths: the table.
          settings: the table's statistics, tracks, layout and number format.
          statistics: the wanted statistics, of those of the table; SAD_percentile for percentiles, if it has them.
          tracks: the wanted tracks' places in the table.
        """
        self._paths = paths
        self._settings = settings
        self._statistics = statistics
        self._tracks = np.array(tracks, dtype=np.int64)
        self._num_tracks = len(settings.tracks.identifiers)
        self._rows_per_allele = self._num_tracks if settings.layout == "long" else 1
        self._columns = self._columns_of_scores()

    def read(self, fields: Sequence[str], num_alleles: int) -> Iterator[ScoredRows]:
        """Reads the table once.

        Args:
          fields: which of AlleleFields are read as well.
          num_alleles: number of alleles that are returned at a time, at most.

        Yields:
          Consecutive rows: all of the table's, in order.

        Raises:
          InputError: the table cannot be read, or lacks columns or rows.
        """
        num_rows = num_alleles * self._rows_per_allele
        with reading(self._paths.table), ExitStack() as stack:
            batches = self._batches(stack, fields, num_rows)
            if self._settings.layout == "long":
                batches = self._whole_alleles(batches)
            for batch in batches:
                for start in range(0, len(batch), num_rows):
                    piece = batch.slice(start, num_rows)
                    first_rows = pa.array(np.arange(0, len(piece), self._rows_per_allele))
                    yield ScoredRows(piece.select(list(fields)).take(first_rows), self._scores(piece))

    def _columns_of_scores(self) -> list[str]:
        if self._settings.layout != "wide":
            return replace(self._settings, statistics=self._statistics, has_percentiles=False).columns
        columns, places = self._settings.columns, [name for name, _ in self._settings.values]
        first_columns = [places.index(statistic) * self._num_tracks for statistic in self._statistics]
        return [columns[first + track] for first in first_columns for track in self._tracks]

    def _scores(self, batch: pa.RecordBatch) -> Float32s:
        """Returns float32 [alleles, statistics * tracks]."""
        num_alleles = len(batch) // self._rows_per_allele
        # In one memory order for every layout, so that what is computed of the scores does not depend on it.
        scores = np.empty((num_alleles, len(self._statistics) * len(self._tracks)), np.float32)
        if self._settings.layout == "wide":
            for place, name in enumerate(self._columns):
                scores[:, place] = batch[name].to_numpy(zero_copy_only=False)
        else:
            by_statistic = scores.reshape(num_alleles, len(self._statistics), len(self._tracks))
            for place, name in enumerate(self._statistics):
                values = batch[name].flatten() if self._settings.layout == "list" else batch[name]
                if len(values) != num_alleles * self._num_tracks:
                    raise InputError(f"{self._paths.table}: expected {self._num_tracks:,} scores in every {name}")
                of_tracks = values.to_numpy(zero_copy_only=False).reshape(num_alleles, self._num_tracks)
                by_statistic[:, place] = of_tracks[:, self._tracks]
        if self._settings.dtype == "float16" and not self._paths.is_parquet:
            # Text has the fewest digits that tell float16s apart. Percentiles are float32 in every table.
            is_half = np.repeat([not name.endswith(PERCENTILE_SUFFIX) for name in self._statistics], len(self._tracks))
            scores[:, is_half] = scores[:, is_half].astype(np.float16)
        return scores

    def _batches(self, stack: ExitStack, fields: Sequence[str], num_rows: int) -> Iterator[pa.RecordBatch]:
        types = {name: pa.binary() if AlleleFields.__annotations__[name] is str else pa.int64() for name in fields}
        types |= {name: pa.string() if name == "track" else pa.float32() for name in self._columns}
        return read_columns(self._paths.table, types, num_rows, stack)

    def _whole_alleles(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Divides the rows of a long table anew, so that all tracks of an allele are in one batch."""
        waiting: list[pa.RecordBatch] = []
        identifiers = pa.array(self._settings.tracks.identifiers)
        for batch in batches:
            table = pa.Table.from_batches([*waiting, batch])
            num_alleles = len(table) // self._num_tracks
            num_rows = num_alleles * self._num_tracks
            waiting = table.slice(num_rows).to_batches()
            if not num_rows:
                continue
            for whole in table.slice(0, num_rows).combine_chunks().to_batches():
                if whole["track"] != pa.concat_arrays([identifiers] * num_alleles):
                    raise InputError(f"{self._paths.table}: expected all tracks of each allele in the order of the run")
                yield whole
        if sum(map(len, waiting)):
            raise InputError(f"{self._paths.table} is incomplete: its last allele lacks tracks")


def read_columns(
    path: Path, types: Mapping[str, pa.DataType], num_rows: int, stack: ExitStack
) -> Iterator[pa.RecordBatch]:
    """Reads columns of a table of ours, Parquet or text by its name, in a stream.

    Args:
      path: the table.
      types: the wanted columns, with the types that they get if the table is text.
      num_rows: rows of a batch of Parquet, at most; those of text have as many as there are in TEXT_BLOCK_BYTES.
      stack: what closes the table.

    Raises:
      InputError: it is not such a table, or lacks a column.
    """
    if path.suffix == ".parquet":
        file = stack.enter_context(open_parquet(path))
        check_columns(path, file.schema_arrow.names, list(types))
        return cast("Iterator[pa.RecordBatch]", file.iter_batches(num_rows, columns=list(types)))
    check_columns(path, column_names(path), list(types))
    stream = pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None)
    reader = pyarrow.csv.open_csv(
        stack.enter_context(stream),
        pyarrow.csv.ReadOptions(block_size=TEXT_BLOCK_BYTES),
        # The VCF's texts are taken as they are: a quotation mark is a letter, and bytes need not be UTF-8.
        pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
        pyarrow.csv.ConvertOptions(include_columns=list(types), column_types=types, check_utf8=False),
    )
    return iter(stack.enter_context(reader))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what a damaged table raises into one line."""
    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read, or is damaged: {cause(error)[:300]}") from error


def open_parquet(path: Path) -> pyarrow.parquet.ParquetFile:
    """Opens a Parquet file.

    Raises:
      InputError: it is not one.
    """
    try:
        # With pre_buffer, PyArrow keeps all that was read until the end, which may be the whole of a large file.
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a Parquet file, or is damaged: {cause(error)[:300]}") from error


def check_columns(path: Path, found: Sequence[str], expected: Sequence[str]) -> None:
    """Checks that a table has columns.

    Raises:
      InputError: it lacks one.
    """
    there = set(found)
    if missing := [name for name in expected if name not in there]:
        raise InputError(
            f"{path} has no column {missing[0]}, which its run record names: use the table as it was written"
        )


def column_names(path: Path) -> list[str]:
    """Returns the names of the columns of a table of ours, Parquet or text by its name.

    Raises:
      InputError: it is Parquet by its name and not by its content.
    """
    if path.suffix == ".parquet":
        with open_parquet(path) as file:
            return list(file.schema_arrow.names)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        return stream.readline().decode("utf-8", "replace").rstrip("\r\n").split("\t")
