"""Rows as Parquet and as text, whatever the batches that they come in."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from enformer_vep.io.tables.row_writer import ParquetRows, TableColumns, TextRows, Values

COLUMNS = TableColumns({"name": pa.string(), "number": pa.int32(), "part": pa.float32()}, [Values(["a", "b"])])
NAMES = ["caf\udce9", None, "x", "y", "z"]
NUMBERS = [1, 2, None, 4, 5]
PARTS = [0.1, None, 1e-20, 2.0, 3.0]
VALUES = np.array([[1 / 3, -0.0], [np.nan, np.inf], [1e30, 2], [3, 4], [5, 6]], np.float32)


def write(path: Path, edges: list[int], **options: object) -> list[int]:
    """Writes rows in batches with these edges; returns the sizes of row groups."""
    with path.open("wb") as stream, ParquetRows(stream, COLUMNS, {b"key": b"value"}, **options) as rows:
        for start, end in zip([0, *edges], [*edges, 5], strict=True):
            some = slice(start, end)
            rows.write([NAMES[some], NUMBERS[some], PARTS[some]], VALUES[some])
    metadata = pq.ParquetFile(path).metadata
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


@pytest.mark.parametrize("edges", [[], [1], [2, 3], [1, 2, 3, 4], [0, 4, 4]])
def test_row_groups_do_not_depend_on_batches(edges: list[int], tmp_path: Path) -> None:
    assert write(tmp_path / "whole.parquet", [], group_rows=2) == [2, 2, 1]
    assert write(tmp_path / "batches.parquet", edges, group_rows=2) == [2, 2, 1]
    assert (tmp_path / "batches.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize(("edges", "groups"), [([], [5]), ([1], [1 + 4]), ([3], [3, 2]), ([1, 2, 4], [2, 2, 1])])
def test_a_batch_is_not_divided_where_row_groups_have_whole_ones(
    edges: list[int], groups: list[int], tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    assert write(out, edges, group_rows=2, has_whole_batches=True) == groups
    table = pq.read_table(out)
    assert table["name"].to_pylist() == ["caf\ufffd", *NAMES[1:]]  # Parquet holds UTF-8 alone
    assert table["number"].to_pylist() == NUMBERS
    assert np.array_equal(np.stack([table[name].to_numpy() for name in ("a", "b")], axis=1), VALUES, equal_nan=True)


def test_an_error_in_the_block_is_not_hidden_by_the_rows_that_wait(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with (
        pytest.raises(RuntimeError, match="stop"),
        out.open("wb") as stream,
        ParquetRows(stream, COLUMNS, {}) as rows,
    ):
        rows.write([NAMES, NUMBERS, PARTS], VALUES)
        raise RuntimeError("stop")
    assert pq.ParquetFile(out).metadata.num_rows == 0


def test_text_has_nothing_where_a_value_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "out.tsv"
    with out.open("wb") as stream:
        rows = TextRows(stream, COLUMNS)
        rows.write([NAMES, NUMBERS, PARTS], VALUES)
        rows.close()
    assert out.read_bytes().splitlines() == [
        b"name\tnumber\tpart\ta\tb",
        b"caf\xe9\t1\t0.1\t0.33333334\t-0",
        b"\t2\t\tnan\tinf",
        b"x\t\t1e-20\t1e+30\t2",
        b"y\t4\t2\t3\t4",
        b"z\t5\t3\t5\t6",
    ]
