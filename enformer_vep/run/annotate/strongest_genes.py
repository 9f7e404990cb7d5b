"""The gene with the strongest effect of each allele, from the table of genes of a finished run."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.io.tables.score_rows import column_names, read_columns, reading
from enformer_vep.run.identity import GenesIdentity

_BATCH_ROWS = 50_000

_Key = tuple[int, int]


class StrongestGenes:
    """The gene that the summary calls `gene:strongest`: that of the largest score in magnitude on any track.

    The score is that of the first statistic of the genes. Of equal ones, the first along the contig counts.
    """

    def __init__(self, path: Path, genes: GenesIdentity) -> None:
        """Opens a table.

        Args:
          path: OUT.genes.parquet or OUT.genes.tsv.
          genes: how it was made.
        """
        start, end = f"{genes.statistics[0]}:", ":score" if genes.columns == "summary" else ""
        self._path = path
        self._columns = [name for name in column_names(path) if name.startswith(start) and name.endswith(end)]
        self._batches = self._read()
        self._names: dict[_Key, bytes] = {}
        self._last: _Key = (-1, -1)

    def of(self, keys: Sequence[_Key]) -> list[bytes]:
        """Returns the names of the genes of alleles, empty for one without genes in its reach.

        Args:
          keys: the next alleles of the run, by record and number in it.
        """
        while self._last < keys[-1]:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._names.update(batch)
            self._last = max(batch, default=self._last)
        return [self._names.pop(key, b"") for key in keys]

    def _read(self) -> Iterator[dict[_Key, bytes]]:
        types = {"record": pa.int64(), "allele": pa.int64(), "gene_name": pa.binary()}
        types |= {name: pa.float32() for name in self._columns}
        waiting: list[pa.RecordBatch] = []
        with ExitStack() as stack, reading(self._path):
            for batch in read_columns(self._path, types, _BATCH_ROWS, stack):
                table = pa.Table.from_batches([*waiting, batch])
                start = _starts(table)[-1:]  # of the last allele, whose other genes may be in the next batch
                whole = int(start[0]) if len(start) else 0
                waiting = table.slice(whole).to_batches()
                if whole:
                    yield self._strongest(table.slice(0, whole))
            if waiting:
                yield self._strongest(pa.Table.from_batches(waiting))

    def _strongest(self, table: pa.Table) -> dict[_Key, bytes]:
        strength = np.zeros(len(table), np.float32)
        for name in self._columns:
            np.maximum(strength, np.abs(table[name].to_numpy()), out=strength)
        starts = _starts(table)
        largest = np.repeat(np.maximum.reduceat(strength, starts), np.diff(starts, append=len(table)))
        rows = np.flatnonzero(strength == largest)
        _, first = np.unique(np.searchsorted(starts, rows, side="right"), return_index=True)
        chosen = table.take(pa.array(rows[first]))
        keys = zip(chosen["record"].to_pylist(), chosen["allele"].to_pylist(), strict=True)
        return dict(zip(keys, chosen["gene_name"].cast(pa.binary()).to_pylist(), strict=True))


def _starts(table: pa.Table) -> npt.NDArray[np.int64]:
    """Returns the rows with which alleles begin."""
    if not len(table):
        return np.empty(0, np.int64)
    record, allele = (table[name].to_numpy() for name in ("record", "allele"))
    return np.flatnonzero(np.r_[True, (np.diff(record) != 0) | (np.diff(allele) != 0)])
