"""`saturate`: the effect of every change of a region."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options, score_options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import STATISTIC
from enformer_vep.run.explain.saturate_settings import (
    DEFAULT_MAX_ALLELES,
    DEFAULT_WINDOW,
    MAX_DELETION_BP,
    SaturateSettings,
)
from enformer_vep.run.settings import DEFAULT_STATISTICS

CHANGES = cloup.option_group(
    "Changes",
    cloup.option(
        "--deletions",
        "max_deletion_bp",
        type=click.IntRange(0, MAX_DELETION_BP),
        default=SaturateSettings.max_deletion_bp,
        show_default=True,
        metavar="N",
        help="Also every deletion of 1 to N bp.",
    ),
    options.at_most("--max-alleles", DEFAULT_MAX_ALLELES, "there are more alleles than this. Each base has three."),
    score_options.SHARE,
)

INPUT = cloup.option_group("Input", options.FASTA, options.CACHE)

OUTPUT = cloup.option_group(
    "Output",
    options.out("Output: .parquet (a row per allele), or arrays of bases, letters and tracks as .npz or .zarr."),
    cloup.option(
        "--stat",
        "statistic",
        callback=STATISTIC,
        default=DEFAULT_STATISTICS,
        show_default=True,
        metavar="STAT",
        help=f"Statistic to write: {score_options.EFFECTS}. {score_options.EXPLAINED}",
    ),
    score_options.CHOSEN_TRACKS,
    options.TRACK_TABLE,
    options.DISCARD,
)

VIEWS = cloup.option_group("Windows, bins and strands", *score_options.views(DEFAULT_WINDOW))

SATURATE_EXAMPLES = """\b
Examples:
  enformer-vep saturate chr7:5530500-5530699 -f hg38 --tracks assay:CAGE -o actb.parquet
  enformer-vep saturate peaks.bed -f hg38 --tracks assay:DNASE --precision mixed -o peaks.zarr --resume
"""


@cloup.command(epilog=SATURATE_EXAMPLES, short_help="Score every change of the bases of regions.")
@options.REGIONS
@INPUT
@CHANGES
@OUTPUT
@options.MODEL
@VIEWS
@score_options.SPEED
@score_options.RESTARTING
@options.GENERAL
@click.pass_obj
def saturate(
    command: str,
    /,
    regions: tuple[str, ...],
    max_deletion_bp: int,
    max_alleles: int,
    statistic: str,
    reverse_complement: bool,
    shifts: tuple[int, ...],
    indels: str,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Score every substitution of the bases of each REGION, and every short deletion if asked for.

    The scores are those that 'score' gives the same alleles with the same options; here neighbouring bases share a
    window by default. OUT.skipped.tsv and OUT.run.json are written too. 'derive' makes mean-centred effects,
    bigWig files of each base's importance and the input of TF-MoDISco from OUT, without the model.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.genome.indels import IndelPolicy
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.run.explain.saturate import saturate_regions
    from enformer_vep.run.settings import ScoreSettings
    from enformer_vep.scoring import parse_statistics

    views = ViewSettings(reverse_complement, shifts, IndelPolicy(indels))
    chosen = {**settings, "statistics": parse_statistics(statistic), "views": views, "quiet": quiet, "command": command}
    summary = saturate_regions(
        SaturateSettings(regions, max_deletion_bp, max_alleles), ScoreSettings.of(vcf="", **chosen)
    )
    tell(str(summary), quiet=quiet)
