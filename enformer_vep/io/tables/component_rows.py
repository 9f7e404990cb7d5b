"""Reads tables of components by rows."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import InputError
from enformer_vep.io.tables.component_table import COMPONENTS_METADATA
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.score_rows import open_parquet, read_columns, reading
from enformer_vep.wording import cause

_BATCH_ROWS = 10_000


class ComponentRows:
    """A table that `components` wrote.

    Attributes:
      paths: the table.
      names: the names of the components.
      scores: the record of the run whose scores they are made of, as JSON has it.
    """

    def __init__(self, path: str) -> None:
        """Reads what a table says of itself.

        Raises:
          InputError: it is not such a table.
        """
        self.paths = OutputPaths(path)
        if not self.paths.table.is_file():
            raise InputError(f"no such file: {path}: expected an output of 'enformer-vep components'")
        try:
            about = json.loads(self._about())
            self.names = [str(name) for name in about["components"]]
            self.scores: dict[str, Any] = dict(about["scores"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path} is not an output of 'enformer-vep components', or is damaged ({cause(error)})"
            ) from error

    def _about(self) -> bytes:
        if not self.paths.is_parquet:
            return self.paths.run.read_bytes()
        with open_parquet(self.paths.table) as file:
            return (file.schema_arrow.metadata or {})[COMPONENTS_METADATA]  # type: ignore[no-any-return]

    def read(self) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.float32]]]:
        """Yields consecutive alleles, with record and allele, and float32 [alleles, components].

        Raises:
          InputError: the table is damaged.
        """
        types = {"record": pa.int64(), "allele": pa.int64()} | {name: pa.float32() for name in self.names}
        with ExitStack() as stack, reading(self.paths.table):
            for batch in read_columns(self.paths.table, types, _BATCH_ROWS, stack):
                columns = [batch[name].to_numpy(zero_copy_only=False) for name in self.names]
                yield batch, np.stack(columns, axis=1)
