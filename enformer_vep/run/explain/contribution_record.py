"""The record of contributions: their inputs and settings, and how they were computed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from enformer_vep.run.course import Course
from enformer_vep.run.explain.contribution_sequences import ExplainedSequence
from enformer_vep.run.model_run import ModelRunIdentity

CONTRIBUTION_RECORD_FORMAT = 1
"""To be raised when an item is added or removed, or changes its meaning."""

KIND = "contributions"

BASELINE = "all zeros, as N"
PATH = "straight line, midpoints of equal steps"


@dataclass(frozen=True)
class SequencesIdentity:
    """The sequences that are explained: how many, with how many bases written, and a digest of them."""

    num_sequences: int
    num_bases: int
    sha256: str

    @classmethod
    def of(cls, sequences: Sequence[ExplainedSequence]) -> "SequencesIdentity":
        """Identifies sequences by names, alleles, windows, and the bases that are written."""
        items = [(one.name, one.allele, str(one.layout.pieces), one.wanted.start, one.wanted.stop) for one in sequences]
        digest = hashlib.sha256(json.dumps(items).encode()).hexdigest()
        return cls(len(sequences), sum(len(one.wanted) for one in sequences), digest)


@dataclass(frozen=True)
class IntegratedIdentity:
    """The path of integrated gradients."""

    steps: int
    baseline: str = BASELINE
    path: str = PATH


@dataclass(frozen=True)
class ContributionIdentity(ModelRunIdentity):
    """What a run of `contributions` computes.

    `scalars` are the names of what is explained. `integrated` is None for gradients at the sequences.
    """

    mean_by: str
    scalars: tuple[str, ...]
    bins: str
    sequences: SequencesIdentity
    is_corrected: bool
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
class ContributionCourse(Course):
    """Where and how a run of `contributions` went.

    `largest_completeness_error` is that of integrated gradients: how far the sum of gradient times input over a window
    is from the scalar's difference to the baseline, relative to it; the largest of all sequences and scalars.
    """

    num_gradients: int
    skipped: tuple[SkippedRecord, ...] = ()
    largest_completeness_error: float | None = None
