"""The settings of `predict`, as typed values in groups by what they decide.

Nothing heavy is imported here: the command line takes its choices and defaults from this module.
"""

from dataclasses import dataclass, field
from pathlib import Path

from enformer_vep.errors import InputError, OutputError
from enformer_vep.inference.device import Precision
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

DEFAULT_MAX_WINDOWS = 1000
"""Windows of a run; at the official size 115 Mb, and on two CPU cores about three hours."""

SECONDS_PER_PASS = 11
"""Roughly what a pass through the official model takes on two CPU cores, if it shares nothing: docs/performance.md."""

PREDICT_PRECISIONS: tuple[Precision, ...] = ("float32", "tf32")
"""The others are made for differences between alleles."""

TABLE_SUFFIX = ".parquet"
_OTHER_SUFFIXES = (".bw", ".bigwig", ".wig", ".bedgraph", ".tsv", ".tsv.gz", ".txt", ".csv", ".zarr", ".npz")


@dataclass(frozen=True)
class RegionSettings:
    """What is predicted.

    Attributes:
      regions: regions as for `score --region`, or BED files; at least one.
      fasta: the reference genome: a file, or the name of a fetched one; None if it was not named.
      cache: the folder of fetched weights, genomes and track tables, None for the user's.
      max_windows: the most windows that a run may take.
    """

    regions: tuple[str, ...]
    fasta: str | None
    cache: str | None = None
    max_windows: int = DEFAULT_MAX_WINDOWS


@dataclass(frozen=True)
class PredictOutput:
    """Where predictions go.

    Attributes:
      out: a folder of bigWig files, or a table whose name ends in .parquet.
      overwrite: whether output of an earlier run is replaced.
      command: the command line, for the run record.

    Raises:
      OutputError: the name is that of a file of another format.
    """

    out: str
    overwrite: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        if self.out.lower().endswith(_OTHER_SUFFIXES):
            raise OutputError(
                f"cannot write {self.out!r}: expected the name of a folder, which will have one bigWig file per track, "
                "or of a table that ends in .parquet"
            )

    @property
    def path(self) -> Path:
        """The folder or the table."""
        return Path(self.out)

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.out.endswith(TABLE_SUFFIX)


@dataclass(frozen=True)
class PredictSettings:
    """The settings of `predict`.

    Attributes:
      inputs: what is predicted.
      output: where it goes.
      scoring: the model, the tracks, and the views whose mean is taken. The rest of it is not used.
      compute: how it is computed.
      quiet: whether no progress is shown on standard error.

    Raises:
      InputError: no tracks are chosen for bigWig files.
    """

    inputs: RegionSettings
    output: PredictOutput
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    compute: ComputeSettings = field(default_factory=ComputeSettings)
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.scoring.tracks is None and not self.output.is_table:
            raise InputError(
                "which tracks? Each becomes a bigWig file: choose some with --tracks, such as assay:DNASE, "
                f"or write all of them into one table with -o {self.output.out}{TABLE_SUFFIX}"
            )

    @property
    def passes_per_window(self) -> int:
        """Sequences that are run for each window."""
        views = self.scoring.views
        return len(views.shifts) * (1 + views.reverse_complement)
