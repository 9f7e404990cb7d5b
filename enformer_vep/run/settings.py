"""The settings of a run, as typed values in groups by what they decide.

Nothing heavy is imported here: the command line takes its choices and defaults from this module.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from enformer_vep.errors import InputError
from enformer_vep.genome.windows import Placement
from enformer_vep.inference.device import BFLOAT16_PRECISIONS, DEFAULT_CACHE_BYTES, Precision, check_device_name
from enformer_vep.io.genome.gene_choices import GeneColumns, GeneWindow, TranscriptChoice
from enformer_vep.io.tables.outputs import Dtype, Layout, SummaryKind
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.model.location import OFFICIAL
from enformer_vep.wording import option

if TYPE_CHECKING:
    from enformer_vep.genome.saturation import SaturatedBases
    from enformer_vep.genome.scored_bins import ScoredBins
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.scoring import Statistic

EngineName = Literal["reusing", "full"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

DEFAULT_STATISTICS = "SAD"

DEFAULT_GENE_STATISTICS = "SADR"

DEFAULT_PART_SIZE: Mapping[str, int] = MappingProxyType({"CPU": 20, "GPU": 1000})
"""Alleles of a part: at most this many, a few minutes of work, are lost if the program is killed."""

DEFAULT_TOLERANCE: Mapping[Precision, float] = MappingProxyType(
    {"float32": 0.01, "mixed": 0.07, "bfloat16": 0.15, "tf32": 0.1}
)
"""Largest accepted error by precision: twice the one observed on any CPU, and more where rounding alone may decide."""


RECORDED_AS, RECORDED_BY = "recorded_as", "recorded_by"

UNRECORDED: Mapping[str, Any] = MappingProxyType({RECORDED_BY: None})
"""Metadata of a setting that changes no number of the output, so that no record of a run has it."""


def recorded_by(item: str) -> Mapping[str, Any]:
    """Returns the metadata of a setting whose place in records is taken by an identity, in the item of this name."""
    return {RECORDED_BY: item}


def recorded_as(name: str) -> Mapping[str, Any]:
    """Returns the metadata of a setting that has another name in records. All others have their own."""
    return {RECORDED_AS: name}


def _default_statistics() -> "tuple[Statistic, ...]":
    from enformer_vep.scoring import parse_statistics  # which imports NumPy

    return parse_statistics(DEFAULT_STATISTICS)


def _default_gene_statistics() -> "tuple[Statistic, ...]":
    from enformer_vep.scoring import parse_statistics  # the same

    return parse_statistics(DEFAULT_GENE_STATISTICS)


def _default_bins() -> "ScoredBins":
    from enformer_vep.genome.scored_bins import ScoredBins  # the same

    return ScoredBins()


def _default_views() -> "ViewSettings":
    from enformer_vep.genome.views import ViewSettings  # the same

    return ViewSettings()


@dataclass(frozen=True)
class Shard:
    """A share of a run: `--shard K/N` scores the K-th, from 1, of N contiguous ranges of the alleles, equal by count.

    Attributes:
      number: K.
      of: N.

    Raises:
      InputError: there is no such share.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise _invalid_shard(str(self))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Reads 'K/N'.

        Raises:
          InputError: it is not K/N with K from 1 to N.
        """
        match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        if not match:
            raise _invalid_shard(text)
        return cls(int(match[1]), int(match[2]))

    def share(self, num_alleles: int) -> tuple[int, int]:
        """Returns the first allele of this share and the one after its last, counted from 0."""
        return num_alleles * (self.number - 1) // self.of, num_alleles * self.number // self.of


def _invalid_shard(text: str) -> InputError:
    return InputError(f"invalid shard {text!r}: expected K/N with K from 1 to N, as in 3/10")


@dataclass(frozen=True)
class InputSettings:
    """The inputs of `score`.

    Attributes:
      vcf: the variants, '-' for standard input.
      fasta: the reference genome: a file, or the name of a fetched one; None if it was not named.
      regions: regions or BED files outside which records are left out; none for the whole file.
      pass_only: whether records that failed a filter are left out.
      include_id: a file of the only IDs that are wanted, None for all.
      shard: the share of the alleles that is scored, None for all.
      strict: whether an allele that cannot be scored stops the run.
      allow_mismatches: whether the run continues when the FASTA seems to be of another assembly.
      cache: the folder of fetched weights, genomes and track tables, None for the user's.
      background: the file of the background that percentiles are taken against, None for no percentiles.
      saturated: the bases whose changes are scored in place of a VCF, which `vcf` then only names in messages.
    """

    vcf: str = field(metadata=recorded_by("vcf"))
    fasta: str | None = field(metadata=recorded_by("fasta"))
    regions: tuple[str, ...] = field(default=(), metadata=recorded_by("selection"))
    pass_only: bool = field(default=False, metadata=recorded_by("selection"))
    include_id: str | None = field(default=None, metadata=recorded_by("selection"))
    shard: Shard | None = field(default=None, metadata=recorded_by("shard"))
    strict: bool = field(default=False, metadata=UNRECORDED)
    allow_mismatches: bool = field(default=False, metadata=UNRECORDED)
    cache: str | None = field(default=None, metadata=UNRECORDED)
    background: str | None = field(default=None, metadata=recorded_by("background"))
    saturated: "SaturatedBases | None" = field(default=None, metadata=recorded_by("saturation"))


@dataclass(frozen=True)
class ScoringSettings:
    """The settings that decide an allele's scores.

    Attributes:
      model: a checkpoint's folder or prefix, a SavedModel's folder, or a name.
      head: the head to score.
      track_table: a table that names the tracks, None for the fetched one, or to name them by number.
      tracks: the wanted tracks, None for all.
      placement: the placement of windows.
      statistics: the statistics that are scores, in the order of the columns.
      bins: the bins that statistics are taken over.
      views: whether both strands and shifts are averaged, and how alleles that change the length are compared.
    """

    model: str = field(default=OFFICIAL, metadata=recorded_by("model"))
    head: str = "human"
    track_table: str | None = field(default=None, metadata=recorded_by("tracks"))
    tracks: TrackChoice | None = field(default=None, metadata=recorded_by("tracks"))
    placement: Placement = field(default_factory=Placement)
    statistics: "tuple[Statistic, ...]" = field(default_factory=_default_statistics)
    bins: "ScoredBins" = field(default_factory=_default_bins)
    views: "ViewSettings" = field(default_factory=_default_views)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the statistics."""
        return tuple(statistic.name for statistic in self.statistics)


@dataclass(frozen=True)
class ComputeSettings:
    """How predictions are computed, and how exactly.

    Attributes:
      engine: 'reusing', or 'full' for the plain one.
      precision: of products, and of activations between layers.
      device: 'cpu', 'gpu', 'gpu:N', None for the first GPU and else the CPU.
      batch_size: sequences that are run at a time, None for the device's default.
      cache_bytes: bytes of reference towers that the reusing engine keeps.
      allow_nondeterministic: whether a GPU may use operations whose results differ from run to run.

    Raises:
      InputError: the engine does not support the precision.
      DeviceError: the device's name is invalid.
    """

    engine: EngineName = "reusing"
    precision: Precision = "float32"
    device: str | None = field(default=None, metadata=recorded_by("device"))
    batch_size: int | None = field(default=None, metadata=recorded_by("batch_size"))
    cache_bytes: int = field(default=DEFAULT_CACHE_BYTES, metadata=UNRECORDED)
    allow_nondeterministic: bool = field(default=False, metadata=recorded_by("is_deterministic"))

    def __post_init__(self) -> None:
        check_device_name(self.device)
        if self.engine == "full" and self.precision in BFLOAT16_PRECISIONS:
            raise InputError(
                f"{option('--precision', self.precision)} requires the reusing engine: remove "
                f"{option('--engine', 'full')}"
            )


@dataclass(frozen=True)
class OutputSettings:
    """The outputs of `score`, and whether an earlier run's files are replaced.

    Attributes:
      out: OUT, '-' for text on standard output, None to name it after the VCF.
      layout: what a row and a column of the table are.
      dtype: the number format of the scores.
      summary: whether a summary is written beside the scores or instead of them.
      part_size: alleles of a part, None for the device's default.
      resume: whether the finished parts of an earlier run are used.
      overwrite: whether existing files are overwritten.
      command: the command line, for the run record.

    Raises:
      InputError: a layout or number format is chosen for scores that are not written.
    """

    out: str | None = field(default=None, metadata=UNRECORDED)
    layout: Layout = "wide"
    dtype: Dtype = "float32"
    summary: SummaryKind = "none"
    part_size: int | None = field(default=None, metadata=UNRECORDED)
    resume: bool = field(default=False, metadata=UNRECORDED)
    overwrite: bool = field(default=False, metadata=UNRECORDED)
    command: str = field(default="", metadata=UNRECORDED)

    def __post_init__(self) -> None:
        if self.summary == "only":
            for name, chosen, usual in (("layout", self.layout, "wide"), ("dtype", self.dtype, "float32")):
                if chosen != usual:
                    raise InputError(
                        f"{option(f'--{name}', chosen)} has no effect on a summary: remove it, or use "
                        f"{option('--summary')} to have the scores as well"
                    )


@dataclass(frozen=True)
class GeneSettings:
    """Which genes are scored, and how.

    Attributes:
      gtf: the annotation, None if no gene is scored.
      transcripts: the transcripts whose starts count.
      gene_bins: bins around each start, 3 or 10.
      gene_window: in whose window promoters are scored.
      gene_statistics: the statistics of the predictions there.
      gene_tracks: on which tracks, of those that are predicted; None for CAGE.
      gene_columns: whether scores are written by group of tracks, or track by track.
    """

    gtf: str | None = field(default=None, metadata=recorded_by("gtf"))
    transcripts: TranscriptChoice = "all"
    gene_bins: int = field(default=3, metadata=recorded_as("bins"))
    gene_window: GeneWindow = field(default="variant", metadata=recorded_as("window"))
    gene_statistics: "tuple[Statistic, ...]" = field(
        default_factory=_default_gene_statistics, metadata=recorded_as("statistics")
    )
    gene_tracks: TrackChoice | None = field(default=None, metadata=recorded_by("tracks"))
    gene_columns: GeneColumns = field(default="summary", metadata=recorded_as("columns"))


@dataclass(frozen=True)
class CheckSettings:
    """The checks of a run, and how its progress is reported.

    Attributes:
      verify: number of alleles that are scored again by the full engine.
      verify_tolerance: the largest accepted error, None for the precision's default.
      quiet: whether no progress is shown on standard error.
      log_json: a file to which progress is appended as JSON lines, None for no such file.
    """

    verify: int = field(default=0, metadata=UNRECORDED)
    verify_tolerance: float | None = field(default=None, metadata=UNRECORDED)
    quiet: bool = field(default=False, metadata=UNRECORDED)
    log_json: str | None = field(default=None, metadata=UNRECORDED)


@dataclass(frozen=True)
class ScoreSettings:
    """The settings of `score`.

    Raises:
      InputError: genes are wanted, and too few bins are computed to see their promoters.
    """

    inputs: InputSettings
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    compute: ComputeSettings = ComputeSettings()
    output: OutputSettings = OutputSettings()
    check: CheckSettings = CheckSettings()
    genes: GeneSettings = field(default_factory=GeneSettings)

    def __post_init__(self) -> None:
        if self.genes.gtf is not None and self.scoring.bins.centre_bp is not None:
            raise InputError(
                f"{option('--bins', self.scoring.bins)} computes the bins around the variant alone, but genes "
                f"({option('-g')}) need those around every promoter: remove one of the two options"
            )

    @classmethod
    def of(cls, **values: Any) -> "ScoreSettings":
        """Makes settings from the values of all groups by their names, of which no two groups share one.

        Raises:
          TypeError: there is no such setting, or one is missing that has no default.
          InputError: values do not fit together.
        """
        groups: dict[str, type[Any]] = {
            "inputs": InputSettings,
            "scoring": ScoringSettings,
            "compute": ComputeSettings,
            "output": OutputSettings,
            "check": CheckSettings,
            "genes": GeneSettings,
        }
        made = {}
        for name, group in groups.items():
            made[name] = group(**{item.name: values.pop(item.name) for item in fields(group) if item.name in values})
        if values:
            raise TypeError(f"unknown settings: {', '.join(values)}")
        return cls(**made)
