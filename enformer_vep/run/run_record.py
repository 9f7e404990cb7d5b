"""The run record: the inputs, settings, versions and results of a run, and what of it two runs must have in common.

`RunIdentity` must agree between the shards of a run, together with how their ShardRecords divide the alleles; and to
resume a run, together with the whole ShardRecord. `Counts` and `RunCourse` are those of one run alone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from enformer_vep.errors import InputError
from enformer_vep.run.course import EngineCourse
from enformer_vep.run.identity import RUN_RECORD_FORMAT, Difference, RunIdentity, ShardRecord, find_differences
from enformer_vep.run.json_values import from_json_values, to_json_values
from enformer_vep.wording import cause

T = TypeVar("T")


@dataclass(frozen=True)
class RunPlan:
    """What is known before a run begins; the parts of another run are usable only if it agrees in all of this.

    Attributes:
      identity: the inputs and settings.
      shard: the share of the alleles, None for all of them.
      part_size: alleles of a part.
    """

    identity: RunIdentity
    shard: ShardRecord | None
    part_size: int

    def differences(self, earlier: "RunPlan | RunRecord") -> list[Difference]:
        """Returns the items in which an earlier run, finished or not, was another: its identity and its share.

        The size of its parts does not count, as what continues it takes them as they are.
        """
        then, now = (None if run.shard is None else to_json_values(run.shard) for run in (earlier, self))
        return earlier.identity.differences(self.identity) + find_differences(then, now, "shard")

    def to_dict(self) -> dict[str, Any]:
        """Returns the plan as JSON has it."""
        return _flat(self.identity, self.shard) | {"part_size": self.part_size}

    @classmethod
    def from_dict(cls, values: Any) -> "RunPlan":
        """Reads what `to_dict` returned.

        Raises:
          ValueError: an item is missing, unknown or of another type.
        """
        taken = _Items(values)
        identity, shard = taken.identity(), taken.shard()
        part_size = taken.pop("part_size")
        taken.check_empty()
        if type(part_size) is not int or part_size < 1:
            raise ValueError(f"part_size is {part_size!r}")
        return cls(identity, shard, part_size)


@dataclass(frozen=True)
class Counts:
    """What became of the records and alleles of a run.

    Attributes:
      records: records of the whole VCF, whatever the shard.
      records_left_out: those of them that the selection leaves out.
      alleles_read: alleles of this run.
      alleles_scored: those of them that have scores.
      alleles_skipped: the others.
      skipped_by_reason: how many were skipped for each reason.
      float16_overflows: scores that do not fit into the float16 that they are written as.
      gene_rows: pairs of an allele and a gene in its reach; None if no gene is scored.
    """

    records: int
    records_left_out: int
    alleles_read: int
    alleles_scored: int
    alleles_skipped: int
    skipped_by_reason: dict[str, int]
    float16_overflows: int
    gene_rows: int | None = None

    @classmethod
    def of_shards(cls, shards: Sequence["Counts"]) -> "Counts":
        """Returns the counts of the run that shards make up: records of the VCF once, alleles added up."""
        reasons = sorted({reason for counts in shards for reason in counts.skipped_by_reason})
        return cls(
            shards[0].records,
            shards[0].records_left_out,
            sum(counts.alleles_read for counts in shards),
            sum(counts.alleles_scored for counts in shards),
            sum(counts.alleles_skipped for counts in shards),
            {reason: sum(counts.skipped_by_reason.get(reason, 0) for counts in shards) for reason in reasons},
            sum(counts.float16_overflows for counts in shards),
            None if shards[0].gene_rows is None else sum(counts.gene_rows or 0 for counts in shards),
        )


@dataclass(frozen=True)
class VerificationRecord:
    """How alleles compared with the full engine."""

    alleles: int
    largest_error: float
    median_error: float
    largest_error_of_one_track: float
    worst_allele: str
    tolerance: float


@dataclass(frozen=True)
class RunCourse(EngineCourse):
    """Where and how a run went, which is not the same each time."""

    alleles_of_earlier_runs: int
    batch_size_at_end: int
    seconds_scoring: float
    verification: VerificationRecord | None = None


@dataclass(frozen=True)
class MergeCourse:
    """How shards were merged.

    Attributes:
      command: the command line.
      seconds_scoring: of all shards.
      merged_from: of each shard, its path, its ShardRecord and its RunCourse.
    """

    command: str
    seconds_scoring: float
    merged_from: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class RunRecord:
    """The record of a finished run.

    Attributes:
      identity: the inputs and settings.
      shard: the share of the alleles, None for all of them.
      counts: what became of its alleles.
      course: how it went; None in the metadata of a table, which are the same for equal runs.
    """

    identity: RunIdentity
    shard: ShardRecord | None
    counts: Counts
    course: RunCourse | MergeCourse | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as JSON has it."""
        course = {} if self.course is None else to_json_values(self.course)
        return _flat(self.identity, self.shard) | {"counts": to_json_values(self.counts)} | course

    @classmethod
    def from_dict(cls, values: Any) -> "RunRecord":
        """Reads what `to_dict` returned.

        Raises:
          ValueError: an item is missing, unknown or of another type.
        """
        taken = _Items(values)
        identity, shard = taken.identity(), taken.shard()
        counts = from_json_values(Counts, taken.pop("counts"), "counts")
        course: RunCourse | MergeCourse | None = None
        if "merged_from" in taken.values:
            course = taken.take(MergeCourse)
        elif taken.values:
            course = taken.take(RunCourse)
        taken.check_empty()
        return cls(identity, shard, counts, course)


class _Items:
    """The items of a record, which are taken off one after another."""

    def __init__(self, values: Any) -> None:
        if not isinstance(values, dict):
            raise ValueError("expected a JSON object")
        self.values = dict(values)

    def pop(self, name: str) -> Any:
        return self.values.pop(name, None)

    def take(self, kind: type[T]) -> T:
        """Takes the items that a dataclass has."""
        names = [item.name for item in fields(kind) if item.name in self.values]  # type: ignore[arg-type]
        return from_json_values(kind, {name: self.values.pop(name) for name in names})

    def identity(self) -> RunIdentity:
        found = self.values.get("format")
        if found != RUN_RECORD_FORMAT:
            raise ValueError(f"its format is {found}, and this version of enformer-vep reads {RUN_RECORD_FORMAT}")
        return self.take(RunIdentity)

    def shard(self) -> ShardRecord | None:
        found = self.values.pop("shard", None)
        return None if found is None else from_json_values(ShardRecord, found, "shard")

    def check_empty(self) -> None:
        for name in self.values:
            raise ValueError(f"{name} is unknown")


def _flat(identity: RunIdentity, shard: ShardRecord | None) -> dict[str, Any]:
    return to_json_values(identity) | ({} if shard is None else {"shard": to_json_values(shard)})


def read_run_record(path: Path) -> RunRecord:
    """Reads a run record.

    Raises:
      InputError: the file cannot be read, or is not a run record of this version's format.
    """
    try:
        return RunRecord.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a run record: {cause(error)}") from error


def is_run_record(path: Path) -> bool:
    """Returns whether a file is the record of a run of this program, of any version."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    is_record = isinstance(record, dict) and "counts" in record and "format" in record
    versions = record.get("versions") if is_record else None
    return isinstance(versions, dict) and "enformer-vep" in versions
