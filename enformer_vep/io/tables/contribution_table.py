"""Writes contributions as a Parquet table: one row per base of a sequence and scalar."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet

LETTERS = "ACGTN"
GROUP_ROWS = 1 << 18
"""Rows of a row group, at least, unless the table ends."""

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ContributionRows:
    """The bases of one sequence, for one scalar.

    Attributes:
      sequence: the sequence's name.
      allele: 'ref', 'alt', or empty.
      chrom: the contig.
      scalar: the name of what is explained.
      positions: int64 [L], 1-based; 0 for bases that are not the genome's.
      codes: uint8 [L].
      contributions: float32 [L].
      hypothetical: float32 [L, 4].
      effects: float32 [L, 4].
    """

    sequence: str
    allele: str
    chrom: str
    scalar: str
    positions: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint8]
    contributions: Float32s
    hypothetical: Float32s
    effects: Float32s


_TEXT = pa.dictionary(pa.int32(), pa.string())

SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("scalar", "sequence", "allele", "chrom")),
        ("pos", pa.int64()),
        ("base", _TEXT),
        ("contribution", pa.float32()),
        *((f"{kind}:{letter}", pa.float32()) for kind in ("hypothetical", "effect") for letter in LETTERS[:4]),
    ]
)


def write_contribution_table(
    stream: BinaryIO, rows: Iterator[ContributionRows], metadata: Mapping[bytes, bytes]
) -> None:
    """Writes a table.

    Args:
      stream: the file.
      rows: in their order.
      metadata: what the schema's metadata has.
    """
    schema = SCHEMA.with_metadata(dict(metadata))
    waiting: list[pa.Table] = []
    with pyarrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for of_sequence in rows:
            waiting.append(_table(of_sequence, schema))
            if sum(map(len, waiting)) >= GROUP_ROWS:
                _write_group(writer, waiting)
                waiting = []
        if waiting:
            _write_group(writer, waiting)


def _write_group(writer: pyarrow.parquet.ParquetWriter, tables: list[pa.Table]) -> None:
    table = pa.concat_tables(tables).unify_dictionaries()
    writer.write_table(table, row_group_size=len(table))


def _table(rows: ContributionRows, schema: pa.Schema) -> pa.Table:
    length = len(rows.codes)

    def repeated(text: str) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(length, np.int32)), pa.array([text]))

    columns = [
        *map(repeated, (rows.scalar, rows.sequence, rows.allele, rows.chrom)),
        pa.array(rows.positions, pa.int64(), mask=rows.positions == 0),
        pa.DictionaryArray.from_arrays(pa.array(rows.codes.astype(np.int32)), pa.array(list(LETTERS))),
        pa.array(rows.contributions),
        *(pa.array(np.ascontiguousarray(column)) for column in rows.hypothetical.T),
        *(pa.array(np.ascontiguousarray(column), mask=np.isnan(column)) for column in rows.effects.T),
    ]
    return pa.table(columns, schema=schema)
