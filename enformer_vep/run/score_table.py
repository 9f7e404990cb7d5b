"""Reads the scores of a finished run back, in a stream: Parquet in the layouts wide and list, and wide text."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from enformer_vep.errors import InputError
from enformer_vep.io.alleles import AlleleFields, VcfAllele
from enformer_vep.io.outputs import STANDARD_OUTPUT, OutputPaths
from enformer_vep.run.results import RUN_METADATA, TRACKS_METADATA
from enformer_vep.run.run_record import RunRecord, read_run_record
from enformer_vep.wording import cause

BATCH_ROWS = 1000
BLOCK_BYTES = 2**24
"""Bytes of text that are parsed at a time; a line of 14 statistics of all tracks has about 1 MB."""


class ScoredAlleles(NamedTuple):
    """Some consecutive rows: the alleles, and float32 [alleles, tracks]."""

    alleles: list[VcfAllele]
    scores: npt.NDArray[np.float32]


class ScoreTable:
    """The scores of a finished run.

    Attributes:
      path: the table.
      record: the run record.
      indices: the tracks' numbers in the head, in the table's order.
      identifiers: their identifiers.
    """

    def __init__(self, path: str) -> None:
        """Opens a table and reads what goes with it, but no scores.

        Raises:
          InputError: it is not an output of `score` with one row per allele, or a file that goes with it is missing.
        """
        if path == STANDARD_OUTPUT:
            raise InputError("scores cannot be read from standard input: name the file that 'score' wrote")
        self._paths = OutputPaths(path)
        self.path = path
        if not Path(path).is_file():
            raise InputError(f"no such file: {path}: expected a table that 'score' wrote")
        self.record, tracks = self._of_parquet() if self._paths.is_parquet else self._of_text()
        identity = self.record.identity
        if identity.summary == "only":
            raise InputError(f"{path} is a summary: score without --summary-only")
        if identity.layout == "long":
            raise InputError(
                f"{path} has the layout long: expected one row per allele; score with --layout wide or list"
            )
        self.indices = [int(index) for index in tracks["index"]]
        self.identifiers = [str(identifier) for identifier in tracks["identifier"]]
        if len(self.indices) != identity.tracks.num_tracks:
            raise InputError(
                f"{path} is damaged: its track table has {len(self.indices)} tracks, and its run record "
                f"{identity.tracks.num_tracks}"
            )

    @property
    def num_alleles(self) -> int:
        """Number of scored alleles."""
        return self.record.counts.alleles_scored

    def batches(self, statistic: str, tracks: Sequence[int]) -> Iterator[ScoredAlleles]:
        """Reads the scores of some tracks.

        Args:
          statistic: one of the run's statistics.
          tracks: the tracks' places in the table.

        Yields:
          Consecutive rows, all of the table's in order.

        Raises:
          InputError: the table is damaged, or its rows are not as many as its run record says.
        """
        num_rows = 0
        try:
            for batch in self._rows(statistic, tracks):
                num_rows += len(batch.alleles)
                yield batch
        except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
            raise InputError(f"{self.path} is damaged: {cause(error)[:300]}") from error
        if num_rows != self.num_alleles:
            raise InputError(
                f"{self.path} has {num_rows:,} alleles, but its run record says {self.num_alleles:,}: score again"
            )

    def _of_parquet(self) -> tuple[RunRecord, pd.DataFrame]:
        try:
            metadata = pyarrow.parquet.read_schema(self.path).metadata or {}
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} is not a Parquet file, or is damaged: {cause(error)[:300]}") from error
        if not {RUN_METADATA, TRACKS_METADATA} <= metadata.keys():
            raise InputError(f"{self.path} has no run record in its metadata: expected a table that 'score' wrote")
        try:
            record = RunRecord.from_dict(json.loads(metadata[RUN_METADATA]))
            return record, _checked_tracks(pd.DataFrame(json.loads(metadata[TRACKS_METADATA])))
        except ValueError as error:
            raise InputError(f"the run record or the track table in {self.path} is unusable: {cause(error)}") from error

    def _of_text(self) -> tuple[RunRecord, pd.DataFrame]:
        assert self._paths.tracks is not None
        for path in (self._paths.run, self._paths.tracks):
            if not path.is_file():
                raise InputError(f"no such file: {path}: it goes with {self.path}, and says what its scores are")
        try:
            tracks = pd.read_csv(self._paths.tracks, sep="\t", dtype=str, keep_default_na=False)
            return read_run_record(self._paths.run), _checked_tracks(tracks)
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self._paths.tracks} is not a track table: {cause(error)}") from error

    def _rows(self, statistic: str, tracks: Sequence[int]) -> Iterator[ScoredAlleles]:
        columns = [f"{statistic}:{self.identifiers[track]}" for track in tracks]
        if not self._paths.is_parquet:
            return self._text_rows(columns)
        if self.record.identity.layout == "list":
            return self._list_rows(statistic, np.array(tracks))
        return self._wide_rows(columns)

    def _wide_rows(self, columns: list[str]) -> Iterator[ScoredAlleles]:
        for batch in self._parquet_batches(columns):
            scores = np.empty((len(batch), len(columns)), np.float32)
            for place, column in enumerate(columns):
                scores[:, place] = batch.column(column).to_numpy(zero_copy_only=False)
            yield ScoredAlleles(_alleles(batch), scores)

    def _list_rows(self, statistic: str, tracks: npt.NDArray[np.int64]) -> Iterator[ScoredAlleles]:
        for batch in self._parquet_batches([statistic]):
            values = batch.column(statistic).flatten().to_numpy(zero_copy_only=False)
            scores = values.reshape(len(batch), len(self.indices))[:, tracks]
            yield ScoredAlleles(_alleles(batch), scores.astype(np.float32))

    def _parquet_batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with pyarrow.parquet.ParquetFile(self.path) as file:
            missing = set(columns) - set(file.schema_arrow.names)
            if missing:
                raise KeyError(f"it has no column {min(missing)}")
            yield from file.iter_batches(BATCH_ROWS, columns=[*AlleleFields._fields, *columns])

    def _text_rows(self, columns: list[str]) -> Iterator[ScoredAlleles]:
        types = {
            name: pa.binary() if kind is str else pa.int64() for name, kind in AlleleFields.__annotations__.items()
        }
        # The VCF's texts are taken as they are: a quotation mark is a letter, and bytes need not be UTF-8.
        convert = pyarrow.csv.ConvertOptions(
            column_types=types | dict.fromkeys(columns, pa.float32()),
            include_columns=[*types, *columns],
            check_utf8=False,
        )
        with (
            pa.input_stream(self.path, compression="gzip" if self._paths.is_gzipped else None) as stream,
            pyarrow.csv.open_csv(
                stream,
                pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
                pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
                convert,
            ) as reader,
        ):
            for block in reader:
                for start in range(0, len(block), BATCH_ROWS):
                    batch = block.slice(start, BATCH_ROWS)
                    scores = np.empty((len(batch), len(columns)), np.float32)
                    for place, column in enumerate(columns):
                        scores[:, place] = batch.column(column).to_numpy(zero_copy_only=False)
                    yield ScoredAlleles(_alleles(batch), scores)


def _checked_tracks(tracks: pd.DataFrame) -> pd.DataFrame:
    for name in ("index", "identifier"):
        if name not in tracks.columns:
            raise ValueError(f"the track table has no column {name}")
    tracks["index"] = tracks["index"].astype(int)
    return tracks


def _alleles(batch: pa.RecordBatch) -> list[VcfAllele]:
    columns = [batch.column(name).to_pylist() for name in AlleleFields._fields]
    rows = zip(*(map(_text, column) for column in columns), strict=True)
    return [VcfAllele.from_fields(AlleleFields(*cast("tuple[str, int, str, str, str, int, int]", row))) for row in rows]


def _text(value: bytes | str | int) -> str | int:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
