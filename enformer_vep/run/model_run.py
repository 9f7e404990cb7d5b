"""The record of a run of a model: its items in every record, and the records of commands that write in one go.

These are `predict` and `contributions`. An identity has the inputs and settings, which do not depend on where and when
a command runs; a course says how it went.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from enformer_vep.run.explain.settings import MethodSettings
from enformer_vep.run.identities import (
    FastaIdentity,
    ModelIdentity,
    TracksIdentity,
    identify_fasta,
    identify_model,
    peak_memory_bytes,
    versions,
)
from enformer_vep.run.record_json import flat, nested
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

if TYPE_CHECKING:
    from enformer_vep.genome.tiling import BinSpan
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.io.genome.fasta import Genome
    from enformer_vep.io.vcf.alleles import VcfAllele
    from enformer_vep.run.explain.sequences import ExplainedSequence
    from enformer_vep.run.session import OpenModel

PREDICT, CONTRIBUTIONS = "predict", "contributions"
"""The kinds of records of these commands."""

PREDICT_RECORD_FORMAT = 2
"""To be raised when an item is added or removed, or changes its meaning."""

CONTRIBUTION_RECORD_FORMAT = 1
"""Likewise."""

BASELINE = "all zeros, as N"
PATH = "straight line, midpoints of equal steps"

_FIRST_KEYS = (
    *("kind", "format", "notice", "versions", "fasta", "model", "head", "tracks", "device", "is_deterministic"),
)

Identity = TypeVar("Identity", bound="ModelRun")


@dataclass(frozen=True, kw_only=True)
class ModelRun:
    """The genome, the model and the software of a run.

    Attributes:
      format: of the record.
      notice: a warning about the model, None if there is none.
      versions: of the software.
      fasta: the genome.
      model: the model.
      tracks: the chosen tracks of the chosen head.
      device: the kind of the device.
      is_deterministic: whether it gives the same bits each time.
    """

    format: int
    notice: str | None
    versions: dict[str, str]
    fasta: FastaIdentity
    model: ModelIdentity
    tracks: TracksIdentity
    device: str
    is_deterministic: bool

    @classmethod
    def of(
        cls: type[Identity],
        record_format: int,
        genome: "Genome",
        model: "OpenModel",
        packages: Mapping[str, str] | None = None,
        **others: Any,
    ) -> Identity:
        """Identifies a run.

        Args:
          record_format: the format of its record.
          genome: the FASTA.
          model: the model, with the chosen tracks of the chosen head.
          packages: versions of the packages that the output needs besides those of every run.
          **others: the other fields of the class.
        """
        return cls(
            format=record_format,
            notice=model.loaded.notice,
            versions=versions() | dict(packages or {}),
            fasta=identify_fasta(genome),
            model=identify_model(model.loaded),
            tracks=TracksIdentity.of(model.tracks),
            device=model.device.kind,
            is_deterministic=model.device.is_deterministic,
            **others,
        )


@dataclass(frozen=True)
class BinsIdentity:
    """The bins that are predicted: how many, in how many spans, and a digest of the spans."""

    num_bins: int
    num_spans: int
    sha256: str

    @classmethod
    def of(cls, spans: Sequence["BinSpan"]) -> "BinsIdentity":
        """Identifies spans of bins."""
        digest = _digest([(span.contig, span.first, span.stop) for span in spans])
        return cls(sum(span.num_bins for span in spans), len(spans), digest)


@dataclass(frozen=True)
class AllelesIdentity:
    """The alleles that are predicted: how many, and a digest of the columns that identify them."""

    num_alleles: int
    sha256: str

    @classmethod
    def of(cls, alleles: Sequence["VcfAllele"]) -> "AllelesIdentity":
        """Identifies alleles, whether they can be predicted or not."""
        return cls(len(alleles), _digest([allele.fields for allele in alleles]))


@dataclass(frozen=True)
class SequencesIdentity:
    """The sequences that are explained: how many, with how many bases written, and a digest of them."""

    num_sequences: int
    num_bases: int
    sha256: str

    @classmethod
    def of(cls, sequences: Sequence["ExplainedSequence"]) -> "SequencesIdentity":
        """Identifies sequences by names, alleles, windows, and the bases that are written."""
        items = [(one.name, one.allele, str(one.layout.pieces), one.wanted.start, one.wanted.stop) for one in sequences]
        return cls(len(sequences), sum(len(one.wanted) for one in sequences), _digest(items))


def _digest(items: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(items).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class PredictIdentity(ModelRun):
    """The identity of a run of `predict`."""

    KEY_ORDER: ClassVar = _FIRST_KEYS

    kind: str = PREDICT
    compute: ComputeSettings = field(metadata=flat())
    batch_size: int


@dataclass(frozen=True, kw_only=True)
class RegionsIdentity(PredictIdentity):
    """The identity of a run of `predict` with regions. Of `views`, it is the predictions whose mean is taken."""

    bins: BinsIdentity
    num_windows: int
    windows_per_bin: int
    scoring: ScoringSettings = field(metadata=flat("placement", "statistics", "bins", "views"))
    views: "ViewSettings" = field(metadata=nested("indels"))


@dataclass(frozen=True, kw_only=True)
class VariantsIdentity(PredictIdentity):
    """The identity of a run of `predict` with alleles."""

    alleles: AllelesIdentity
    scoring: ScoringSettings = field(metadata=flat("statistics", "bins"))


@dataclass(frozen=True)
class IntegratedIdentity:
    """The path of integrated gradients."""

    steps: int
    baseline: str = BASELINE
    path: str = PATH


@dataclass(frozen=True, kw_only=True)
class ContributionIdentity(ModelRun):
    """The identity of a run of `contributions`.

    Attributes:
      method: how sequences are explained.
      scalars: names of what is explained.
      sequences: the sequences.
      scoring: the head and the bins.
      reverse_complement: whether both strands are predicted.
      integrated: None for gradients at the sequences.
    """

    KEY_ORDER: ClassVar = (
        *_FIRST_KEYS,
        *("mean_by", "scalars", "bins", "sequences", "is_corrected", "reverse_complement", "integrated"),
    )

    kind: str = CONTRIBUTIONS
    method: MethodSettings = field(metadata=flat())
    scalars: tuple[str, ...]
    sequences: SequencesIdentity
    scoring: ScoringSettings = field(metadata=flat("placement", "statistics", "views"))
    reverse_complement: bool
    integrated: IntegratedIdentity | None = None


@dataclass(frozen=True)
class SkippedRecord:
    """An allele that was read and not explained. `record` counts the records of all arguments from 0."""

    record: int
    allele: int
    variant: str
    reason: str
    detail: str


@dataclass(frozen=True)
class TowerBins:
    """Tower bins of all sequences: those that were computed, and those that were known already."""

    computed: int
    reused: int


@dataclass(frozen=True)
class Course:
    """Where and how a command ran, which is not the same each time."""

    command: str
    paths: dict[str, str]
    device_name: str
    started: str
    seconds_total: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class EngineCourse(Course):
    """How a run of an engine went."""

    transformer_passes: int
    tower_bins: TowerBins


@dataclass(frozen=True)
class VariantsCourse(EngineCourse):
    """How a run of `predict` with alleles went, and what became of them."""

    alleles_read: int
    alleles_predicted: int
    alleles_skipped: int
    skipped_by_reason: dict[str, int]


@dataclass(frozen=True)
class ContributionCourse(Course):
    """Where and how a run of `contributions` went.

    `largest_completeness_error` is that of integrated gradients: how far the sum of gradient times input over a window
    is from the scalar's difference to the baseline, relative to it; the largest of all sequences and scalars.
    """

    num_gradients: int
    skipped: tuple[SkippedRecord, ...] = ()
    largest_completeness_error: float | None = None


def course_items(
    command: str, genome: "Genome", model: "OpenModel", started: datetime, paths: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Returns the items of a `Course`: where and how a command ran until now.

    Args:
      command: the command line.
      genome: the FASTA.
      model: the model.
      started: when it began.
      paths: the paths of other inputs.
    """
    return {
        "command": command,
        "paths": {
            **(paths or {}),
            "fasta": os.path.abspath(genome.path),
            "model": os.path.abspath(model.loaded.identity.path),
        },
        "device_name": model.device.description,
        "started": started.isoformat(timespec="seconds"),
        "seconds_total": round((datetime.now(timezone.utc) - started).total_seconds(), 3),
        "peak_memory_bytes": peak_memory_bytes(),
    }
