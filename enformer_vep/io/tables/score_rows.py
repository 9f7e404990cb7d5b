"""Reads tables of scores, Parquet and text in every layout: in a stream of rows, or by columns.

By columns, all alleles of some tracks are read at a time. A wide Parquet table is stored by column, and read where it
is. Any other one is read once from end to end, and its scores are copied to a temporary file that has them by column.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.genome.variant import AlleleClasses
from enformer_vep.io.tables.formats import PERCENTILE_SUFFIX, TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_reader import check_columns, open_parquet, read_columns, reading
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.wording import cause

BATCH_BYTES = 64 << 20
"""Scores that are held while a table is copied."""

_ALLELES_AT_A_TIME = 1 << 16

_ALLELE = ("ref", "alt")

Float32s = npt.NDArray[np.float32]


class ScoredRows(NamedTuple):
    """Some consecutive alleles.

    Attributes:
      fields: columns that identify the alleles, as Arrow has them.
      scores: float32 [alleles, statistics * tracks].
    """

    fields: pa.RecordBatch
    scores: Float32s

    def field(self, name: str) -> list[str | int]:
        """Returns one column of `fields`; bytes that are not UTF-8 are kept as surrogates."""
        return [
            value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
            for value in self.fields[name].to_pylist()
        ]

    @property
    def alleles(self) -> list[VcfAllele]:
        """The alleles; all of AlleleFields must be among `fields`."""
        rows = zip(*(self.field(name) for name in AlleleFields._fields), strict=True)
        return [
            VcfAllele.from_fields(AlleleFields(*cast("tuple[str, int, str, str, str, int, int]", row))) for row in rows
        ]


class ScoreRows:
    """The scores of some statistics and tracks of a table, by rows."""

    def __init__(
        self, paths: OutputPaths, settings: TableSettings, statistics: Sequence[str], tracks: Sequence[int]
    ) -> None:
        """Chooses the statistics and tracks to read.

        Args:
          paths: the table.
          settings: the table's statistics, tracks, layout and number format.
          statistics: the wanted statistics, of those of the table; SAD_percentile for percentiles, if it has them.
          tracks: the wanted tracks' places in the table.
        """
        self._paths = paths
        self._settings = settings
        self._statistics = statistics
        self._tracks = np.array(tracks, dtype=np.int64)
        self._num_tracks = len(settings.tracks.identifiers)
        self._rows_per_allele = self._num_tracks if settings.layout == "long" else 1
        self._columns = self._columns_of_scores()

    def read(self, fields: Sequence[str], num_alleles: int) -> Iterator[ScoredRows]:
        """Reads the table once.

        Args:
          fields: which of AlleleFields are read as well.
          num_alleles: number of alleles that are returned at a time, at most.

        Yields:
          Consecutive rows: all of the table's, in order.

        Raises:
          InputError: the table cannot be read, or lacks columns or rows.
        """
        num_rows = num_alleles * self._rows_per_allele
        with reading(self._paths.table), ExitStack() as stack:
            batches = self._batches(stack, fields, num_rows)
            if self._settings.layout == "long":
                batches = self._whole_alleles(batches)
            for batch in batches:
                for start in range(0, len(batch), num_rows):
                    piece = batch.slice(start, num_rows)
                    first_rows = pa.array(np.arange(0, len(piece), self._rows_per_allele))
                    yield ScoredRows(piece.select(list(fields)).take(first_rows), self._scores(piece))

    def _columns_of_scores(self) -> list[str]:
        if self._settings.layout != "wide":
            return replace(self._settings, statistics=self._statistics, has_percentiles=False).columns
        columns, places = self._settings.columns, [name for name, _ in self._settings.values]
        first_columns = [places.index(statistic) * self._num_tracks for statistic in self._statistics]
        return [columns[first + track] for first in first_columns for track in self._tracks]

    def _scores(self, batch: pa.RecordBatch) -> Float32s:
        """Returns float32 [alleles, statistics * tracks]."""
        num_alleles = len(batch) // self._rows_per_allele
        # In one memory order for every layout, so that what is computed of the scores does not depend on it.
        scores = np.empty((num_alleles, len(self._statistics) * len(self._tracks)), np.float32)
        if self._settings.layout == "wide":
            for place, name in enumerate(self._columns):
                scores[:, place] = batch[name].to_numpy(zero_copy_only=False)
        else:
            by_statistic = scores.reshape(num_alleles, len(self._statistics), len(self._tracks))
            for place, name in enumerate(self._statistics):
                values = batch[name].flatten() if self._settings.layout == "list" else batch[name]
                if len(values) != num_alleles * self._num_tracks:
                    raise InputError(f"{self._paths.table}: expected {self._num_tracks:,} scores in every {name}")
                of_tracks = values.to_numpy(zero_copy_only=False).reshape(num_alleles, self._num_tracks)
                by_statistic[:, place] = of_tracks[:, self._tracks]
        if self._settings.dtype == "float16" and not self._paths.is_parquet:
            # Text has the fewest digits that tell float16s apart. Percentiles are float32 in every table.
            is_half = np.repeat([not name.endswith(PERCENTILE_SUFFIX) for name in self._statistics], len(self._tracks))
            scores[:, is_half] = scores[:, is_half].astype(np.float16)
        return scores

    def _batches(self, stack: ExitStack, fields: Sequence[str], num_rows: int) -> Iterator[pa.RecordBatch]:
        types = {name: pa.binary() if AlleleFields.__annotations__[name] is str else pa.int64() for name in fields}
        types |= {name: pa.string() if name == "track" else pa.float32() for name in self._columns}
        return read_columns(self._paths.table, types, num_rows, stack)

    def _whole_alleles(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Divides the rows of a long table anew, so that all tracks of an allele are in one batch."""
        waiting: list[pa.RecordBatch] = []
        identifiers = pa.array(self._settings.tracks.identifiers)
        for batch in batches:
            table = pa.Table.from_batches([*waiting, batch])
            num_alleles = len(table) // self._num_tracks
            num_rows = num_alleles * self._num_tracks
            waiting = table.slice(num_rows).to_batches()
            if not num_rows:
                continue
            for whole in table.slice(0, num_rows).combine_chunks().to_batches():
                if whole["track"] != pa.concat_arrays([identifiers] * num_alleles):
                    raise InputError(f"{self._paths.table}: expected all tracks of each allele in the order of the run")
                yield whole
        if sum(map(len, waiting)):
            raise InputError(f"{self._paths.table} is incomplete: its last allele lacks tracks")


class ScoreColumns(Protocol):
    """The scores of one table, by columns."""

    num_rows: int
    """Number of alleles."""

    classes: AlleleClasses
    """How many alleles there are of each class."""

    def read(self, statistic: int, tracks: range, target: Float32s) -> None:
        """Reads scores.

        Args:
          statistic: the statistic's number.
          tracks: numbers of neighbouring tracks.
          target: float32 [tracks, alleles], where they are put.
        """
        ...


@contextmanager
def open_columns(paths: OutputPaths, settings: TableSettings, folder: Path) -> Iterator[ScoreColumns]:
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
        with open_parquet(paths.table) as file:
            yield _WideParquet(paths, settings, file)
        return
    with ExitStack() as stack:
        try:
            copy = stack.enter_context(tempfile.TemporaryFile(dir=folder, prefix=".enformer-vep-"))
            columns = _Copied(paths, settings, copy)
        except OSError as error:
            raise EnformerVepError(f"cannot copy the scores of {paths.table}: {cause(error)}") from error
        yield columns


class _WideParquet:
    def __init__(self, paths: OutputPaths, settings: TableSettings, file: pyarrow.parquet.ParquetFile) -> None:
        self._path = paths.table
        self._columns = settings.columns
        self._num_tracks = len(settings.tracks.identifiers)
        self._file = file
        check_columns(self._path, file.schema_arrow.names, self._columns)
        self.num_rows: int = file.metadata.num_rows
        alleles = ScoreRows(paths, settings, (), ()).read(_ALLELE, _ALLELES_AT_A_TIME)
        self.classes = sum(map(_classes, alleles), AlleleClasses())

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

    def __init__(self, paths: OutputPaths, settings: TableSettings, copy: IO[bytes]) -> None:
        self._num_tracks = len(settings.tracks.identifiers)
        self._num_scores = settings.num_scores
        self._copy = copy
        self._sizes: list[int] = []
        self.classes = AlleleClasses()
        table = ScoreRows(paths, settings, settings.statistics, range(self._num_tracks))
        for rows in table.read(_ALLELE, max(1, BATCH_BYTES // (4 * self._num_scores))):
            np.ascontiguousarray(rows.scores.T).tofile(copy)
            self._sizes.append(len(rows.scores))
            self.classes += _classes(rows)
        self.num_rows = sum(self._sizes)

    def read(self, statistic: int, tracks: range, target: Float32s) -> None:
        first = statistic * self._num_tracks + tracks.start
        done = batch_start = 0
        for size in self._sizes:
            self._copy.seek((batch_start + first * size) * 4)
            piece = np.fromfile(self._copy, np.float32, len(tracks) * size)
            target[:, done : done + size] = piece.reshape(len(tracks), size)
            done += size
            batch_start += self._num_scores * size


def _classes(rows: ScoredRows) -> AlleleClasses:
    pairs = zip(*(rows.field(name) for name in _ALLELE), strict=True)
    return AlleleClasses.count(cast("Iterable[tuple[str, str]]", pairs))
