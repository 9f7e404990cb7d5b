"""The record of predictions: their inputs and settings, and how they were computed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.course import EngineCourse
from enformer_vep.run.identity import ViewsIdentity
from enformer_vep.run.model_run import ModelRunIdentity

PREDICT_RECORD_FORMAT = 2
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
class AllelesIdentity:
    """The alleles that are predicted: how many, and a digest of the columns that identify them."""

    num_alleles: int
    sha256: str

    @classmethod
    def of(cls, alleles: Sequence[VcfAllele]) -> "AllelesIdentity":
        """Identifies alleles, whether they can be predicted or not."""
        text = json.dumps([allele.fields for allele in alleles])
        return cls(len(alleles), hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True)
class MeanIdentity:
    """The predictions of a window whose mean is taken: see `ViewSettings`."""

    reverse_complement: bool
    shifts: tuple[int, ...]


@dataclass(frozen=True)
class PredictIdentity(ModelRunIdentity):
    """How a run of `predict` computes."""

    engine: str
    precision: str
    batch_size: int


@dataclass(frozen=True)
class RegionsIdentity(PredictIdentity):
    """What is predicted of the reference over regions."""

    bins: BinsIdentity
    num_windows: int
    windows_per_bin: int
    views: MeanIdentity


@dataclass(frozen=True)
class VariantsIdentity(PredictIdentity):
    """What is predicted of alleles. `placement` is that of `--window`."""

    alleles: AllelesIdentity
    placement: str
    views: ViewsIdentity


@dataclass(frozen=True)
class VariantsCourse(EngineCourse):
    """How a run with alleles went, and what became of them."""

    alleles_read: int
    alleles_predicted: int
    alleles_skipped: int
    skipped_by_reason: dict[str, int]
