"""The record of predictions: their inputs and settings, and how they were computed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from enformer_vep.genome.tiling import BinSpan
from enformer_vep.run.identity import FastaIdentity, ModelIdentity, TracksIdentity
from enformer_vep.run.run_record import TowerBins

PREDICT_RECORD_FORMAT = 1
"""To be raised when an item is added or removed, or changes its meaning."""

KIND = "predict"


@dataclass(frozen=True)
class BinsIdentity:
    """The bins that are predicted: how many, in how many spans, and a digest of the spans."""

    num_bins: int
    num_spans: int
    sha256: str

    @classmethod
    def of(cls, spans: Sequence[BinSpan]) -> "BinsIdentity":
        """Identifies spans of bins."""
        text = json.dumps([(span.contig, span.first, span.stop) for span in spans])
        return cls(sum(span.num_bins for span in spans), len(spans), hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True)
class MeanIdentity:
    """The predictions of a window whose mean is taken: see `ViewSettings`."""

    reverse_complement: bool
    shifts: tuple[int, ...]


@dataclass(frozen=True)
class PredictIdentity:
    """The inputs and settings of a run of `predict`, which do not depend on where and when it runs."""

    kind: str
    format: int
    notice: str | None
    versions: dict[str, str]
    fasta: FastaIdentity
    model: ModelIdentity
    head: str
    tracks: TracksIdentity
    bins: BinsIdentity
    num_windows: int
    views: MeanIdentity
    engine: str
    precision: str
    device: str
    is_deterministic: bool
    batch_size: int


@dataclass(frozen=True)
class PredictCourse:
    """Where and how a run of `predict` went."""

    command: str
    paths: dict[str, str]
    transformer_passes: int
    tower_bins: TowerBins
    device_name: str
    started: str
    seconds_total: float
    peak_memory_bytes: int
