"""`predict`: the tracks of the reference over regions, or of both alleles of variants."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import TRACKS
from enformer_vep.genome.windows import Placement
from enformer_vep.run.predict.settings import (
    DEFAULT_MAX_WINDOWS,
    PREDICT_PRECISIONS,
    PredictInputSettings,
    PredictOutput,
    PredictSettings,
)
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

PREDICT_INPUT = cloup.option_group(
    "Input",
    options.FASTA,
    options.CACHE,
    cloup.option(
        "--vcf",
        "variants",
        multiple=True,
        metavar="VCF",
        help="Both alleles of variants instead of regions: a VCF, BCF or list, - for standard input, or a variant such "
        "as chr1:1000:A:G. Can be repeated.",
    ),
    options.at_most(
        "--max-windows",
        DEFAULT_MAX_WINDOWS,
        "more windows than this are needed. A window predicts 114,688 bp, and an allele takes two.",
    ),
)

PREDICT_OUTPUT = cloup.option_group(
    "Output",
    options.out(
        "Folder for one bigWig file per track, or a table of all tracks (.parquet), or a Zarr store (.zarr), by "
        "the name's ending."
    ),
    cloup.option(
        "--tracks",
        callback=TRACKS,
        metavar="EXPR",
        help="Tracks to write, as for 'score --tracks': numbers, ranges, identifiers, assay:NAME, /regular "
        "expression/, @FILE. Required for bigWig files.  [default for .parquet and .zarr: all]",
    ),
    options.TRACK_TABLE,
    options.REPLACE,
)

PREDICT_VIEWS = cloup.option_group(
    "Windows and strands",
    cloup.option(
        "--windows-per-bin",
        type=click.IntRange(min=1),
        default=PredictInputSettings.windows_per_bin,
        show_default=True,
        metavar="N",
        help="Average the predictions of N overlapping windows in each bin of a region, at N times the cost. N must "
        "divide 896.",
    ),
    options.window(str(Placement())),
    options.INDELS,
    options.REVERSE_COMPLEMENT,
    options.SHIFTS,
)

PREDICT_SPEED = cloup.option_group(
    "Speed and precision",
    options.precision(PREDICT_PRECISIONS, "tf32 (GPU only) is less exact."),
    options.engine(
        "compute only once what windows share, and what a variant changes.",
        "run each sequence through the whole model.",
    ),
    options.DEVICE,
    options.BATCH_SIZE,
)

PREDICT_EXAMPLES = """\b
Examples:
  enformer-vep predict chr7:5500000-5600000 -f hg38 --tracks assay:CAGE,ENCFF833POA -o actb
  enformer-vep predict --vcf chr7:5530600:A:G -f hg38 --tracks assay:CAGE -o variant
"""


@cloup.command(epilog=PREDICT_EXAMPLES, short_help="Predict the tracks of regions, or of both alleles of variants.")
@cloup.argument(
    "regions",
    nargs=-1,
    metavar="[REGION...]",
    help="Regions (chr:start-end, 1-based, both ends included, or chr) or BED files.",
)
@PREDICT_INPUT
@PREDICT_OUTPUT
@options.MODEL
@PREDICT_VIEWS
@PREDICT_SPEED
@options.GENERAL
@click.pass_obj
def predict(
    command: str,
    /,
    regions: tuple[str, ...],
    variants: tuple[str, ...],
    reverse_complement: bool,
    shifts: tuple[int, ...],
    indels: str,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Predict the tracks of the reference genome over each REGION, or of both alleles of the variants of --vcf.

    Every bin of 128 bp that overlaps a region gets the model's prediction. Windows lie on a fixed lattice, so that a
    bin's prediction does not depend on the regions. OUT has one bigWig file per track, tracks.tsv, which describes the
    tracks, and run.json, which records the run; or it is a Parquet table with one column per track, or a Zarr store.

    With --vcf, each allele has its own window. OUT has a folder for each with three bigWig files per track: the
    reference's prediction (.ref.bw), the alternate's (.alt.bw) and the second less the first (.diff.bw). alleles.tsv
    lists all alleles, with their folders or the reasons why they were skipped.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.genome.indels import IndelPolicy
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.run.predict.regions import predict_regions
    from enformer_vep.run.predict.variants import predict_variants

    def chosen(*names: str) -> dict[str, Any]:
        return {name: settings[name] for name in names}

    views = ViewSettings(reverse_complement, shifts, IndelPolicy(indels))
    of_run = PredictSettings(
        PredictInputSettings(regions, variants, **chosen("fasta", "cache", "max_windows", "windows_per_bin")),
        PredictOutput(command=command, **chosen("out", "overwrite")),
        ScoringSettings(views=views, **chosen("model", "head", "track_table", "tracks", "placement")),
        ComputeSettings(**chosen("engine", "precision", "device", "batch_size")),
        quiet=quiet,
    )
    summary = predict_variants(of_run) if variants else predict_regions(of_run)
    tell(str(summary), quiet=quiet)
