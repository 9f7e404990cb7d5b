"""The formats of the scores: Parquet or tab-separated text, in one of three layouts, as float32 or float16.

Layouts: `wide` has one row per allele and one column per statistic and track; `list` has one row per allele and one
list per statistic; `long` has one row per allele and track and one column per statistic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.io.bgzip import BgzipWriter
from enformer_vep.io.tables.outputs import Dtype, Layout, OutputPaths, SummaryKind
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele

ROW_GROUP_ROWS = 10_000
"""Rows of a Parquet row group; the last one has the rest."""

_TYPES = {name: pa.string() if kind is str else pa.int64() for name, kind in AlleleFields.__annotations__.items()}
ALLELE_TYPES = _TYPES | {"allele": pa.int32()}
"""Arrow's types of the columns before the scores."""

PERCENTILE_SUFFIX = "_percentile"
"""What a statistic's percentiles are called after its own name."""

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TableSettings:
    """How scores are written.

    Attributes:
      statistics: names of the statistics.
      tracks: the tracks.
      layout: what a row and a column are.
      dtype: the number format of the scores; one that does not fit into a float16 becomes infinite.
      summary: whether there is a summary, beside the table or instead of it.
      has_percentiles: whether the percentiles of each statistic follow its scores; they are always float32.
      saturated: the bases whose changes the alleles are, if they are those of a saturation.
    """

    statistics: Sequence[str]
    tracks: TrackTable
    layout: Layout = "wide"
    dtype: Dtype = "float32"
    summary: SummaryKind = "none"
    has_percentiles: bool = False
    saturated: SaturatedBases | None = None

    @property
    def num_scores(self) -> int:
        """Number of scores of an allele."""
        return len(self.statistics) * len(self.tracks.identifiers)

    @property
    def columns(self) -> list[str]:
        """Names of the columns after the allele's, statistics outermost."""
        names = [name for name, _ in self.values]
        if self.layout == "wide":
            return [f"{name}:{track}" for name in names for track in self.tracks.identifiers]
        return [*(["track"] if self.layout == "long" else []), *names]

    @property
    def values(self) -> list[tuple[str, Dtype]]:
        """What is written of an allele and track, with the number formats: each statistic, and its percentile."""
        if not self.has_percentiles:
            return [(statistic, self.dtype) for statistic in self.statistics]
        return [
            value
            for statistic in self.statistics
            for value in ((statistic, self.dtype), (f"{statistic}{PERCENTILE_SUFFIX}", "float32"))
        ]

    def split(self, scores: Scores, percentiles: Scores | None) -> list[Scores]:
        """Returns float32 [alleles, tracks] of each of `values`, given [alleles, statistics * tracks] of both."""
        num = len(self.statistics)
        of_scores = np.split(scores, num, axis=1)
        if percentiles is None:
            return of_scores
        return [values for pair in zip(of_scores, np.split(percentiles, num, axis=1), strict=True) for values in pair]


class TableFile(Protocol):
    """An open table."""

    def write(self, alleles: Sequence[VcfAllele], scores: Scores, percentiles: Scores | None = None) -> None:
        """Adds alleles.

        Args:
          alleles: the alleles.
          scores: float32 [alleles, statistics * tracks].
          percentiles: the same of their percentiles; None if the table has none.
        """
        ...

    def close(self) -> None:
        """Writes the rest."""
        ...


def open_table(
    stream: BinaryIO,
    paths: OutputPaths,
    settings: TableSettings,
    metadata: Mapping[bytes, bytes],
    *,
    num_alleles: int | None = None,
) -> TableFile:
    """Starts a table in the format of its name.

    Args:
      stream: where it is written.
      paths: its name.
      settings: how scores are written.
      metadata: what is written with the table if the format has a place for it.
      num_alleles: number of alleles that will be written, None if unknown; fewer than a row group need less memory.
    """
    if paths.is_parquet:
        return _ParquetTable(stream, settings, metadata, num_alleles)
    return _TextTable(BgzipWriter(stream) if paths.is_gzipped else stream, settings)


def parquet_writer(stream: BinaryIO, schema: pa.Schema) -> pyarrow.parquet.ParquetWriter:
    """Starts a Parquet file; the allele's columns and texts are dictionary-encoded, scores are not."""
    texts = [field.name for field in schema if pa.types.is_string(field.type) or field.name in AlleleFields._fields]
    return pyarrow.parquet.ParquetWriter(stream, schema, compression="zstd", use_dictionary=texts)


class RowGroups:
    """Writes rows to Parquet in row groups of one size, whatever the sizes of the pieces that they come in."""

    def __init__(self, writer: pyarrow.parquet.ParquetWriter, size: int) -> None:
        """Takes the writer, which is closed with this, and the rows of a group; the last group has the rest."""
        self._writer = writer
        self._size = size
        self._waiting: list[pa.Table] = []
        self._num_waiting = 0

    def add(self, rows: pa.Table) -> None:
        """Adds rows."""
        while len(rows):
            piece = rows.slice(0, self._size - self._num_waiting)
            rows = rows.slice(len(piece))
            self._waiting.append(piece)
            self._num_waiting += len(piece)
            if self._num_waiting == self._size:
                self._flush()

    def close(self) -> None:
        """Writes the rest."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            group = pa.concat_tables(self._waiting).combine_chunks()
            self._writer.write_table(group, row_group_size=len(group))
        self._waiting, self._num_waiting = [], 0


def allele_columns(alleles: Sequence[VcfAllele]) -> list[pa.Array]:
    """Returns the columns that identify alleles, of which there is at least one."""
    by_column = zip(*(allele.fields for allele in alleles), strict=True)
    return [
        pa.array(map(clean_text, values), kind) for kind, values in zip(ALLELE_TYPES.values(), by_column, strict=True)
    ]


def rows_per_group(layout: str, num_tracks: int) -> int:
    """Returns the rows of a Parquet row group: ROW_GROUP_ROWS, in a long table rounded up to whole alleles."""
    return -(-ROW_GROUP_ROWS // num_tracks) * num_tracks if layout == "long" else ROW_GROUP_ROWS


class _ParquetTable:
    def __init__(
        self, stream: BinaryIO, settings: TableSettings, metadata: Mapping[bytes, bytes], num_alleles: int | None
    ) -> None:
        self._settings = settings
        self._num_tracks = len(settings.tracks.identifiers)
        names = settings.columns
        fields = [pa.field(name, kind) for name, kind in ALLELE_TYPES.items()]
        fields += [pa.field(names.pop(0), pa.string())] if settings.layout == "long" else []
        num_columns = self._num_tracks if settings.layout == "wide" else 1
        for number, (_, dtype) in enumerate(settings.values):
            value = pa.float16() if dtype == "float16" else pa.float32()
            if settings.layout == "list":
                value = pa.list_(pa.field("element", value), self._num_tracks)  # the name in Parquet files
            fields += [pa.field(name, value) for name in names[number * num_columns : (number + 1) * num_columns]]
        # Most readers show only the schema's metadata, not what is added to the footer when the file is closed.
        self._schema = pa.schema(fields, metadata)
        self._writer = parquet_writer(stream, self._schema)
        rows = rows_per_group(settings.layout, self._num_tracks)
        num_held = rows // self._num_tracks if settings.layout == "long" else rows
        self._alleles: list[VcfAllele] = []
        # A wide table is written column by column, so each column is contiguous: all of the memory is soon in use.
        order = "F" if settings.layout == "wide" else "C"
        if num_alleles is not None:
            num_held = min(num_held, max(1, num_alleles))
        self._num_held = num_held
        self._held = [
            np.empty((num_held, self._num_tracks), dtype=dtype, order=order)  # type: ignore[call-overload]
            for _, dtype in settings.values
        ]

    def write(self, alleles: Sequence[VcfAllele], scores: Scores, percentiles: Scores | None = None) -> None:
        values = self._settings.split(scores, percentiles)
        done = 0
        while done < len(alleles):
            first = len(self._alleles)
            num = min(len(alleles) - done, self._num_held - first)
            self._alleles.extend(alleles[done : done + num])
            for held, added in zip(self._held, values, strict=True):
                held[first : first + num] = added[done : done + num]
            done += num
            if len(self._alleles) == self._num_held:
                self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        num = len(self._alleles)
        if not num:
            return
        columns = allele_columns(self._alleles)
        held = [values[:num] for values in self._held]  # [alleles, tracks] each
        if self._settings.layout == "wide":
            columns += [pa.array(column) for values in held for column in values.T]
        else:
            values = [pa.array(part.reshape(-1)) for part in held]
            if self._settings.layout == "list":
                kinds = [field.type for field in self._schema][-len(values) :]
                lists = zip(values, kinds, strict=True)
                columns += [pa.FixedSizeListArray.from_arrays(value, type=kind) for value, kind in lists]
            else:
                allele = np.repeat(np.arange(num), self._num_tracks)
                columns = [column.take(pa.array(allele)) for column in columns]
                columns += [pa.array(self._settings.tracks.identifiers * num), *values]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema), row_group_size=len(columns[0]))
        self._alleles.clear()


class _TextTable:
    def __init__(self, stream: BinaryIO | BgzipWriter, settings: TableSettings) -> None:
        self._stream = stream
        self._settings = settings
        write_line(stream, [*AlleleFields._fields, *settings.columns])

    def write(self, alleles: Sequence[VcfAllele], scores: Scores, percentiles: Scores | None = None) -> None:
        values = self._settings.split(scores, percentiles)
        dtypes = [dtype for _, dtype in self._settings.values]
        for place, allele in enumerate(alleles):
            numbers = [_as_text(of[place], dtype) for of, dtype in zip(values, dtypes, strict=True)]  # by track each
            fields = [str(value) for value in allele.fields]
            if self._settings.layout == "wide":
                write_line(self._stream, [*fields, *chain.from_iterable(numbers)])
                continue
            for identifier, *of_track in zip(self._settings.tracks.identifiers, *numbers, strict=True):
                write_line(self._stream, [*fields, identifier, *of_track])

    def close(self) -> None:
        if isinstance(self._stream, BgzipWriter):
            self._stream.close()
        else:
            self._stream.flush()


def _as_text(row: Scores, dtype: Dtype) -> list[str]:
    return shortest(row) if dtype == "float32" else [str(x) for x in row.astype(np.float16)]


def shortest(row: Scores) -> list[str]:
    """Writes float32s, [any number], with the fewest digits from which they can be restored."""
    return cast("list[str]", pyarrow.compute.cast(pa.array(np.ascontiguousarray(row)), pa.string()).to_pylist())


def write_line(stream: BinaryIO | BgzipWriter, fields: Sequence[str]) -> None:
    """Writes a line of tab-separated text; bytes of the VCF that are not UTF-8 are written unchanged."""
    stream.write(("\t".join(fields) + "\n").encode("utf-8", "surrogateescape"))


def clean_text(value: str | int) -> str | int:
    """Replaces what is not UTF-8, which Parquet cannot store."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else value
