"""Reads tables of scores by columns: all alleles of some tracks at a time.

A wide Parquet table is stored by column, and read where it is. Any other one is read once from end to end, and its
scores are copied to a temporary file that has them by column.
"""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.genome.allele_classes import AlleleClasses
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.table import TableSettings
from enformer_vep.wording import cause

BATCH_BYTES = 64 << 20
"""Scores that are held while a table is copied."""

_TEXT_BLOCK_BYTES = 16 << 20
"""Longer than any line: a head has 5,313 tracks, and a score up to 15 characters."""

_ALLELE = ["ref", "alt"]

Float32s = npt.NDArray[np.float32]


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
        return _WideParquet(paths.table, settings)
    return _Copied(paths, settings, folder)


class _WideParquet:
    def __init__(self, path: Path, settings: TableSettings) -> None:
        self._path = path
        self._file = _open_parquet(path)
        self._columns = settings.columns
        self._num_tracks = len(settings.tracks.identifiers)
        _check_columns(path, self._file.schema_arrow.names, [*_ALLELE, *self._columns])
        self.num_rows: int = self._file.metadata.num_rows

    def __enter__(self) -> "_WideParquet":
        self.classes = AlleleClasses()
        with reading(self._path):
            for batch in self._file.iter_batches(columns=_ALLELE):
                self.classes += _classes(batch)
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
        with ExitStack() as stack:
            try:
                self._copy = stack.enter_context(tempfile.TemporaryFile(dir=self._folder, prefix=".enformer-vep-"))
                for classes, scores in self._batches():
                    if self._settings.dtype == "float16":  # text has the fewest digits that tell float16s apart
                        scores = scores.astype(np.float16).astype(np.float32)
                    np.ascontiguousarray(scores.T).tofile(self._copy)
                    self._sizes.append(len(scores))
                    self.classes += classes
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

    def _batches(self) -> Iterator[tuple[AlleleClasses, Float32s]]:
        """Yields the classes and float32 [alleles, statistics * tracks] of some alleles at a time."""
        layout, statistics = self._settings.layout, self._settings.statistics
        rows = max(1, BATCH_BYTES // (4 * self._settings.num_scores))
        with ExitStack() as stack:
            batches = self._record_batches(stack, rows)
            if layout == "long":
                yield from self._of_long(batches)
                return
            for batch in batches:
                if layout == "list":
                    parts = [
                        batch[name].flatten().to_numpy(zero_copy_only=False).reshape(len(batch), -1)
                        for name in statistics
                    ]
                    scores = np.concatenate(parts, axis=1, dtype=np.float32)
                else:
                    names = self._settings.columns
                    scores = np.stack([batch[name].to_numpy(zero_copy_only=False) for name in names], axis=1)
                yield _classes(batch), scores

    def _of_long(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[AlleleClasses, Float32s]]:
        waiting: list[pa.RecordBatch] = []
        identifiers = pa.array(self._settings.tracks.identifiers)
        for batch in batches:
            waiting.append(batch)
            table = pa.Table.from_batches(waiting)
            whole = len(table) // self._num_tracks * self._num_tracks
            waiting = table.slice(whole).to_batches()
            if not whole:
                continue
            table = table.slice(0, whole).combine_chunks()
            if table["track"].combine_chunks() != pa.concat_arrays([identifiers] * (whole // self._num_tracks)):
                raise InputError(f"{self._paths.table}: expected all tracks of each allele in the order of the run")
            first = np.arange(0, whole, self._num_tracks)
            parts = [table[name].to_numpy().reshape(-1, self._num_tracks) for name in self._settings.statistics]
            scores = np.concatenate(parts, axis=1, dtype=np.float32)
            yield _classes(table.select(_ALLELE).take(first)), scores
        if sum(map(len, waiting)):
            raise InputError(f"{self._paths.table} is incomplete: its last allele lacks tracks")

    def _record_batches(self, stack: ExitStack, rows: int) -> Iterator[pa.RecordBatch]:
        path, is_long = self._paths.table, self._settings.layout == "long"
        columns = [*_ALLELE, *self._settings.columns]
        stack.enter_context(reading(path))
        if self._paths.is_parquet:
            file = stack.enter_context(_open_parquet(path))
            _check_columns(path, file.schema_arrow.names, columns)
            size = rows * self._num_tracks if is_long else rows
            return cast("Iterator[pa.RecordBatch]", file.iter_batches(batch_size=size, columns=columns))
        stream = stack.enter_context(_open_text(self._paths))
        header = stream.readline().decode("utf-8", "replace").rstrip("\n").split("\t")
        _check_columns(path, header, columns)
        types = {name: pa.string() if name in (*_ALLELE, "track") else pa.float32() for name in columns}
        reader = pyarrow.csv.open_csv(
            stream,
            pyarrow.csv.ReadOptions(block_size=_TEXT_BLOCK_BYTES, column_names=header),
            pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
            pyarrow.csv.ConvertOptions(include_columns=columns, column_types=types),
        )
        return iter(stack.enter_context(reader))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what a damaged table raises into one line."""
    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {cause(error)}") from error


def _classes(rows: pa.RecordBatch | pa.Table) -> AlleleClasses:
    return AlleleClasses.count(zip(*(rows[name].to_pylist() for name in _ALLELE), strict=True))


def _open_text(paths: OutputPaths) -> BinaryIO:
    return cast("BinaryIO", gzip.open(paths.table)) if paths.is_gzipped else paths.table.open("rb")


def _open_parquet(path: Path) -> pyarrow.parquet.ParquetFile:
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a Parquet file, or is damaged") from error


def _check_columns(path: Path, found: list[str], expected: list[str]) -> None:
    there = set(found)
    if missing := [name for name in expected if name not in there]:
        raise InputError(
            f"{path} has no column {missing[0]}, which its run record names: use the table as it was written"
        )
