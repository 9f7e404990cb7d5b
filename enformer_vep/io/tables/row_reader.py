"""Reads columns of tables in a stream, Parquet or text by its name, and rows of two tables side by side."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from enformer_vep.errors import InputError
from enformer_vep.wording import cause

TEXT_BLOCK_BYTES = 16 << 20
"""Text that is parsed at a time. No line may be longer: 14 statistics of all tracks have about 1 MB."""

Rows = TypeVar("Rows")
Values = npt.NDArray[Any]

_PLACE = ("record", "allele")


def read_columns(
    path: Path, types: Mapping[str, pa.DataType], num_rows: int, stack: ExitStack
) -> Iterator[pa.RecordBatch]:
    """Reads columns of a table of ours, Parquet or text by its name, in a stream.

    Args:
      path: the table.
      types: the wanted columns, with the types that they get if the table is text.
      num_rows: rows of a batch of Parquet, at most; those of text have as many as there are in TEXT_BLOCK_BYTES.
      stack: closes the table when it ends.

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
    """Turns the errors of a damaged table into one line."""
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


def read_metadata(path: Path) -> Mapping[bytes, bytes]:
    """Returns the metadata of a Parquet file's schema.

    Raises:
      InputError: it is not one.
    """
    with open_parquet(path) as file:
        return file.schema_arrow.metadata or {}


def check_columns(path: Path, names: Sequence[str], expected: Sequence[str]) -> None:
    """Checks that a table has columns.

    Raises:
      InputError: it lacks one.
    """
    there = set(names)
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


def side_by_side(
    first: Iterator[tuple[pa.RecordBatch, Rows]],
    second: Iterator[tuple[pa.RecordBatch, Values]],
    names: tuple[str, str],
) -> Iterator[tuple[pa.RecordBatch, Rows, Values]]:
    """Yields batches of the same alleles from two tables, whose own batches end at different rows.

    Args:
      first: batches of consecutive alleles: columns, record and allele among them, and rows of any kind.
      second: the same, with values [alleles, ...].
      names: the names of the tables, for messages.

    Yields:
      The batches of the first, with the values of the second.

    Raises:
      InputError: they have other alleles.
    """
    rest: tuple[pa.RecordBatch, Values] | None = None
    for fields, rows in first:
        num_wanted = len(fields)
        pieces: list[tuple[pa.RecordBatch, Values]] = []
        while num_wanted:
            more = rest or next(second, None)
            if more is None:
                raise _other_alleles(names)
            at, values = more
            pieces.append((at.slice(0, num_wanted), values[:num_wanted]))
            rest = (at.slice(num_wanted), values[num_wanted:]) if len(at) > num_wanted else None
            num_wanted -= len(pieces[-1][0])
        for name in _PLACE:
            others = np.concatenate([at[name].to_numpy() for at, _ in pieces]) if pieces else np.empty(0)
            if not np.array_equal(fields[name].to_numpy(), others):
                raise _other_alleles(names)
        if pieces:
            yield fields, rows, np.concatenate([values for _, values in pieces])
    if rest is not None or next(second, None) is not None:
        raise _other_alleles(names)


def _other_alleles(names: tuple[str, str]) -> InputError:
    return InputError(f"{names[0]} and {names[1]} have other alleles: use the files of one run as they were written")
