"""The settings of `saturate` and `contributions`, as typed values in groups by what they decide.

Those that `saturate` has in common with `score` are in `run/settings.py`. Nothing heavy is imported here: the command
line takes its choices and defaults from this module.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from enformer_vep.errors import InputError, OutputError
from enformer_vep.run.settings import UNRECORDED, ComputeSettings, ScoringSettings, recorded_by
from enformer_vep.wording import option

DEFAULT_SATURATE_WINDOW = "shared:1000"
"""Neighbouring bases share one window, and so its reference; windows follow each other every 2 kb."""

DEFAULT_MAX_ALLELES = 30_000
"""Alleles of a run: the substitutions of 10 kb, which take the official model 18 hours on two CPU cores."""

MAX_BASES = 10_000_000
"""Bases whose list of changes is made at all, whatever --max-alleles."""

MAX_DELETION_BP = 100
"""Deletions longer than this are better chosen than listed."""

MeanBy = Literal["track", "group", "all"]
MEANS_BY: tuple[MeanBy, ...] = get_args(MeanBy)

DEFAULT_MAX_GRADIENTS = 1000
"""Gradients of a run; at the official size, hours on two CPU cores."""

SECONDS_PER_GRADIENT = 30
"""Roughly what a gradient through the official model takes on two CPU cores: docs/contributions.md."""

DEFAULT_VARIANT_BP = 200
"""Bases that are written around a variant."""

FORMATS = {".parquet": "parquet", ".npz": "npz", ".zarr": "zarr"}
BIGWIG_FOLDER = "bigwig"
_OTHER_SUFFIXES = (".bw", ".bigwig", ".wig", ".bedgraph", ".tsv", ".tsv.gz", ".txt", ".csv", ".h5", ".npy")


@dataclass(frozen=True)
class SaturateSettings:
    """The regions whose bases are changed, and the changes.

    Attributes:
      regions: regions as for `score --region`, or BED files; at least one.
      max_deletion_bp: the longest deletions, 0 for none.
      max_alleles: the most alleles that a run may take.
    """

    regions: tuple[str, ...]
    max_deletion_bp: int = 0
    max_alleles: int = DEFAULT_MAX_ALLELES


@dataclass(frozen=True)
class ExplainedSettings:
    """The sequences that are explained, and how many of their bases are written.

    Attributes:
      arguments: regions or BED files, or else variants or files of them; at least one.
      fasta: the reference genome: a file, or the name of a fetched one; None if it was not named.
      cache: the folder of fetched weights, genomes and track tables, None for the user's.
      width_bp: bases that are written around the middle of each; None for a region's own, and DEFAULT_VARIANT_BP
        around a variant.
      max_gradients: the most gradients that a run may take.
    """

    arguments: tuple[str, ...] = field(metadata=recorded_by("sequences"))
    fasta: str | None = field(metadata=recorded_by("fasta"))
    cache: str | None = field(default=None, metadata=UNRECORDED)
    width_bp: int | None = field(default=None, metadata=recorded_by("sequences"))
    max_gradients: int = field(default=DEFAULT_MAX_GRADIENTS, metadata=UNRECORDED)


@dataclass(frozen=True)
class MethodSettings:
    """How contributions are computed.

    Attributes:
      mean_by: whether each track is explained by itself, or the mean of the tracks of each assay group, or of all.
      steps: of integrated gradients; 0 for the gradient at the sequence.
      is_corrected: whether the mean over the four letters is taken from the gradient of each position.
    """

    mean_by: MeanBy = "track"
    steps: int = field(default=0, metadata=recorded_by("integrated"))
    is_corrected: bool = True

    def gradients_of_scalar(self, *, reverse_complement: bool) -> int:
        """Returns the gradients that a scalar of a sequence takes, on one strand or on both."""
        return (self.steps or 1) * (1 + reverse_complement)


@dataclass(frozen=True)
class ContributionOutput:
    """Where contributions go.

    Attributes:
      out: a folder of bigWig files, or a file or store whose name ends as one of FORMATS.
      modisco: the prefix of the names of the arrays for TF-MoDISco, None for none.
      overwrite: whether output of an earlier run is replaced.
      command: the command line, for the run record.

    Raises:
      OutputError: the name is that of a file of another format.
    """

    out: str = field(metadata=UNRECORDED)
    modisco: str | None = field(default=None, metadata=UNRECORDED)
    overwrite: bool = field(default=False, metadata=UNRECORDED)
    command: str = field(default="", metadata=UNRECORDED)

    def __post_init__(self) -> None:
        if self.out.lower().endswith(_OTHER_SUFFIXES):
            raise OutputError(
                f"cannot write {self.out!r}: expected the name of a folder, which will have bigWig files, or one that "
                "ends in .parquet, .npz or .zarr"
            )

    @property
    def path(self) -> Path:
        """The folder or the file."""
        return Path(self.out)

    @property
    def format(self) -> str:
        """One of FORMATS, or BIGWIG_FOLDER."""
        return FORMATS.get(self.path.suffix, BIGWIG_FOLDER)


@dataclass(frozen=True)
class ContributionSettings:
    """The settings of `contributions`.

    Attributes:
      inputs: the regions or variants that are explained.
      output: the files that are written.
      method: how it is explained.
      scoring: the model, the tracks, the bins, and whether both strands are predicted. The rest of it is not used.
      compute: the device. The rest of it is not used.
      quiet: whether no progress is shown on standard error.

    Raises:
      InputError: no tracks are chosen, and each would be explained by itself.
    """

    inputs: ExplainedSettings
    output: ContributionOutput
    method: MethodSettings = field(default_factory=MethodSettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    compute: ComputeSettings = field(default_factory=ComputeSettings)
    quiet: bool = field(default=False, metadata=UNRECORDED)

    def __post_init__(self) -> None:
        if self.scoring.tracks is None and self.method.mean_by == "track":
            raise InputError(
                f"which tracks? Each takes a gradient of its own: choose some with {option('--tracks')}, such as "
                f"assay:DNASE, or explain their mean with {option('--mean-by', 'group')} or all"
            )
