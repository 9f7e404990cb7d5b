"""`contributions`: what every base contributes to a prediction, by gradients."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import TRACKS
from enformer_vep.run.explain.contribution_settings import (
    DEFAULT_MAX_GRADIENTS,
    DEFAULT_VARIANT_BP,
    MEANS_BY,
    ContributionOutput,
    ContributionSettings,
    ExplainedSettings,
    MethodSettings,
)
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

INPUT = cloup.option_group(
    "Input",
    options.FASTA,
    options.CACHE,
    cloup.option(
        "--width",
        "width_bp",
        type=click.IntRange(min=1),
        metavar="BP",
        help="Bases to write around the middle of each region or around each variant; the window has 196,608.  "
        f"[default: the region's own; {DEFAULT_VARIANT_BP} around a variant]",
    ),
    options.at_most(
        "--max-gradients",
        DEFAULT_MAX_GRADIENTS,
        "this takes more gradients: one per sequence and track or mean, times "
        "--steps, and twice as many with --reverse-complement.",
    ),
)

OUTPUT = cloup.option_group(
    "Output",
    options.out("Folder for one bigWig file per track (regions only), or a table (.parquet), or arrays (.npz, .zarr)."),
    cloup.option(
        "--modisco",
        metavar="PREFIX",
        help="Also write PREFIX.ohe.npz and PREFIX.hypothetical.npz, which TF-MoDISco reads.",
    ),
    options.REPLACE,
)

EXPLAINED = cloup.option_group(
    "What is explained",
    cloup.option(
        "--tracks",
        callback=TRACKS,
        metavar="EXPR",
        help="Tracks to explain, as for 'score --tracks'. Required unless --mean-by is given, then all by default.",
    ),
    options.TRACK_TABLE,
    cloup.option(
        "--mean-by",
        type=click.Choice(MEANS_BY),
        default=MethodSettings.mean_by,
        show_default=True,
        help="track: each track by itself. group: the mean of the tracks of each assay. all: the mean of all tracks.",
    ),
    options.bins("whose predictions are added up", "middle", ", such as a promoter"),
    options.REVERSE_COMPLEMENT,
)

METHOD = cloup.option_group(
    "Method",
    cloup.option(
        "--steps",
        type=click.IntRange(min=1),
        metavar="N",
        help="Integrated gradients: the mean of N gradients on the way from all zeros to the sequence.  [default: the "
        "gradient at the sequence]",
    ),
    cloup.option(
        "--uncorrected",
        is_flag=True,
        help="Do not take the mean over the four letters from the gradient of each position, as in the Enformer "
        "notebook.",
    ),
    options.DEVICE,
)

EXAMPLES = """\b
Examples:
  enformer-vep contributions chr7:5529000-5531000 -f hg38 --tracks assay:CAGE --mean-by all -o actb
  enformer-vep contributions chr7:5530000:C:T -f hg38 --tracks ENCFF833POA -o variant.parquet
"""


@cloup.command(epilog=EXAMPLES, short_help="Find what every base contributes to a prediction, by gradients.")
@cloup.argument(
    "arguments",
    nargs=-1,
    required=True,
    metavar="REGION|VCF...",
    help="Regions (chr:start-end, 1-based, both ends included) or BED files (.bed); or variants (chr:pos:ref:alt) or "
    "files of them, as of 'score'.",
)
@INPUT
@OUTPUT
@options.MODEL
@EXPLAINED
@METHOD
@options.GENERAL
@click.pass_obj
def contributions(
    command: str,
    /,
    reverse_complement: bool,
    steps: int | None,
    uncorrected: bool,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Find what every base contributes to a prediction, by gradients.

    A gradient through the model says, at the price of about three passes, what each base of a window contributes to a
    track's prediction, and what every substitution is expected to change, to first order. The contributions are
    gradient times input, corrected as by Majdandzic et al. (2023). For a variant, those of both alleles are written.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.run.explain.contributions import compute_contributions

    def chosen(*names: str) -> dict[str, Any]:
        return {name: settings[name] for name in names}

    summary = compute_contributions(
        ContributionSettings(
            ExplainedSettings(**chosen("arguments", "fasta", "cache", "width_bp", "max_gradients")),
            ContributionOutput(command=command, **chosen("out", "modisco", "overwrite")),
            MethodSettings(settings["mean_by"], steps or 0, not uncorrected),
            ScoringSettings(
                views=ViewSettings(reverse_complement), **chosen("model", "head", "track_table", "tracks", "bins")
            ),
            ComputeSettings(**chosen("device")),
            quiet=quiet,
        )
    )
    tell(str(summary), quiet=quiet)
