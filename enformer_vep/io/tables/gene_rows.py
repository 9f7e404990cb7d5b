"""Reads tables of genes, in a stream: Parquet and text, scores by track or by group of tracks."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from enformer_vep.errors import InputError
from enformer_vep.io.tables.score_rows import TEXT_BLOCK_BYTES, check_columns, open_parquet, reading
from enformer_vep.io.tracks.labels import GROUPS

BATCH_ROWS = 50_000
NUMBERS = ("record", "allele", "distance")
TEXTS = ("gene_name", "strand")


class GeneRows(NamedTuple):
    """Some consecutive rows, each an allele and a gene in its reach.

    Attributes:
      record: int64 [rows], the allele's record.
      allele: int64 [rows], its number in the record.
      distance_bp: int64 [rows], from the nearest start, negative upstream.
      name: the genes' symbols.
      strand: '+' or '-'.
      scores: float32 [rows, labels].
    """

    record: npt.NDArray[np.int64]
    allele: npt.NDArray[np.int64]
    distance_bp: npt.NDArray[np.int64]
    name: list[str]
    strand: list[str]
    scores: npt.NDArray[np.float32]


class GeneTable:
    """The table of genes of a run.

    Attributes:
      labels: what the scores of one statistic are of: tracks, or groups of them.
    """

    def __init__(self, path: Path, statistic: str) -> None:
        """Reads the names of the columns.

        Args:
          path: the table.
          statistic: the statistic that is read.

        Raises:
          InputError: the table cannot be read, or has no such scores.
        """
        self._path = path
        self._is_parquet = path.name.endswith(".parquet")
        with reading(path):
            names = self._names()
        of_tracks = [name for name in names if name.startswith(f"{statistic}:")]
        of_groups = {f"{statistic}:{group}:score": group for group in GROUPS}
        found = {name: of_groups[name] for name in of_tracks if name in of_groups}
        # Of a summary, the columns are STAT:GROUP:FIELD; otherwise STAT:IDENTIFIER.
        self._columns = found or {name: name.removeprefix(f"{statistic}:") for name in of_tracks}
        check_columns(path, names, [*NUMBERS, *TEXTS])
        if not self._columns:
            raise InputError(f"{path} has no scores {statistic}, which its run record names")
        self.labels: Sequence[str] = list(self._columns.values())

    def read(self) -> Iterator[GeneRows]:
        """Reads the table once.

        Yields:
          Consecutive rows: all of the table's, in order.

        Raises:
          InputError: the table cannot be read.
        """
        with reading(self._path), ExitStack() as stack:
            for batch in self._batches(stack):
                record, allele, distance = (batch[name].to_numpy(zero_copy_only=False) for name in NUMBERS)
                scores = [batch[name].to_numpy(zero_copy_only=False) for name in self._columns]
                name, strand = ([_text(value) for value in batch[name].to_pylist()] for name in TEXTS)
                yield GeneRows(record, allele, distance, name, strand, np.stack(scores, axis=1).astype(np.float32))

    def _names(self) -> list[str]:
        if self._is_parquet:
            return list(open_parquet(self._path).schema_arrow.names)
        with self._path.open(encoding="utf-8", errors="replace", newline="") as lines:
            return next(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), [])

    def _batches(self, stack: ExitStack) -> Iterator[pa.RecordBatch]:
        columns = [*NUMBERS, *TEXTS, *self._columns]
        if self._is_parquet:
            file = stack.enter_context(open_parquet(self._path))
            yield from file.iter_batches(BATCH_ROWS, columns=columns)
            return
        types = dict.fromkeys(NUMBERS, pa.int64()) | dict.fromkeys(TEXTS, pa.binary())
        types |= dict.fromkeys(self._columns, pa.float32())
        yield from stack.enter_context(
            pyarrow.csv.open_csv(
                self._path,
                pyarrow.csv.ReadOptions(block_size=TEXT_BLOCK_BYTES),
                pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
                pyarrow.csv.ConvertOptions(include_columns=columns, column_types=types, check_utf8=False),
            )
        )


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
