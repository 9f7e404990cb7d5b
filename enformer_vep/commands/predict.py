"""`predict`: the tracks of the reference over regions."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import TRACKS
from enformer_vep.run.predict_settings import (
    DEFAULT_MAX_WINDOWS,
    PREDICT_PRECISIONS,
    PredictOutput,
    PredictSettings,
    RegionSettings,
)
from enformer_vep.run.settings import ENGINES, ComputeSettings, ScoringSettings

PREDICT_INPUT = cloup.option_group(
    "Input",
    options.FASTA,
    options.CACHE,
    cloup.option(
        "--max-windows",
        type=click.IntRange(min=1),
        default=DEFAULT_MAX_WINDOWS,
        show_default=True,
        metavar="N",
        help="Stop before the model runs if the regions take more windows than this. A window predicts 114,688 bp.",
    ),
)

PREDICT_OUTPUT = cloup.option_group(
    "Output",
    cloup.option(
        "-o",
        "--out",
        required=True,
        metavar="OUT",
        help="Folder for one bigWig file per track, or a table of all tracks if the name ends in .parquet.",
    ),
    cloup.option(
        "--tracks",
        callback=TRACKS,
        metavar="EXPR",
        help="Tracks to write, as for 'score --tracks': numbers, ranges, identifiers, assay:NAME, /regular "
        "expression/, @FILE. Required for bigWig files.  [default for .parquet: all]",
    ),
    options.TRACK_TABLE,
    cloup.option("--overwrite", is_flag=True, help="Replace the output of an earlier run."),
)

STRANDS = cloup.option_group("Strands and shifts", options.REVERSE_COMPLEMENT, options.SHIFTS)

PREDICT_SPEED = cloup.option_group(
    "Speed and precision",
    cloup.option(
        "--precision",
        type=click.Choice(PREDICT_PRECISIONS),
        default=ComputeSettings.precision,
        show_default=True,
        help="tf32 (GPU only) is less exact.",
    ),
    cloup.option(
        "--engine",
        type=click.Choice(ENGINES),
        default=ComputeSettings.engine,
        show_default=True,
        help="reusing: compute only once what neighbouring windows share. full: run each window through the "
        "whole model.",
    ),
    options.DEVICE,
    options.BATCH_SIZE,
)

PREDICT_EXAMPLES = """\b
Examples:
  enformer-vep predict chr7:5500000-5600000 -f hg38 --tracks assay:CAGE,ENCFF833POA -o actb
  enformer-vep predict peaks.bed -f hg38 --tracks assay:DNASE -o peaks.parquet
"""


@cloup.command(epilog=PREDICT_EXAMPLES, short_help="Predict the tracks of the reference over regions.")
@options.REGIONS
@PREDICT_INPUT
@PREDICT_OUTPUT
@options.MODEL
@STRANDS
@PREDICT_SPEED
@options.GENERAL
@click.pass_obj
def predict(
    command: str,
    /,
    regions: tuple[str, ...],
    reverse_complement: bool,
    shifts: tuple[int, ...],
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Predict the tracks of the reference genome over each REGION.

    Every bin of 128 bp that overlaps a region gets the model's prediction. Windows lie on a fixed lattice, so that a
    bin's prediction does not depend on the regions. OUT has one bigWig file per track, tracks.tsv, which describes the
    tracks, and run.json, which records the run; or it is a Parquet table with one column per track.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.run.predict import predict_regions

    def chosen(*names: str) -> dict[str, Any]:
        return {name: settings[name] for name in names}

    views = ViewSettings(reverse_complement, shifts)
    summary = predict_regions(
        PredictSettings(
            RegionSettings(regions, **chosen("fasta", "cache", "max_windows")),
            PredictOutput(command=command, **chosen("out", "overwrite")),
            ScoringSettings(views=views, **chosen("model", "head", "track_table", "tracks")),
            ComputeSettings(**chosen("engine", "precision", "device", "batch_size")),
            quiet=quiet,
        )
    )
    tell(str(summary), quiet=quiet)
