"""Options that several commands have, of one name and meaning in all of them."""

from collections.abc import Callable, Sequence
from typing import Any

import click
import cloup

from enformer_vep.commands import values
from enformer_vep.genome.indels import DEFAULT_INDEL_POLICY, IndelPolicy
from enformer_vep.inference.device import DEFAULT_GPU_BATCH_SIZE
from enformer_vep.io.genome.gene_choices import TRANSCRIPT_CHOICES
from enformer_vep.run.settings import ENGINES, ComputeSettings, GeneSettings, ScoringSettings

Decorator = Callable[[Any], Any]

REGIONS = cloup.argument(
    "regions",
    nargs=-1,
    required=True,
    metavar="REGION...",
    help="Regions (chr:start-end, 1-based, both ends included, or chr) or BED files.",
)

CACHE = cloup.option(
    "--cache",
    envvar="ENFORMER_VEP_CACHE",
    show_envvar=True,
    metavar="DIR",
    help="Folder of fetched weights, genomes and track tables.  [default: the user's cache folder]",
)

FASTA = cloup.option(
    "-f",
    "--fasta",
    envvar="ENFORMER_VEP_FASTA",
    show_envvar=True,
    metavar="FASTA",
    help="Reference genome: a file, plain or bgzipped, which is indexed on first use, or the name of a fetched "
    "genome, such as hg38.",
)

TRACK_TABLE = cloup.option(
    "--track-table",
    metavar="FILE",
    help="Table that names the tracks, such as targets_human.txt.  [default: the fetched one for the official "
    "weights, otherwise names are head and number]",
)

REVERSE_COMPLEMENT = cloup.option(
    "--reverse-complement",
    is_flag=True,
    help="Average the predictions of both strands, at twice the cost.",
)

SHIFTS = cloup.option(
    "--shifts",
    callback=values.SHIFTS,
    default="0",
    show_default=True,
    metavar="LIST",
    help="Average the predictions of windows in which the sequence is moved to the right by these numbers of bp, "
    "as in -1,0,1.",
)


def window(default: str) -> Decorator:
    """Returns --window of a command whose windows are placed like this by default."""
    return cloup.option(
        "--window",
        "placement",
        callback=values.PLACEMENT,
        default=default,
        show_default=True,
        metavar="PLACE",
        help="Placement of windows. centred: on each variant, as in the official code. grid: up to 127 bp to the left, "
        "so that neighbours share work. shared:BP: one window for all variants within BP of its centre.",
    )


INDELS = cloup.option(
    "--indels",
    type=click.Choice([policy.value for policy in IndelPolicy]),
    default=DEFAULT_INDEL_POLICY.value,
    show_default=True,
    help="How alleles that change the length are compared. left: in the official window, whose left flank stays in "
    "place. average: also with the right flank in place. stitch: each side of the variant with its own flank in "
    "place. tower: both flanks in place on the grid of bins, in one pass.",
)


def out(text: str, metavar: str = "OUT") -> Decorator:
    """Returns -o of a command that always writes to a file or folder; the text says of which kind."""
    return cloup.option("-o", "--out", required=True, metavar=metavar, help=text)


def at_most(name: str, default: int, text: str) -> Decorator:
    """Returns the option of a bound for a run's cost; the text ends the sentence 'Stop before the model runs if'."""
    return cloup.option(
        name,
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help=f"Stop before the model runs if {text}",
    )


def bins(what: str, centre: str, region: str) -> Decorator:
    """Returns --bins of a command: what these bins are for, what the centre is, and what a region's bins are."""
    return cloup.option(
        "--bins",
        callback=values.BINS,
        default="all",
        show_default=True,
        metavar="BINS",
        help=f"Bins {what}. all: the window's 896. centre:BP: those of BP bp around the {centre}. chr:start-end: those "
        f"that overlap a region{region}.",
    )


def precision(choices: Sequence[str], text: str) -> Decorator:
    """Returns --precision of a command that has these choices; the text says what they are for."""
    return cloup.option(
        "--precision",
        type=click.Choice(choices),
        default=ComputeSettings.precision,
        show_default=True,
        help=text,
    )


def engine(reusing: str, full: str) -> Decorator:
    """Returns --engine of a command, for which the engines do this."""
    return cloup.option(
        "--engine",
        type=click.Choice(ENGINES),
        default=ComputeSettings.engine,
        show_default=True,
        help=f"reusing: {reusing} full: {full}",
    )


TRANSCRIPTS = cloup.option(
    "--transcripts",
    type=click.Choice(TRANSCRIPT_CHOICES),
    default=GeneSettings.transcripts,
    show_default=True,
    help="Transcripts whose starts count, by the tags of GTF.",
)

DEVICE = cloup.option(
    "--device",
    callback=values.DEVICE,
    metavar="DEVICE",
    help="cpu, gpu or gpu:N.  [default: the first GPU if there is one, otherwise cpu]",
)

BATCH_SIZE = cloup.option(
    "--batch-size",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Sequences that a GPU runs at a time. A CPU runs one.  [default: {DEFAULT_GPU_BATCH_SIZE}]",
)

MODEL = cloup.option_group(
    "Model",
    cloup.option(
        "-m",
        "--model",
        default=ScoringSettings.model,
        envvar="ENFORMER_VEP_MODEL",
        show_envvar=True,
        show_default=True,
        metavar="MODEL",
        help="Checkpoint folder or prefix, SavedModel folder, .safetensors or PyTorch file, 'enformer' (the official "
        "weights) or 'demo' (a tiny model of a made-up genome).",
    ),
    cloup.option(
        "--head",
        default=ScoringSettings.head,
        show_default=True,
        metavar="HEAD",
        help="Head that predicts the tracks: human or mouse.",
    ),
)

QUIET = cloup.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors.")

DEBUG = cloup.option("--debug", is_flag=True, help="Print a traceback with an error.")

HELP = cloup.help_option("-h", "--help", help="Print this help and exit.")

GENERAL = cloup.option_group("General", QUIET, DEBUG, HELP)

DEBUGGING = cloup.option_group("General", DEBUG, HELP)

FORCE = cloup.option("--overwrite", is_flag=True, help="Overwrite existing files.")

REPLACE = cloup.option("--overwrite", is_flag=True, help="Replace the output of an earlier run.")

DISCARD = cloup.option("--overwrite", is_flag=True, help="Overwrite existing output, and discard an unfinished run.")
