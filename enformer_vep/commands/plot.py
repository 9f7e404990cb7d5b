"""`plot`: pictures of both alleles of variants."""

from typing import Any

import click
import cloup

from enformer_vep.commands.console import pick, pick_views, set_up_logging, tell, with_options
from enformer_vep.run.plot.settings import (
    DEFAULT_LOGO_BP,
    LogoBy,
    PageSettings,
    PlotInputs,
    PlotOutput,
    PlotSettings,
)
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

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
@with_options("plot")
@click.pass_obj
def plot(
    command: str,
    /,
    variants: tuple[str, ...],
    logo: bool,
    logo_bp: int | None,
    logo_by: LogoBy | None,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Draw the predicted tracks of both alleles of each VARIANT.

    Each track has the profiles of REF and ALT over each other, and below them the difference. Genes and sequence logos
    can be added. Variants that cannot be predicted are named with the reason. Needs the extra 'plots'.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.plot.course import plot_variants

    for name, value in (("--logo-bp", logo_bp), ("--logo-by", logo_by)):
        if value is not None and not logo:
            raise click.UsageError(f"{name} has no effect without --logo: add it, or remove {name}")

    summary = plot_variants(
        PlotSettings(
            PlotInputs(variants, **pick(settings, "fasta", "cache", "gtf", "transcripts")),
            PlotOutput(**pick(settings, "out", "overwrite")),
            PageSettings(
                logo_bp=(logo_bp or DEFAULT_LOGO_BP) if logo else None,
                logo_by=logo_by or PageSettings.logo_by,
                **pick(settings, "span_bp", "top", "width_mm"),
            ),
            ScoringSettings(
                views=pick_views(settings),
                **pick(settings, "model", "head", "track_table", "tracks", "placement"),
            ),
            ComputeSettings(**pick(settings, "engine", "precision", "device", "batch_size")),
            quiet=quiet,
        )
    )
    tell(str(summary), quiet=quiet)
