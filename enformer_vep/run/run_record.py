"""The run record of `score`: its inputs, settings, versions and results, and in which of them two runs must agree.

`RunIdentity` must agree between the shards of a run, together with how their ShardRecords divide the alleles; and to
resume a run, together with the whole ShardRecord. `Counts` and `RunCourse` are those of one run alone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from enformer_vep.errors import InputError
from enformer_vep.io.tables.components import PUBLISHED
from enformer_vep.run.identities import (
    FileIdentity,
    SaturationIdentity,
    SelectionIdentity,
    TracksIdentity,
    identify_file,
)
from enformer_vep.run.model_run import EngineCourse, ModelRun
from enformer_vep.run.record_json import (
    OPTIONAL,
    Difference,
    find_differences,
    flat,
    from_json_values,
    to_json_values,
)
from enformer_vep.run.settings import ComputeSettings, GeneSettings, OutputSettings, ScoreSettings, ScoringSettings
from enformer_vep.wording import cause

if TYPE_CHECKING:
    from enformer_vep.io.tracks.table import TrackTable
    from enformer_vep.run.score.inputs import RunInputs
    from enformer_vep.run.session import OpenModel

RUN_RECORD_FORMAT = 3
"""To be raised when an item is added or removed, or changes its meaning."""


@dataclass(frozen=True)
class GenesIdentity:
    """The annotation whose genes are scored, and how."""

    KEY_ORDER: ClassVar = ("gtf", "transcripts", "bins", "window", "statistics", "tracks", "columns")

    gtf: FileIdentity
    tracks: TracksIdentity
    settings: GeneSettings = field(metadata=flat())


@dataclass(frozen=True, kw_only=True)
class RunIdentity(ModelRun):
    """The inputs and settings of a run; two runs that agree in all of it write the same bytes for the same alleles.

    It does not depend on where, when and in how many parts and shards they run.

    Attributes:
      vcf: the variants; of a saturation, the list of changes.
      selection: the selection of records.
      batch_size: sequences that are run at a time.
      scoring: the settings that decide the scores.
      compute: how they are computed.
      output: how they are written.
      background: the file of the percentiles, None if there are none.
      genes: the genes that are scored, None if none are.
      saturation: the bases whose changes are scored, None for a VCF.
    """

    KEY_ORDER: ClassVar = (
        *("format", "notice", "versions", "vcf", "fasta", "model", "head", "statistics", "tracks", "selection"),
        *("placement", "bins", "views", "engine", "precision", "device", "is_deterministic", "batch_size"),
        *("layout", "dtype", "summary", "background", "genes", "saturation"),
    )
    """As the first version wrote them."""

    vcf: FileIdentity
    selection: SelectionIdentity
    batch_size: int
    scoring: ScoringSettings = field(metadata=flat())
    compute: ComputeSettings = field(metadata=flat())
    output: OutputSettings = field(metadata=flat())
    background: FileIdentity | None = None
    genes: GenesIdentity | None = None
    saturation: SaturationIdentity | None = None

    @property
    def weights(self) -> str:
        """The name of the weights in transforms: 'published', or their digest."""
        return PUBLISHED if self.model.is_published else self.model.tensors_sha256

    def differences(self, other: "RunIdentity") -> list[Difference]:
        """Returns the items in which another run differs: there must be none between shards, or to resume a run."""
        differences = find_differences(to_json_values(self), to_json_values(other))
        # Other bases are another list of changes too, whose digest says less.
        return sorted(differences, key=lambda difference: not difference.item.startswith("saturation"))


def identify_run(
    settings: ScoreSettings, inputs: "RunInputs", model: "OpenModel", gene_tracks: "TrackTable | None"
) -> RunIdentity:
    """Identifies a run.

    Args:
      settings: the settings of the run.
      inputs: the opened VCF and FASTA.
      model: the model.
      gene_tracks: the tracks on which genes are scored, None if none are.
    """
    background, gtf, bases = settings.inputs.background, settings.genes.gtf, settings.inputs.saturated
    genes = None
    if gtf is not None and gene_tracks is not None:
        genes = GenesIdentity(identify_file(gtf), TracksIdentity.of(gene_tracks), settings.genes)
    return RunIdentity.of(
        RUN_RECORD_FORMAT,
        inputs.genome,
        model,
        vcf=identify_file(inputs.vcf),
        selection=SelectionIdentity.of(inputs.selection),
        batch_size=model.batch_size,
        scoring=settings.scoring,
        compute=settings.compute,
        output=settings.output,
        background=None if background is None else identify_file(background),
        genes=genes,
        saturation=None if bases is None else SaturationIdentity.of(bases),
    )


@dataclass(frozen=True)
class ShardRecord:
    """The alleles of a shard.

    Attributes:
      number: of the shard, from 1.
      of: number of shards.
      first_allele: its first allele, from 0.
      end_allele: the one after its last.
      num_alleles: alleles of all shards.
    """

    number: int
    of: int
    first_allele: int
    end_allele: int
    num_alleles: int

    def differences_in_division(self, other: "ShardRecord") -> list[Difference]:
        """Returns the items in which another shard divides the alleles differently."""
        mine, its = ({"of": shard.of, "num_alleles": shard.num_alleles} for shard in (self, other))
        return find_differences(mine, its, "shard")


@dataclass(frozen=True)
class RunPlan:
    """The plan of a run, made before it begins; parts of an earlier run are used only if its plan agrees.

    Attributes:
      identity: the inputs and settings.
      shard: the share of the alleles, None for all of them.
      part_size: alleles of a part.
    """

    identity: RunIdentity = field(metadata=flat())
    shard: ShardRecord | None = field(metadata=OPTIONAL)
    part_size: int

    def differences(self, earlier: "RunPlan | RunRecord") -> list[Difference]:
        """Returns the items of identity and shard in which an earlier run, finished or not, differs.

        The size of parts does not count, as a resumed run keeps that of the parts that are finished.
        """
        then, now = (None if run.shard is None else to_json_values(run.shard) for run in (earlier, self))
        return earlier.identity.differences(self.identity) + find_differences(then, now, "shard")

    def to_dict(self) -> dict[str, Any]:
        """Returns the plan as JSON values."""
        return to_json_values(self)

    @classmethod
    def from_dict(cls, values: Any) -> "RunPlan":
        """Reads what `to_dict` returned.

        Raises:
          ValueError: an item is missing, unknown or of another type.
        """
        _check_format(values)
        plan = from_json_values(cls, values)
        if plan.part_size < 1:
            raise ValueError(f"part_size is {plan.part_size!r}")
        return plan


@dataclass(frozen=True)
class Counts:
    """How many records and alleles a run read, scored and skipped.

    Attributes:
      records: records of the whole VCF, whatever the shard.
      records_left_out: those of them that the selection leaves out.
      alleles_read: alleles of this run.
      alleles_scored: those of them that have scores.
      alleles_skipped: the others.
      skipped_by_reason: the number that was skipped for each reason.
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
      counts: its alleles, scored and skipped.
      course: where and how it ran; None in the metadata of a table, which are the same for equal runs.
    """

    identity: RunIdentity = field(metadata=flat())
    shard: ShardRecord | None = field(metadata=OPTIONAL)
    counts: Counts
    course: RunCourse | MergeCourse | None = field(default=None, metadata=flat())

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as JSON values."""
        return to_json_values(self)

    @classmethod
    def from_dict(cls, values: Any) -> "RunRecord":
        """Reads what `to_dict` returned.

        Raises:
          ValueError: an item is missing, unknown or of another type.
        """
        _check_format(values)
        return from_json_values(cls, values)


def _check_format(values: Any) -> None:
    if isinstance(values, dict) and (its := values.get("format")) != RUN_RECORD_FORMAT:
        raise ValueError(f"its format is {its}, and this version of enformer-vep reads {RUN_RECORD_FORMAT}")


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
