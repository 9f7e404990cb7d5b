"""The settings of `plot`, as typed values in groups by what they decide.

Nothing heavy is imported here: the command line takes its choices and defaults from this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from enformer_vep.errors import InputError, OutputError
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Variant
from enformer_vep.io.genome.gene_choices import TranscriptChoice
from enformer_vep.run.settings import ComputeSettings, ScoringSettings
from enformer_vep.wording import did_you_mean, option

FORMATS = ("png", "svg", "pdf")

MAX_ALLELES = 100
"""Alleles of a command; each takes a page, and the official model two passes."""

MAX_TRACKS = 20
"""Tracks of a page: more are taller than paper."""

DEFAULT_NUM_TRACKS = 3

DEFAULT_WIDTH_MM = 85.0
MIN_WIDTH_MM, MAX_WIDTH_MM = 80.0, 1000.0

LogoBy = Literal["saturation", "contributions"]
"""The ways to compute the height of a logo's letters."""
LOGO_BY: tuple[LogoBy, ...] = get_args(LogoBy)

DEFAULT_LOGO_BP = 20
MAX_LOGO_BP = 100

MAX_LOGO_ALLELE_BP = 50
"""The longest REF or ALT whose letters are drawn: each base takes three passes through the model."""

_ALLELE_IN_NAME = 10


@dataclass(frozen=True)
class PlotInputs:
    """The inputs of `plot`.

    Attributes:
      variants: variants such as chr1:1000:A:G, or files of them; at least one.
      fasta: the reference genome: a file, or the name of a fetched one; None if it was not named.
      cache: the folder of fetched weights, genomes and track tables, None for the user's.
      gtf: the annotation whose genes are drawn, None for none.
      transcripts: the transcripts that make up its genes.
    """

    variants: tuple[str, ...]
    fasta: str | None
    cache: str | None = None
    gtf: str | None = None
    transcripts: TranscriptChoice = "all"


@dataclass(frozen=True)
class PlotOutput:
    """The output of `plot`.

    Attributes:
      out: the file; of several variants, one page each in a PDF, and otherwise a file each, named after it.
      overwrite: whether existing files are replaced.

    Raises:
      OutputError: the name has no extension of a supported format.
    """

    out: str
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            names = [f".{name}" for name in FORMATS]
            raise OutputError(
                f"cannot tell the format of {self.out!r}: expected a name that ends in {', '.join(names)}"
                f"{did_you_mean(Path(self.out).suffix, names)}"
            )

    @property
    def format(self) -> str:
        """The format: png, svg or pdf."""
        return Path(self.out).suffix.removeprefix(".").lower()

    def paths(self, variants: Sequence[Variant]) -> list[Path]:
        """Returns the file of each variant: all of them are OUT for a PDF, or if there is only one variant."""
        path = Path(self.out)
        if self.format == "pdf" or len(variants) == 1:
            return [path] * len(variants)
        names = [_name(variant) for variant in variants]
        numbered = [f"{name}.{names[:place].count(name) + 1}" for place, name in enumerate(names)]
        unique = [name if names.count(name) == 1 else number for name, number in zip(names, numbered, strict=True)]
        return [path.with_name(f"{path.stem}.{name}{path.suffix}") for name in unique]


def _name(variant: Variant) -> str:
    """Returns a name for files: chr1_1000_A_G, with the lengths of long alleles in place of their letters."""
    alleles = (text if len(text) <= _ALLELE_IN_NAME else f"{len(text)}bp" for text in (variant.ref, variant.alt))
    name = "_".join((variant.chrom, str(variant.pos), *alleles))
    return "".join(letter if letter.isalnum() or letter in "_-." else "-" for letter in name)


@dataclass(frozen=True)
class PageSettings:
    """The settings of a page.

    Attributes:
      span_bp: base pairs to each side of the variant, None for all scored bins.
      top: how many of the chosen tracks are shown, those with the largest effect; None for all that are chosen, or
        DEFAULT_NUM_TRACKS if none are.
      width_mm: width of the page.
      logo_bp: base pairs to each side of the variant in logos, None for no logos.
      logo_by: what sets the height of their letters.
    """

    span_bp: int | None = None
    top: int | None = None
    width_mm: float = DEFAULT_WIDTH_MM
    logo_bp: int | None = None
    logo_by: LogoBy = "saturation"

    def check(self, geometry: Geometry) -> None:
        """Checks that the span fits a model's scored bins.

        Raises:
          InputError: it does not.
        """
        least, most = geometry.bin_size_bp, geometry.num_bins * geometry.bin_size_bp // 2
        if self.span_bp is not None and not least <= self.span_bp <= most:
            raise InputError(
                f"{option('--span', self.span_bp)}: expected {least:,} to {most:,} bp, from one bin to all that the "
                "model predicts to each side of a variant"
            )

    def check_num_tracks(self, num_chosen: int) -> None:
        """Checks that the tracks that `--tracks` chooses fit on a page.

        Raises:
          InputError: they do not.
        """
        if self.top is None and num_chosen > MAX_TRACKS:
            raise InputError(
                f"{option('--tracks')} chooses {num_chosen:,} tracks, but a page has room for {MAX_TRACKS}: choose "
                f"fewer, or show those with the largest effect with {option('--top')}, such as "
                f"{option('--top', DEFAULT_NUM_TRACKS)}"
            )


@dataclass(frozen=True)
class PlotSettings:
    """The settings of `plot`.

    Attributes:
      inputs: the variants, the genome and the annotation.
      output: the files that are written.
      page: the settings of a page.
      scoring: the model, the tracks, where windows lie and the views of variants. The rest of it is not used.
      compute: how it is computed.
      quiet: whether no progress is shown on standard error.

    Raises:
      InputError: logos of gradients are wanted as a mean over shifts.
    """

    inputs: PlotInputs
    output: PlotOutput
    page: PageSettings = field(default_factory=PageSettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    compute: ComputeSettings = field(default_factory=ComputeSettings)
    quiet: bool = False

    def __post_init__(self) -> None:
        is_by_gradients = self.page.logo_bp is not None and self.page.logo_by == "contributions"
        if is_by_gradients and self.scoring.views.shifts != (0,):
            raise InputError(
                f"{option('--logo-by', 'contributions')} takes no mean over shifts: remove {option('--shifts')}, or "
                "use saturation"
            )
