"""Tables of components: what identifies an allele, then PC0, PC1 and so on, as Parquet or text."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_writer import (
    ALLELE_TYPES,
    ParquetRows,
    RowWriter,
    TableColumns,
    TextRows,
    Values,
    allele_fields,
)
from enformer_vep.io.vcf.alleles import VcfAllele

COMPONENTS_METADATA = b"enformer_vep.components"
"""What Parquet's metadata call the record of a table."""


class ComponentTable:
    """An open table."""

    def __init__(self, rows: RowWriter) -> None:
        """Takes where rows go."""
        self._rows = rows
        self.close = rows.close

    def write(self, alleles: Sequence[VcfAllele], components: npt.NDArray[np.float32]) -> None:
        """Adds alleles; components are float32 [alleles, k]."""
        self._rows.write(allele_fields(alleles), components)


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
    columns = TableColumns(ALLELE_TYPES, [Values(component_names(num))])
    if paths.is_parquet:
        return ComponentTable(ParquetRows(stream, columns, metadata, has_whole_batches=True))
    return ComponentTable(TextRows(stream, columns, is_gzipped=paths.is_gzipped))
