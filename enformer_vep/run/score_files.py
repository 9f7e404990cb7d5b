"""Outputs of `score` as the inputs of another command: their run records, tracks and scores."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from enformer_vep.errors import InputError
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.score_columns import ScoreColumns, open_columns
from enformer_vep.io.table import TableSettings
from enformer_vep.io.tracks import TrackTable
from enformer_vep.run.identity import find_differences
from enformer_vep.run.json_values import to_json_values
from enformer_vep.run.results import RUN_METADATA, TRACKS_METADATA
from enformer_vep.run.run_record import RunRecord, read_run_record
from enformer_vep.wording import cause

MAY_DIFFER = ("vcf", "selection", "layout", "summary", "background")
"""What does not change the meaning of a score: which alleles were scored, and how they were written."""


@dataclass(frozen=True)
class ScoreFile:
    """A finished output of `score`.

    Attributes:
      paths: its files.
      record: its run record.
      tracks: its tracks.
    """

    paths: OutputPaths
    record: RunRecord
    tracks: TrackTable

    @classmethod
    def find(cls, path: str) -> "ScoreFile":
        """Reads what was run and on which tracks, from Parquet's metadata or from the files beside text.

        Raises:
          InputError: there is no such output, it is a summary, or its run record or track table cannot be read.
        """
        paths = OutputPaths(path)
        if not paths.table.is_file():
            raise InputError(f"no such file: {path}: expected an output of 'enformer-vep score'")
        record, table = _of_parquet(paths.table) if paths.is_parquet else _beside_text(paths)
        if record.identity.summary == "only":
            raise InputError(f"{path} is a summary, which has no scores: score without --summary-only")
        if len(table) != record.identity.tracks.num_tracks:
            raise InputError(f"the track table of {path} is not the one of its run: score it again")
        return cls(paths, record, TrackTable(record.identity.head, table))

    @property
    def settings(self) -> TableSettings:
        """How its scores were written."""
        identity = self.record.identity
        return TableSettings(identity.statistics, self.tracks, identity.layout, identity.dtype)  # type: ignore[arg-type]

    def open(self, folder: Path) -> AbstractContextManager[ScoreColumns]:
        """Opens its scores; `folder` is where a temporary copy may be put."""
        return open_columns(self.paths, self.settings, folder)


def check_same_run(files: Sequence[ScoreFile]) -> None:
    """Checks that scores mean the same, and that no output is given twice.

    Raises:
      InputError: two outputs differ in what their scores mean, or are the same.
    """
    first = files[0]
    seen: list[tuple[Path, dict[str, Any], Any]] = []
    for file in files:
        mine, its = (_meaning(each.record) for each in (first, file))
        if found := find_differences(mine, its):
            item, wanted, other = found[0]
            raise InputError(
                f"{file.paths.table} belongs to a different run than {first.paths.table}: {item} is {other}, not "
                f"{wanted}; give outputs whose scores mean the same"
            )
        alleles = {name: to_json_values(getattr(file.record.identity, name)) for name in ("vcf", "selection")}
        for path, others, shard in seen:
            if (alleles, file.record.shard) == (others, shard):
                raise InputError(f"{file.paths.table} has the same alleles as {path}: give each output once")
        seen.append((file.paths.table, alleles, file.record.shard))


def _meaning(record: RunRecord) -> dict[str, Any]:
    values = to_json_values(record.identity)
    return {name: value for name, value in values.items() if name not in MAY_DIFFER}


def _of_parquet(path: Path) -> tuple[RunRecord, pd.DataFrame]:
    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a Parquet file, or is damaged") from error
    if RUN_METADATA not in metadata or TRACKS_METADATA not in metadata:
        raise InputError(f"{path} has no run record in its metadata: expected an output of 'enformer-vep score'")
    try:
        return RunRecord.from_dict(json.loads(metadata[RUN_METADATA])), pd.DataFrame(
            json.loads(metadata[TRACKS_METADATA])
        )
    except ValueError as error:
        raise InputError(f"the metadata of {path} cannot be read: {cause(error)}") from error


def _beside_text(paths: OutputPaths) -> tuple[RunRecord, pd.DataFrame]:
    assert paths.tracks is not None
    for path in (paths.run, paths.tracks):
        if not path.is_file():
            raise InputError(f"no such file: {path}: expected {paths.table} to be the output of a finished run")
    try:
        return read_run_record(paths.run), pd.read_csv(paths.tracks, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{paths.tracks} is not a track table: {cause(error)}") from error
