"""`plot`: pictures of both alleles of variants."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.predict import PREDICT_SPEED
from enformer_vep.commands.values import TRACKS
from enformer_vep.genome.windows import Placement
from enformer_vep.run.plot.settings import (
    DEFAULT_LOGO_BP,
    DEFAULT_NUM_TRACKS,
    DEFAULT_WIDTH_MM,
    LOGO_BY,
    MAX_LOGO_BP,
    MAX_TRACKS,
    MAX_WIDTH_MM,
    MIN_WIDTH_MM,
    LogoBy,
    PageSettings,
    PlotInputs,
    PlotOutput,
    PlotSettings,
)
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

PLOT_INPUT = cloup.option_group(
    "Input",
    options.FASTA,
    options.CACHE,
    cloup.option(
        "-g",
        "--gtf",
        metavar="GTF",
        help="Also draw the genes of GTF: GENCODE, Ensembl or RefSeq, plain or gzipped.",
    ),
    options.TRANSCRIPTS,
)

PLOT_OUTPUT = cloup.option_group(
    "Output",
    options.out(
        "Picture: .png, .svg or .pdf. Of several variants, a PDF has a page for each; otherwise each gets a file "
        "with its name in it, such as FILE.chr1_1000_A_G.png.",
        "FILE",
    ),
    cloup.option(
        "--width",
        "width_mm",
        type=click.FloatRange(MIN_WIDTH_MM, MAX_WIDTH_MM),
        default=DEFAULT_WIDTH_MM,
        show_default=True,
        metavar="MM",
        help="Width in print. 85 is a column of most journals, 180 a page.",
    ),
    options.FORCE,
)

PAGE = cloup.option_group(
    "What is shown",
    cloup.option(
        "--tracks",
        callback=TRACKS,
        metavar="EXPR",
        help="Tracks to show, as for 'score --tracks': numbers, ranges, identifiers, assay:NAME, /regular expression/, "
        f"@FILE; at most {MAX_TRACKS}.  [default: those with the largest effect]",
    ),
    cloup.option(
        "--top",
        type=click.IntRange(1, MAX_TRACKS),
        metavar="N",
        help="Of these tracks, show only the N with the largest effect of the variant (SADR over all bins, in either "
        f"direction).  [default: all that --tracks chooses, otherwise {DEFAULT_NUM_TRACKS}]",
    ),
    options.TRACK_TABLE,
    cloup.option(
        "--span",
        "span_bp",
        type=click.IntRange(min=1),
        metavar="BP",
        help="Show this many bp to each side of the variant.  [default: all scored bins, about 57,000]",
    ),
    cloup.option(
        "--logo",
        is_flag=True,
        help="Also draw the sequence around the variant, of both alleles, with letters as high as each base is "
        "important.",
    ),
    cloup.option(
        "--logo-by",
        type=click.Choice(LOGO_BY),
        help="What letters are as high as. saturation: the mean effect of a base's three substitutions, which is exact "
        "and takes six alleles for each base. contributions: gradient times input, as in 'contributions', which is "
        f"first order and takes a gradient for each allele and track.  [default: {PageSettings.logo_by}]",
    ),
    cloup.option(
        "--logo-bp",
        type=click.IntRange(1, MAX_LOGO_BP),
        metavar="N",
        help=f"Bases to each side of the variant in logos.  [default: {DEFAULT_LOGO_BP}]",
    ),
)

VIEWS = cloup.option_group(
    "Windows and strands", options.window(str(Placement())), options.REVERSE_COMPLEMENT, options.SHIFTS, options.INDELS
)

PLOT_EXAMPLES = """\b
Examples:
  enformer-vep plot chr7:5530601:C:T -f hg38 -g gencode.v46.annotation.gtf.gz -o actb.png
  enformer-vep plot variants.vcf -f hg38 --tracks assay:CAGE --top 5 --width 180 -o variants.pdf
"""


@cloup.command(epilog=PLOT_EXAMPLES, short_help="Draw the tracks of both alleles of variants.")
@cloup.argument(
    "variants",
    nargs=-1,
    required=True,
    metavar="VARIANT...",
    help="Variants (chr:pos:ref:alt), or files of them: VCF, bgzipped VCF, BCF, a list.",
)
@PLOT_INPUT
@PLOT_OUTPUT
@PAGE
@options.MODEL
@VIEWS
@PREDICT_SPEED
@options.GENERAL
@click.pass_obj
def plot(
    command: str,
    /,
    variants: tuple[str, ...],
    logo: bool,
    logo_bp: int | None,
    logo_by: LogoBy | None,
    reverse_complement: bool,
    shifts: tuple[int, ...],
    indels: str,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Draw the predicted tracks of both alleles of each VARIANT.

    Each track has the profiles of REF and ALT over each other, and below them the difference. Genes and sequence logos
    can be added. Variants that cannot be predicted are named with the reason. Needs the extra 'plots'.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.genome.indels import IndelPolicy
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.run.plot.course import plot_variants

    for name, value in (("--logo-bp", logo_bp), ("--logo-by", logo_by)):
        if value is not None and not logo:
            raise click.UsageError(f"{name} has no effect without --logo: add it, or remove {name}")

    def chosen(*names: str) -> dict[str, Any]:
        return {name: settings[name] for name in names}

    summary = plot_variants(
        PlotSettings(
            PlotInputs(variants, **chosen("fasta", "cache", "gtf", "transcripts")),
            PlotOutput(**chosen("out", "overwrite")),
            PageSettings(
                logo_bp=(logo_bp or DEFAULT_LOGO_BP) if logo else None,
                logo_by=logo_by or PageSettings.logo_by,
                **chosen("span_bp", "top", "width_mm"),
            ),
            ScoringSettings(
                views=ViewSettings(reverse_complement, shifts, IndelPolicy(indels)),
                **chosen("model", "head", "track_table", "tracks", "placement"),
            ),
            ComputeSettings(**chosen("engine", "precision", "device", "batch_size")),
            quiet=quiet,
        )
    )
    tell(str(summary), quiet=quiet)
