"""Writes the scores, what was skipped, the track table and the run record; each appears when it is whole."""

import gzip
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from enformer_vep.errors import EnformerVepError, OutputError, SkipReason
from enformer_vep.io.tracks import TrackTable
from enformer_vep.variant import Variant

STANDARD_OUTPUT = "-"
SUFFIXES = (".parquet", ".tsv", ".tsv.gz")

VARIANT_COLUMNS = ("chrom", "pos", "id", "ref", "alt", "record", "allele")
SKIPPED_COLUMNS = ("record", "allele", "chrom", "pos", "id", "ref", "alt", "reason", "detail")

TRACKS_METADATA = b"enformer_vep.tracks"
RUN_METADATA = b"enformer_vep.run"

MAX_BLOCK_ROWS = 10_000
MAX_BLOCK_BYTES = 256 * 2**20
"""Rows are written in blocks (Parquet's row groups) of at most this size."""

_VARIANT_TYPES = (pa.string(), pa.int64(), pa.string(), pa.string(), pa.string(), pa.int64(), pa.int32())

Scores = npt.NDArray[np.float32]


def score_columns(statistics: Sequence[str], tracks: TrackTable) -> list[str]:
    """Names the columns of scores: STAT:IDENTIFIER, statistics outermost."""
    return [f"{statistic}:{identifier}" for statistic in statistics for identifier in tracks.identifiers]


class OutputPaths:
    """Where a run's files go: the table, and beside it OUT.skipped.tsv, OUT.run.json and, for text, OUT.tracks.tsv."""

    def __init__(self, out: str, *, default_stem: str) -> None:
        """Derives the names of all files.

        Args:
          out: OUT, '-' for text on standard output.
          default_stem: with '-', the files beside the table are named as if OUT were this path with '.tsv'.

        Raises:
          OutputError: OUT's ending is none that can be written.
        """
        self.is_standard_output = out == STANDARD_OUTPUT
        if not self.is_standard_output and not out.endswith(SUFFIXES):
            raise OutputError(f"cannot tell the format of {out!r}: expected a name that ends in {', '.join(SUFFIXES)}")
        self.table = Path(f"{default_stem}.tsv" if self.is_standard_output else out)
        self.is_parquet = self.table.name.endswith(".parquet")
        self.skipped = self._beside(".skipped.tsv")
        self.run = self._beside(".run.json")
        self.tracks = None if self.is_parquet else self._beside(".tracks.tsv")

    def _beside(self, suffix: str) -> Path:
        return self.table.with_name(self.table.name + suffix)

    @property
    def all(self) -> list[Path]:
        """Every file that is written."""
        table = [] if self.is_standard_output else [self.table]
        return [*table, self.skipped, self.run, *([self.tracks] if self.tracks else [])]

    def check(self, *, overwrite: bool) -> None:
        """Checks that the files can be written, and writes nothing.

        Raises:
          OutputError: the folder is missing or cannot be written, or a file exists and is not to be overwritten.
        """
        folder = self.table.parent
        if not folder.is_dir():
            raise OutputError(f"the output folder {folder} does not exist: make it first")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"the output folder {folder} cannot be written: permission denied")
        for path in self.all:
            if path.is_dir():
                raise OutputError(f"{path} is a folder: name a file")
            if path.exists() and not overwrite:
                raise OutputError(f"{path} exists: name another output, or give --overwrite")


class _TableFile(Protocol):
    def write(self, variants: Sequence[Variant], scores: Scores) -> None: ...
    def close(self, metadata: dict[bytes, bytes]) -> None: ...


class _ParquetTable:
    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        fields = [pa.field(name, kind) for name, kind in zip(VARIANT_COLUMNS, _VARIANT_TYPES, strict=True)]
        self._schema = pa.schema(fields + [pa.field(name, pa.float32()) for name in columns])
        self._writer = pyarrow.parquet.ParquetWriter(
            stream, self._schema, compression="zstd", use_dictionary=list(VARIANT_COLUMNS)
        )

    def write(self, variants: Sequence[Variant], scores: Scores) -> None:
        columns: list[pa.Array] = [
            pa.array([getattr(variant, name) for variant in variants], kind)
            for name, kind in zip(VARIANT_COLUMNS, _VARIANT_TYPES, strict=True)
        ]
        columns += [pa.array(column) for column in scores.T]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def close(self, metadata: dict[bytes, bytes]) -> None:
        self._writer.add_key_value_metadata(metadata)
        self._writer.close()


class _TextTable:
    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._stream = stream
        self._write_line([*VARIANT_COLUMNS, *columns])

    def write(self, variants: Sequence[Variant], scores: Scores) -> None:
        for variant, row in zip(variants, scores, strict=True):
            # Arrow writes a float32 with the fewest digits that give it back.
            numbers = pyarrow.compute.cast(pa.array(np.ascontiguousarray(row)), pa.string()).to_pylist()
            self._write_line([*(str(getattr(variant, name)) for name in VARIANT_COLUMNS), *numbers])

    def close(self, metadata: dict[bytes, bytes]) -> None:
        self._stream.flush()

    def _write_line(self, fields: Sequence[str]) -> None:
        self._stream.write(("\t".join(fields) + "\n").encode("utf-8", "surrogateescape"))


class ResultWriter:
    """Takes scored and skipped alleles in input order, and makes a run's files of them.

    Used in a `with` block: the files get their names in `finish`, and what ends the block before that leaves nothing.
    What cannot be written (a full disk, a folder that was removed) raises EnformerVepError.
    """

    def __init__(self, paths: OutputPaths, statistics: Sequence[str], tracks: TrackTable) -> None:
        """Opens the files under temporary names.

        Raises:
          OutputError: they cannot be opened.
        """
        self.num_scored = 0
        self.num_skipped: dict[SkipReason, int] = {}
        self._paths = paths
        self._tracks = tracks
        self._temporary: dict[Path, Path] = {}
        self._streams: list[BinaryIO] = []
        columns = score_columns(statistics, tracks)
        rows = max(1, min(MAX_BLOCK_ROWS, MAX_BLOCK_BYTES // (4 * len(columns))))
        self._variants: list[Variant] = []
        self._scores: Scores = np.empty((rows, len(columns)), dtype=np.float32, order="F")
        try:
            with self._writing():
                self._skipped = self._open(paths.skipped)
                self._write_skipped_line(SKIPPED_COLUMNS)
                stream = sys.stdout.buffer if paths.is_standard_output else self._open(paths.table)
                if paths.table.name.endswith(".gz"):
                    stream = cast("BinaryIO", gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0))
                    self._streams.insert(0, stream)
                self._table: _TableFile = (_ParquetTable if paths.is_parquet else _TextTable)(stream, columns)
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> "ResultWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def write_scores(self, variant: Variant, scores: Scores) -> None:
        """Adds a scored allele; scores are float32 [statistics * tracks]."""
        self._scores[len(self._variants)] = scores
        self._variants.append(variant)
        self.num_scored += 1
        if len(self._variants) == len(self._scores):
            self._flush()

    def write_skip(self, variant: Variant, reason: SkipReason, detail: str) -> None:
        """Adds an allele that is not scored."""
        self.num_skipped[reason] = self.num_skipped.get(reason, 0) + 1
        fields = {name: str(getattr(variant, name)) for name in VARIANT_COLUMNS} | {
            "reason": reason.value,
            "detail": detail,
        }
        with self._writing():
            self._write_skipped_line([fields[name] for name in SKIPPED_COLUMNS])

    def finish(self, run_record: dict[str, Any]) -> None:
        """Writes what is left and gives every file its name, the table last."""
        run = json.dumps(run_record, indent=2) + "\n"
        tracks = self._tracks.table.to_csv(sep="\t", index=False, lineterminator="\n")
        self._flush()
        with self._writing():
            self._table.close({TRACKS_METADATA: tracks.encode(), RUN_METADATA: run.encode()})
            self._open(self._paths.run).write(run.encode())
            if self._paths.tracks:
                self._open(self._paths.tracks).write(tracks.encode())
            for stream in self._streams:
                stream.flush()
                if isinstance(stream, io.BufferedWriter):
                    os.fsync(stream.fileno())
                stream.close()
            for path in reversed(self._paths.all):
                os.replace(self._temporary.pop(path), path)

    def _flush(self) -> None:
        if self._variants:
            with self._writing():
                self._table.write(self._variants, self._scores[: len(self._variants)])
            self._variants.clear()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Says in one line what could not be written; a pipe that nobody reads is no such error."""
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EnformerVepError(
                f"cannot write {self._paths.table} and what goes beside it: {error.strerror or error}; nothing was kept"
            ) from error

    def _write_skipped_line(self, fields: Sequence[str]) -> None:
        self._skipped.write(("\t".join(fields) + "\n").encode("utf-8", "surrogateescape"))

    def _open(self, path: Path) -> BinaryIO:
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        stream = temporary.open("wb")
        self._temporary[path] = temporary
        self._streams.append(stream)
        return stream

    def _discard(self) -> None:
        """Closes and removes what has not got its name."""
        for stream in self._streams:
            with suppress(OSError):  # the file is removed: that its last bytes could not be written does not matter
                stream.close()
        for temporary in self._temporary.values():
            temporary.unlink(missing_ok=True)
        self._temporary.clear()
