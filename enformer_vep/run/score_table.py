"""Finished outputs of `score` as the inputs of another command: their run records, tracks and scores."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from enformer_vep.errors import InputError
from enformer_vep.io.tables.formats import PERCENTILE_SUFFIX, TableSettings
from enformer_vep.io.tables.outputs import STANDARD_OUTPUT, OutputPaths
from enformer_vep.io.tables.row_reader import read_metadata
from enformer_vep.io.tables.score_rows import ScoreColumns, ScoredRows, ScoreRows, open_columns
from enformer_vep.io.tracks.table import REQUIRED_COLUMNS, TrackTable
from enformer_vep.io.vcf.alleles import AlleleFields
from enformer_vep.run.record_json import find_differences, to_json_values
from enformer_vep.run.run_record import RunRecord, read_run_record
from enformer_vep.run.score.results import RUN_METADATA, TRACKS_METADATA
from enformer_vep.wording import cause, listed, option, plural

BATCH_ALLELES = 1000

MAY_DIFFER = ("vcf", "selection", "layout", "summary", "background", "genes", "saturation")
"""What does not change the meaning of a score: which alleles were scored, and how they were written."""


@dataclass(frozen=True)
class ScoreTable:
    """The scores of a finished run.

    Attributes:
      paths: the table, and the files that go with it.
      record: the run record.
      tracks: the tracks, in the table's order.
    """

    paths: OutputPaths
    record: RunRecord
    tracks: TrackTable

    @classmethod
    def find(cls, path: str, *, with_summaries: bool = False) -> "ScoreTable":
        """Reads the run record and the tracks, from Parquet's metadata or the files beside text, and no scores.

        Args:
          path: the table.
          with_summaries: whether it may be a table of `score --summary-only`.

        Raises:
          InputError: there is no such table, it is a summary, or its run record or track table cannot be used.
        """
        if path == STANDARD_OUTPUT:
            raise InputError("scores cannot be read from standard input: name the file that 'score' wrote")
        paths = OutputPaths(path)
        if not paths.table.is_file():
            raise InputError(f"no such file: {path}: expected an output of 'enformer-vep score'")
        record, tracks = _of_parquet(paths.table) if paths.is_parquet else _beside_text(paths)
        if record.identity.output.summary == "only" and not with_summaries:
            raise InputError(f"{path} is a summary, which has no scores: score without {option('--summary-only')}")
        if len(tracks) != record.identity.tracks.num_tracks:
            raise InputError(
                f"{path} is damaged: its track table has {plural(len(tracks), 'track')}, and its run record "
                f"{record.identity.tracks.num_tracks:,}"
            )
        return cls(paths, record, TrackTable(record.identity.scoring.head, tracks))

    @property
    def path(self) -> Path:
        """Where the table is."""
        return self.paths.table

    @property
    def num_alleles(self) -> int:
        """Number of scored alleles, as the run record says it."""
        return self.record.counts.alleles_scored

    @property
    def settings(self) -> TableSettings:
        """How the scores were written; percentiles, which may be between them, are left out."""
        identity = self.record.identity
        return TableSettings(identity.scoring.names, self.tracks, identity.output.layout, identity.output.dtype)

    def batches(self, statistic: str, tracks: Sequence[int], *, with_percentiles: bool = False) -> Iterator[ScoredRows]:
        """Reads the scores of some tracks, BATCH_ALLELES at a time.

        Args:
          statistic: one of the run's statistics.
          tracks: the tracks' places in the table.
          with_percentiles: whether the scores are followed by as many percentiles, which the run must have.

        Yields:
          Consecutive rows, all of the table's in order, with all fields of their alleles.

        Raises:
          InputError: the table is damaged, or its alleles are not as many as its run record says.
        """
        num_alleles = 0
        settings, wanted = self.settings, [statistic]
        if with_percentiles:
            wanted.append(f"{statistic}{PERCENTILE_SUFFIX}")
            # Percentiles are float32 whatever the scores are, so that none of both is rounded.
            settings = replace(settings, statistics=wanted, dtype="float32")
        rows = ScoreRows(self.paths, settings, wanted, tracks)
        for batch in rows.read(AlleleFields._fields, BATCH_ALLELES):
            num_alleles += len(batch.scores)
            yield batch
        self.check_num_alleles(num_alleles)

    def checked_statistic(self, statistic: str) -> str:
        """Returns a statistic, if the table has it.

        Raises:
          InputError: the table does not have it.
        """
        names = self.record.identity.scoring.names
        if statistic not in names:
            raise InputError(
                f"{self.path} has {listed(names)} and no {statistic}: score with {option('--stats', statistic)}"
            )
        return statistic

    @contextmanager
    def open_columns(self, folder: Path) -> Iterator[ScoreColumns]:
        """Opens the scores to be read by columns.

        Args:
          folder: where a temporary copy may be put.

        Raises:
          InputError: the table is damaged, or its alleles are not as many as its run record says.
          EnformerVepError: the copy cannot be written.
        """
        with open_columns(self.paths, self.settings, folder) as columns:
            self.check_num_alleles(columns.num_rows)
            yield columns

    def check_num_alleles(self, num: int) -> None:
        """Checks that as many alleles were read as the run record says.

        Raises:
          InputError: there were more or fewer.
        """
        if num != self.num_alleles:
            raise InputError(
                f"{self.path} has {plural(num, 'allele')}, but its run record says {self.num_alleles:,}: use the "
                "table as it was written"
            )


def check_same_run(tables: Sequence[ScoreTable]) -> None:
    """Checks that scores mean the same, and that no table is given twice.

    Raises:
      InputError: two tables differ in what their scores mean, or are the same.
    """
    first = tables[0]
    seen: list[tuple[Path, dict[str, Any], Any]] = []
    for table in tables:
        mine, its = (_meaning(each.record) for each in (first, table))
        if differences := find_differences(mine, its):
            item, wanted, other = differences[0]
            raise InputError(
                f"{table.path} belongs to a different run than {first.path}: {item} is {other}, not {wanted}; give "
                "outputs whose scores mean the same"
            )
        alleles = {name: to_json_values(getattr(table.record.identity, name)) for name in ("vcf", "selection")}
        for path, others, shard in seen:
            if (alleles, table.record.shard) == (others, shard):
                raise InputError(f"{table.path} has the same alleles as {path}: give each output once")
        seen.append((table.path, alleles, table.record.shard))


def _meaning(record: RunRecord) -> dict[str, Any]:
    values = to_json_values(record.identity)
    return {name: value for name, value in values.items() if name not in MAY_DIFFER}


def _of_parquet(path: Path) -> tuple[RunRecord, pd.DataFrame]:
    metadata = read_metadata(path)
    if not {RUN_METADATA, TRACKS_METADATA} <= metadata.keys():
        raise InputError(f"{path} has no run record in its metadata: expected an output of 'enformer-vep score'")
    try:
        values = json.loads(metadata[RUN_METADATA])
        if isinstance(values, dict) and "kind" in values:
            raise InputError(f"{path} is an output of {values['kind']!r}, which has no scores of alleles")
        record = RunRecord.from_dict(values)
        return record, _checked_tracks(pd.DataFrame(json.loads(metadata[TRACKS_METADATA])))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the run record or the track table in {path} is unusable: {cause(error)}") from error


def _beside_text(paths: OutputPaths) -> tuple[RunRecord, pd.DataFrame]:
    assert paths.tracks is not None
    for path in (paths.run, paths.tracks):
        if not path.is_file():
            raise InputError(f"no such file: {path}: it goes with {paths.table}, and says what its scores are")
    record = read_run_record(paths.run)
    try:
        tracks = pd.read_csv(paths.tracks, sep="\t", dtype=str, keep_default_na=False)
        return record, _checked_tracks(tracks)
    except (OSError, ValueError) as error:
        raise InputError(f"{paths.tracks} is not a track table: {cause(error)}") from error


def _checked_tracks(tracks: pd.DataFrame) -> pd.DataFrame:
    for name in REQUIRED_COLUMNS:
        if name not in tracks.columns:
            raise ValueError(f"the track table has no column {name}")
    tracks["index"] = tracks["index"].astype(int)
    return tracks
