"""Writes tables as Parquet or as tab-separated text: the one place where rows become either.

A table has fields of any type, and after them values: matrices of floats, with a number for each of a row's labels,
such as tracks. Rows come in batches of any size, and are divided into row groups here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from enformer_vep.io.bgzip import BgzipWriter
from enformer_vep.io.tables.outputs import Dtype, Layout, OutputPaths
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele

ROW_GROUP_ROWS = 10_000
"""Rows of a Parquet row group; the last one has the rest."""

TEXT_VALUES = 10_000
"""Numbers that are turned into text at a time, at least those of one row."""

_TYPES = {name: pa.string() if kind is str else pa.int64() for name, kind in AlleleFields.__annotations__.items()}
ALLELE_TYPES: Mapping[str, pa.DataType] = _TYPES | {"allele": pa.int32()}
"""The columns that identify an allele, with Arrow's types."""

_FLOATS = {"float32": pa.float32(), "float16": pa.float16()}

Column = Sequence[Any] | npt.NDArray[Any]
Float32s = npt.NDArray[np.float32]
_Rows = TypeVar("_Rows", bound="ParquetRows")


@dataclass(frozen=True)
class Values:
    """Floats of every row, which come as a matrix [rows, labels].

    Attributes:
      columns: names of their columns: one for each label in a wide table, else a single one.
      dtype: the type that they are written as; what does not fit into a float16 becomes infinite.
    """

    columns: Sequence[str]
    dtype: Dtype = "float32"


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table.

    Attributes:
      fields: names of the columns of any type, with Arrow's types.
      values: the floats that follow them.
      layout: `wide` has a column for each label, `list` one list per row, and `long` a line for each row and label.
      labels: of the values' columns in a list or long table; a long one writes them in its column `track`.
    """

    fields: Mapping[str, pa.DataType]
    values: Sequence[Values] = ()
    layout: Layout = "wide"
    labels: Sequence[str] = ()

    def schema(self, metadata: Mapping[bytes, bytes] | None = None) -> pa.Schema:
        """Returns Arrow's schema."""
        columns = [*self.fields.items(), *([("track", pa.string())] if self.layout == "long" else [])]
        for values in self.values:
            kind = _FLOATS[values.dtype]
            if self.layout == "list":
                kind = pa.list_(pa.field("element", kind), len(self.labels))  # the name in Parquet files
            columns += [(name, kind) for name in values.columns]
        # Most readers show only the schema's metadata, not what is added to the footer when the file is closed.
        return pa.schema(columns, None if metadata is None else dict(metadata))


class RowWriter(Protocol):
    """A table that is being written."""

    def write(self, fields: Sequence[Column], *values: Float32s) -> None:
        """Adds rows; how many at a time does not change the file.

        Args:
          fields: a column for each of `TableColumns.fields`; None is a missing value.
          *values: float32 [rows, labels] for each of `TableColumns.values`.
        """
        ...

    def close(self) -> None:
        """Writes the rest, and leaves the stream open."""
        ...


def open_rows(
    stream: BinaryIO,
    columns: TableColumns,
    like: OutputPaths,
    metadata: Mapping[bytes, bytes],
    *,
    group_rows: int | None = None,
    num_rows: int | None = None,
) -> RowWriter:
    """Starts a table in the format of a run's table.

    Args:
      stream: the open file.
      columns: its columns.
      like: the names of the run's files.
      metadata: written with the table if its format has a place for it.
      group_rows: see `ParquetRows`.
      num_rows: see `ParquetRows`.
    """
    if like.is_parquet:
        return ParquetRows(stream, columns, metadata, group_rows=group_rows, num_rows=num_rows)
    return TextRows(stream, columns, is_gzipped=like.is_gzipped)


class ParquetRows:
    """Writes rows as Parquet, in row groups of one size. May be used in a `with` block, which closes it."""

    def __init__(
        self,
        stream: BinaryIO,
        columns: TableColumns,
        metadata: Mapping[bytes, bytes],
        *,
        group_rows: int | None = None,
        num_rows: int | None = None,
        has_whole_batches: bool = False,
        encoding: Mapping[str, Any] | None = None,
    ) -> None:
        """Starts the file.

        Args:
          stream: the open file.
          columns: its columns.
          metadata: the schema's metadata.
          group_rows: rows of a row group; None for ROW_GROUP_ROWS. In a long table each has a line for every label.
          num_rows: number of rows that will be written, None if unknown; fewer than a row group need less memory.
          has_whole_batches: whether a row group ends with the batch that fills it, and no batch is divided.
          encoding: options of PyArrow's writer; by default what identifies an allele and texts have dictionaries.
        """
        self._columns = columns
        self._schema = columns.schema(metadata)
        size = group_rows or ROW_GROUP_ROWS
        self._group_rows = size if num_rows is None else min(size, max(1, num_rows))
        self._has_whole_batches = has_whole_batches
        names = [field.name for field in self._schema if pa.types.is_string(field.type) or field.name in ALLELE_TYPES]
        self._writer = pyarrow.parquet.ParquetWriter(
            stream, self._schema, compression="zstd", **({"use_dictionary": names} | dict(encoding or {}))
        )
        self._num_waiting = 0
        self._fields: list[list[pa.Array]] = [[] for _ in columns.fields]
        num_labels = [len(values.columns if columns.layout == "wide" else columns.labels) for values in columns.values]
        # A wide table is written column by column, so each column is contiguous: all of the memory is soon in use.
        self._order: Any = "F" if columns.layout == "wide" else "C"
        self._values: list[npt.NDArray[Any]] = [
            np.empty((self._group_rows, num), values.dtype, self._order)  # type: ignore[call-overload]
            for num, values in zip(num_labels, columns.values, strict=True)
        ]

    def __enter__(self: _Rows) -> _Rows:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._write_group()
        self._writer.close()

    def write(self, fields: Sequence[Column], *values: Float32s) -> None:
        """Adds rows: see `RowWriter`. A field may be an Arrow array."""
        arrays = [_to_arrow(field, kind) for field, kind in zip(fields, self._columns.fields.values(), strict=True)]
        num_rows, done = len(arrays[0]), 0
        while done < num_rows:
            num = num_rows - done
            if not self._has_whole_batches:
                num = min(num, self._group_rows - self._num_waiting)
            self._hold([array.slice(done, num) for array in arrays], [some[done : done + num] for some in values])
            done += num
            if self._num_waiting >= self._group_rows:
                self._write_group()

    def close(self) -> None:
        """Writes the rest."""
        self._write_group()
        self._writer.close()

    def _hold(self, fields: Sequence[pa.Array], values: Sequence[Float32s]) -> None:
        start, end = self._num_waiting, self._num_waiting + len(fields[0])
        for waiting, field in zip(self._fields, fields, strict=True):
            waiting.append(field)
        for place, added in enumerate(values):
            waiting_values = self._values[place]
            if end > len(waiting_values):
                larger = np.empty((end, added.shape[1]), waiting_values.dtype, self._order)
                larger[:start] = waiting_values[:start]
                self._values[place] = waiting_values = larger
            waiting_values[start:end] = added
        self._num_waiting = end

    def _write_group(self) -> None:
        num_rows, self._num_waiting = self._num_waiting, 0
        if not num_rows:
            return
        if any(map(pa.types.is_dictionary, self._columns.fields.values())):
            table = pa.Table.from_arrays([pa.chunked_array(pieces) for pieces in self._fields], schema=self._schema)
            self._fields = [[] for _ in self._fields]
            table = table.unify_dictionaries()  # in the pieces that they came in
        else:
            table = pa.Table.from_arrays(self._group_columns(num_rows), schema=self._schema)
        self._writer.write_table(table, row_group_size=len(table))

    def _group_columns(self, num_rows: int) -> list[pa.Array]:
        columns = []
        for pieces in self._fields:
            columns.append(pa.concat_arrays(pieces))
            pieces.clear()  # before the next column is joined: a merger of wide tables then needs half the memory
        matrices = [values[:num_rows] for values in self._values]
        if self._columns.layout == "wide":
            return columns + [pa.array(column) for values in matrices for column in values.T]
        flat = [pa.array(values.reshape(-1)) for values in matrices]
        if self._columns.layout == "list":
            kinds = self._schema.types[len(columns) :]
            return columns + [
                pa.FixedSizeListArray.from_arrays(values, type=kind) for values, kind in zip(flat, kinds, strict=True)
            ]
        row_of_line = pa.array(np.repeat(np.arange(num_rows), len(self._columns.labels)))
        repeated = [column.take(row_of_line) for column in columns]
        return [*repeated, pa.array([*self._columns.labels] * num_rows), *flat]


class TextRows:
    """Writes rows as lines of tab-separated text, a header first."""

    def __init__(self, stream: BinaryIO, columns: TableColumns, *, is_gzipped: bool = False) -> None:
        """Writes the header."""
        self._stream = BgzipWriter(stream) if is_gzipped else stream
        self._columns = columns
        write_line(self._stream, columns.schema().names)

    def write(self, fields: Sequence[Column], *values: Float32s) -> None:
        """Adds rows: see `RowWriter`."""
        texts = [_to_text(field, kind) for field, kind in zip(fields, self._columns.fields.values(), strict=True)]
        widths = [matrix.shape[1] for matrix in values]
        step = max(1, TEXT_VALUES // (sum(widths) or 1))
        for start in range(0, len(texts[0]), step):
            numbers = [
                _to_text(matrix[start : start + step].reshape(-1), _FLOATS[described.dtype])
                for matrix, described in zip(values, self._columns.values, strict=True)
            ]
            for place, row in enumerate(zip(*(text[start : start + step] for text in texts), strict=True)):
                of_row = [
                    of_values[place * width : (place + 1) * width]
                    for of_values, width in zip(numbers, widths, strict=True)
                ]
                if self._columns.layout != "long":
                    write_line(self._stream, [*row, *chain.from_iterable(of_row)])
                    continue
                for label, *of_label in zip(self._columns.labels, *of_row, strict=True):
                    write_line(self._stream, [*row, label, *of_label])

    def close(self) -> None:
        """Writes the rest."""
        if isinstance(self._stream, BgzipWriter):
            self._stream.close()
        else:
            self._stream.flush()


def allele_fields(alleles: Sequence[VcfAllele]) -> list[list[str | int]]:
    """Returns the columns of ALLELE_TYPES."""
    rows = [allele.fields for allele in alleles]
    return [[row[place] for row in rows] for place in range(len(ALLELE_TYPES))]


def write_line(stream: BinaryIO | BgzipWriter, fields: Sequence[str]) -> None:
    """Writes a line of tab-separated text; bytes of the VCF that are not UTF-8 are written unchanged."""
    stream.write(("\t".join(fields) + "\n").encode("utf-8", "surrogateescape"))


def clean_text(value: Any) -> Any:
    """Replaces what is not UTF-8 in a text, which Parquet cannot store."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else value


def _to_arrow(column: Column, kind: pa.DataType) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return pa.array(map(clean_text, column) if pa.types.is_string(kind) else column, kind)


def _to_text(column: Column, kind: pa.DataType) -> list[str]:
    """Returns a column as text: float32s with the fewest digits from which they can be restored, nothing for None."""
    if pa.types.is_float32(kind):
        texts = pyarrow.compute.cast(pa.array(column, kind), pa.string()).fill_null("")
        return cast("list[str]", texts.to_pylist())
    if pa.types.is_float16(kind):
        return [str(number) for number in np.asarray(column, np.float16)]
    return ["" if value is None else str(value) for value in column]
