"""The settings of `predict`, as typed values in groups by what they decide.

Nothing heavy is imported here: the command line takes its choices and defaults from this module.
"""

from dataclasses import dataclass, field
from pathlib import Path

from enformer_vep.errors import InputError, OutputError
from enformer_vep.genome.windows import DEFAULT_INDEL_POLICY, Placement
from enformer_vep.inference.device import Precision
from enformer_vep.run.settings import UNRECORDED, ComputeSettings, ScoringSettings, recorded_by
from enformer_vep.wording import option

DEFAULT_MAX_WINDOWS = 1000
"""Windows of a run; at the official size 115 Mb, and on two CPU cores about three hours."""

SECONDS_PER_PASS = 11
"""Roughly what a pass through the official model takes on two CPU cores, if it shares nothing: docs/performance.md."""

PREDICT_PRECISIONS: tuple[Precision, ...] = ("float32", "tf32")
"""The others are made for differences between alleles."""

WINDOWS_PER_ALLELE = 2
"""The reference's and the alternate's; neighbouring alleles may have the first in common."""

MAX_ALLELES = 100_000
"""Alleles that are read at most, as all of them are held. They would take weeks."""

TABLE_SUFFIX = ".parquet"
ARRAYS_SUFFIX = ".zarr"
_OTHER_SUFFIXES = (".bw", ".bigwig", ".wig", ".bedgraph", ".tsv", ".tsv.gz", ".txt", ".csv", ".npz")


@dataclass(frozen=True)
class PredictInputSettings:
    """What is predicted: the reference over regions, or both alleles of variants.

    Attributes:
      regions: regions as for `score --region`, or BED files.
      variants: VCFs, '-' for standard input, or variants such as chr1:1000:A:G.
      fasta: the reference genome: a file, or the name of a fetched one; None if it was not named.
      cache: the folder of fetched weights, genomes and track tables, None for the user's.
      max_windows: the most windows that a run may take.
      windows_per_bin: how many windows of a region each bin is in, whose mean is taken.

    Raises:
      InputError: there are neither regions nor variants, or both; or windows overlap of which there is one for each
        allele.
    """

    regions: tuple[str, ...] = field(metadata=recorded_by("bins"))
    variants: tuple[str, ...] = field(metadata=recorded_by("alleles"))
    fasta: str | None = field(metadata=recorded_by("fasta"))
    cache: str | None = field(default=None, metadata=UNRECORDED)
    max_windows: int = field(default=DEFAULT_MAX_WINDOWS, metadata=UNRECORDED)
    windows_per_bin: int = field(default=1, metadata=recorded_by("windows_per_bin"))

    @property
    def has_alleles(self) -> bool:
        """Whether variants are predicted."""
        return bool(self.variants)

    def __post_init__(self) -> None:
        if not self.regions and not self.variants:
            raise InputError(
                f"what is to be predicted? Name a region, such as chr7:5500000-5600000, or a VCF with {option('--vcf')}"
            )
        if self.regions and self.variants:
            raise InputError(
                f"{option('--vcf')} predicts windows around variants, but {self.regions[0]} is a region: remove one of "
                "the two"
            )
        if self.variants and self.windows_per_bin > 1:
            raise InputError(
                f"{option('--windows-per-bin', self.windows_per_bin)} averages the windows of regions, but "
                f"{option('--vcf')} has one window for each allele: remove one of the two options"
            )


@dataclass(frozen=True)
class PredictOutput:
    """Where predictions go.

    Attributes:
      out: a folder of bigWig files, a table whose name ends in .parquet, or a Zarr store whose name ends in .zarr.
      overwrite: whether output of an earlier run is replaced.
      command: the command line, for the run record.

    Raises:
      OutputError: the name is that of a file of another format.
    """

    out: str = field(metadata=UNRECORDED)
    overwrite: bool = field(default=False, metadata=UNRECORDED)
    command: str = field(default="", metadata=UNRECORDED)

    def __post_init__(self) -> None:
        if self.out.lower().endswith(_OTHER_SUFFIXES):
            raise OutputError(
                f"cannot write {self.out!r}: expected the name of a folder, which will have one bigWig file per track, "
                "of a table that ends in .parquet, or of a Zarr store that ends in .zarr"
            )

    @property
    def path(self) -> Path:
        """The folder or the table."""
        return Path(self.out)

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.out.endswith(TABLE_SUFFIX)

    @property
    def is_arrays(self) -> bool:
        """Whether it is a Zarr store."""
        return self.out.rstrip("/").endswith(ARRAYS_SUFFIX)


@dataclass(frozen=True)
class PredictSettings:
    """The settings of `predict`.

    Attributes:
      inputs: the regions or variants that are predicted.
      output: the files that are written.
      scoring: the model, the tracks, and the views whose mean is taken. The rest of it is not used.
      compute: how it is computed.
      quiet: whether no progress is shown on standard error.

    Raises:
      InputError: no tracks are chosen for bigWig files, or settings of variants are given for regions.
    """

    inputs: PredictInputSettings
    output: PredictOutput
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    compute: ComputeSettings = field(default_factory=ComputeSettings)
    quiet: bool = field(default=False, metadata=UNRECORDED)

    def __post_init__(self) -> None:
        placement, indels = self.scoring.placement, self.scoring.views.indels
        for name, is_usual in (
            (option("--window", placement), placement == Placement()),
            (option("--indels", indels.value), indels is DEFAULT_INDEL_POLICY),
        ):
            if self.inputs.regions and not is_usual:
                raise InputError(
                    f"{name} is for variants, and has no effect on regions: remove it, or use {option('--vcf')}"
                )
        if self.scoring.tracks is None and not (self.output.is_table or self.output.is_arrays):
            raise InputError(
                f"which tracks? Each becomes a bigWig file: choose some with {option('--tracks')}, such as "
                "assay:DNASE, or write all of them into one table with "
                f"{option('-o', self.output.out.rstrip('/') + TABLE_SUFFIX)}"
            )

    @property
    def passes_per_window(self) -> int:
        """Sequences that are run for each window."""
        views = self.scoring.views
        return len(views.shifts) * (1 + views.reverse_complement)
