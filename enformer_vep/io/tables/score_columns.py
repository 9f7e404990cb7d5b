"""Reads tables of scores by columns: all alleles of some tracks at a time.

A wide Parquet table is stored by column, and read where it is. Any other one is read once from end to end, and its
scores are copied to a temporary file that has them by column.
"""

import tempfile
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, cast

import numpy as np

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.allele_classes import AlleleClasses
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.score_rows import Float32s, ScoredRows, ScoreRows, check_columns, open_parquet, reading
from enformer_vep.wording import cause

BATCH_BYTES = 64 << 20
"""Scores that are held while a table is copied."""

_ALLELES_AT_A_TIME = 1 << 16

_ALLELE = ("ref", "alt")


class ScoreColumns(Protocol):
    """The scores of one table, by columns."""

    num_rows: int
    """Number of alleles."""

    classes: AlleleClasses
    """What kinds of alleles they are."""

    def read(self, statistic: int, tracks: range, target: Float32s) -> None:
        """Reads scores.

        Args:
          statistic: the statistic's number.
          tracks: numbers of neighbouring tracks.
          target: float32 [tracks, alleles], where they are put.
        """
        ...


def open_columns(paths: OutputPaths, settings: TableSettings, folder: Path) -> AbstractContextManager[ScoreColumns]:
    """Opens a table.

    Args:
      paths: the table.
      settings: its statistics, tracks and layout.
      folder: where a temporary file may be put, of as many bytes as the scores have as float32.

    Raises:
      InputError: the table cannot be read, or lacks columns or rows.
      EnformerVepError: the temporary file cannot be written.
    """
    if paths.is_parquet and settings.layout == "wide":
        return _WideParquet(paths, settings)
    return _Copied(paths, settings, folder)


class _WideParquet:
    def __init__(self, paths: OutputPaths, settings: TableSettings) -> None:
        self._path = paths.table
        self._alleles = ScoreRows(paths, settings, (), ())
        self._columns = settings.columns
        self._num_tracks = len(settings.tracks.identifiers)
        self._file = open_parquet(self._path)
        check_columns(self._path, self._file.schema_arrow.names, self._columns)
        self.num_rows: int = self._file.metadata.num_rows

    def __enter__(self) -> "_WideParquet":
        self.classes = sum(map(_classes, self._alleles.read(_ALLELE, _ALLELES_AT_A_TIME)), AlleleClasses())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, statistic: int, tracks: range, target: Float32s) -> None:
        first = statistic * self._num_tracks
        names = self._columns[first + tracks.start : first + tracks.stop]
        done = 0
        with reading(self._path):
            for group in range(self._file.num_row_groups):
                table = self._file.read_row_group(group, columns=names)
                for row, name in zip(target, names, strict=True):
                    row[done : done + len(table)] = table[name].to_numpy()
                done += len(table)


class _Copied:
    """A table whose scores are in a temporary file, in batches of alleles: float32 [columns, alleles] each."""

    def __init__(self, paths: OutputPaths, settings: TableSettings, folder: Path) -> None:
        self._paths = paths
        self._settings = settings
        self._folder = folder
        self._num_tracks = len(settings.tracks.identifiers)
        self._sizes: list[int] = []
        self._stack = ExitStack()
        self._copy: IO[bytes]
        self.classes = AlleleClasses()
        self.num_rows = 0

    def __enter__(self) -> "_Copied":
        table = ScoreRows(self._paths, self._settings, self._settings.statistics, range(self._num_tracks))
        with ExitStack() as stack:
            try:
                self._copy = stack.enter_context(tempfile.TemporaryFile(dir=self._folder, prefix=".enformer-vep-"))
                for rows in table.read(_ALLELE, max(1, BATCH_BYTES // (4 * self._settings.num_scores))):
                    np.ascontiguousarray(rows.scores.T).tofile(self._copy)
                    self._sizes.append(len(rows.scores))
                    self.classes += _classes(rows)
            except OSError as error:
                raise EnformerVepError(f"cannot copy the scores of {self._paths.table}: {cause(error)}") from error
            self.num_rows = sum(self._sizes)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def read(self, statistic: int, tracks: range, target: Float32s) -> None:
        first = statistic * self._num_tracks + tracks.start
        done = batch_start = 0
        for size in self._sizes:
            self._copy.seek((batch_start + first * size) * 4)
            piece = np.fromfile(self._copy, np.float32, len(tracks) * size)
            target[:, done : done + size] = piece.reshape(len(tracks), size)
            done += size
            batch_start += self._settings.num_scores * size


def _classes(rows: ScoredRows) -> AlleleClasses:
    pairs = zip(*(rows.field(name) for name in _ALLELE), strict=True)
    return AlleleClasses.count(cast("Iterable[tuple[str, str]]", pairs))
