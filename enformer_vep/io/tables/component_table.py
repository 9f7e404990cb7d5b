"""Tables of components: what identifies an allele, then PC0, PC1 and so on, as Parquet or text."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.io.bgzip import BgzipWriter
from enformer_vep.io.tables.formats import (
    ALLELE_TYPES,
    ROW_GROUP_ROWS,
    allele_columns,
    parquet_writer,
    shortest,
    write_line,
)
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele

COMPONENTS_METADATA = b"enformer_vep.components"
"""What Parquet's metadata call the record of a table."""


class ComponentTable(Protocol):
    """An open table."""

    def write(self, alleles: Sequence[VcfAllele], components: npt.NDArray[np.float32]) -> None:
        """Adds alleles; components are float32 [alleles, k]."""
        ...

    def close(self) -> None:
        """Writes the rest."""
        ...


def component_names(num: int) -> list[str]:
    """Returns the names of the columns, as in DeepMind's notebook."""
    return [f"PC{number}" for number in range(num)]


def open_component_table(
    stream: BinaryIO, paths: OutputPaths, num: int, metadata: Mapping[bytes, bytes]
) -> ComponentTable:
    """Starts a table in the format of its name.

    Args:
      stream: where it is written.
      paths: its name.
      num: number of components.
      metadata: what is written with the table if the format has a place for it.
    """
    if paths.is_parquet:
        return _ParquetComponents(stream, component_names(num), metadata)
    return _TextComponents(BgzipWriter(stream) if paths.is_gzipped else stream, component_names(num))


class _TextComponents:
    def __init__(self, stream: BinaryIO | BgzipWriter, columns: Sequence[str]) -> None:
        self._stream = stream
        write_line(stream, [*AlleleFields._fields, *columns])

    def write(self, alleles: Sequence[VcfAllele], components: npt.NDArray[np.float32]) -> None:
        for allele, row in zip(alleles, components, strict=True):
            write_line(self._stream, [*map(str, allele.fields), *shortest(row)])

    def close(self) -> None:
        if isinstance(self._stream, BgzipWriter):
            self._stream.close()


class _ParquetComponents:
    def __init__(self, stream: BinaryIO, columns: Sequence[str], metadata: Mapping[bytes, bytes]) -> None:
        fields = [*ALLELE_TYPES.items(), *((name, pa.float32()) for name in columns)]
        self._schema = pa.schema([pa.field(name, kind) for name, kind in fields], metadata)
        self._writer = parquet_writer(stream, self._schema)
        self._waiting: list[pa.RecordBatch] = []

    def write(self, alleles: Sequence[VcfAllele], components: npt.NDArray[np.float32]) -> None:
        if not alleles:
            return
        values = [pa.array(np.ascontiguousarray(column)) for column in components.T]
        self._waiting.append(pa.RecordBatch.from_arrays([*allele_columns(alleles), *values], schema=self._schema))
        if sum(map(len, self._waiting)) >= ROW_GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            group = pa.Table.from_batches(self._waiting).combine_chunks()
            self._writer.write_table(group, row_group_size=len(group))
        self._waiting = []
