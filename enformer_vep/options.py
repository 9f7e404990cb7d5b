"""The options of `score`, in the groups in which its help shows them."""

import re

import click
import cloup


def parse_bytes(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Turns '256M' into 268,435,456."""
    match = re.fullmatch(r"(\d{1,15})([KMG]?)", value.upper())
    if match is None:
        raise click.BadParameter(f"{value!r} is not a size: expected bytes, or a number with K, M or G, as in 512M")
    return int(match[1]) * 1024 ** " KMG".index(match[2] or " ")


INPUT = cloup.option_group(
    "Input",
    cloup.option(
        "-f",
        "--fasta",
        required=True,
        envvar="ENFORMER_VEP_FASTA",
        show_envvar=True,
        metavar="FASTA",
        help="Reference genome, plain or bgzipped. Indexed on first use.",
    ),
    cloup.option(
        "--allow-mismatches",
        is_flag=True,
        help="Continue even if many REF alleles differ from FASTA, which suggests that it is of another assembly.",
    ),
    cloup.option("--strict", is_flag=True, help="Stop at the first allele that cannot be scored."),
)

OUTPUT = cloup.option_group(
    "Output",
    cloup.option(
        "-o",
        "--out",
        metavar="OUT",
        help="Output file: .parquet, .tsv or .tsv.gz, or - for text on standard output.  "
        "[default: the VCF's name with .MODEL.parquet]",
    ),
    cloup.option(
        "--stats",
        "statistics",
        default="SAD",
        show_default=True,
        metavar="LIST",
        help="Statistics to write, separated by commas: SAD (change in counts), SAR (sum of log ratios by bin), SADR "
        "(log ratio of totals).",
    ),
    cloup.option(
        "--tracks",
        metavar="LIST",
        help="Tracks to write, separated by commas: numbers from 0, ranges or identifiers, as in "
        "0-9,4799,ENCFF833POA.  [default: all]",
    ),
    cloup.option(
        "--track-table",
        metavar="FILE",
        help="Table that names the tracks, such as targets_human.txt.  [default: names are head and number]",
    ),
    cloup.option(
        "--layout",
        type=click.Choice(["wide", "list", "long"]),
        default="wide",
        show_default=True,
        help="wide: one column per statistic and track. list: one list column per statistic (Parquet only). long: one "
        "row per allele and track.",
    ),
    cloup.option(
        "--dtype",
        type=click.Choice(["float32", "float16"]),
        default="float32",
        show_default=True,
        help="Number format of the scores.",
    ),
    cloup.option("--overwrite", is_flag=True, help="Overwrite existing output, and discard an unfinished run."),
)

MODEL = cloup.option_group(
    "Model",
    cloup.option(
        "-m",
        "--model",
        default="enformer",
        envvar="ENFORMER_VEP_MODEL",
        show_envvar=True,
        show_default=True,
        metavar="MODEL",
        help="Checkpoint folder or prefix, SavedModel folder, 'enformer' (the official weights) or 'demo' (a tiny "
        "model of a made-up genome).",
    ),
    cloup.option(
        "--head",
        default="human",
        show_default=True,
        metavar="HEAD",
        help="Head that predicts the tracks: human or mouse.",
    ),
)

SELECTION = cloup.option_group(
    "Selection of variants",
    cloup.option(
        "--region",
        "regions",
        multiple=True,
        metavar="REGION",
        help="Only records in this region (chr:start-end or chr) or BED file. Can be repeated.",
    ),
    cloup.option("--pass-only", is_flag=True, help="Only records whose FILTER is PASS or missing."),
    cloup.option("--include-id", metavar="FILE", help="Only records with an ID that is listed in FILE, one per line."),
    cloup.option(
        "--shard", metavar="K/N", help="Only the K-th of N equal shares of the alleles. Join the outputs with 'merge'."
    ),
)

SPEED = cloup.option_group(
    "Speed and precision",
    cloup.option(
        "--window",
        default="centred",
        show_default=True,
        metavar="PLACE",
        help="Placement of windows. centred: on each variant, as in the official code. grid: up to 127 bp to the left, "
        "so that neighbours share work. shared:BP: one window for all variants within BP of its centre.",
    ),
    cloup.option(
        "--precision",
        type=click.Choice(["float32", "tf32", "mixed", "bfloat16"]),
        default="float32",
        show_default=True,
        help="mixed: alternate alleles as differences, with bfloat16 products; error about 1%. bfloat16: references "
        "too; about 5%. tf32 (GPU only): less exact than many effects.",
    ),
    cloup.option(
        "--engine",
        type=click.Choice(["reusing", "full"]),
        default="reusing",
        show_default=True,
        help="reusing: compute only what a variant changes. full: run both sequences through the whole model.",
    ),
    cloup.option(
        "--device", metavar="DEVICE", help="cpu, gpu or gpu:N.  [default: the first GPU if there is one, otherwise cpu]"
    ),
    cloup.option(
        "--batch-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Sequences that a GPU runs at a time. A CPU runs one.  [default: 4]",
    ),
    cloup.option(
        "--cache-size",
        "cache_bytes",
        callback=parse_bytes,
        default="128M",
        show_default=True,
        metavar="SIZE",
        help="Memory for results that windows share, in bytes or with K, M or G.",
    ),
    cloup.option(
        "--verify",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help="Score N alleles again with the full engine in float32, and fail if the results differ too much.",
    ),
    cloup.option(
        "--verify-tolerance",
        type=click.FloatRange(min=0),
        metavar="X",
        help="Largest accepted error, relative to the spread of an allele's scores.  [default: 0.01 for float32, 0.03 "
        "for mixed, 0.1 for bfloat16 and tf32]",
    ),
)

RESTARTING = cloup.option_group(
    "Restarting and progress",
    cloup.option("--resume", is_flag=True, help="Continue an interrupted run. Start a new one if there is none."),
    cloup.option(
        "--part-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Alleles after which finished work is saved.  [default: 20 on a CPU, 1000 on a GPU]",
    ),
    cloup.option("--log-json", metavar="FILE", help="Append the run's progress to FILE, as one JSON object per line."),
)

GENERAL = cloup.option_group(
    "General",
    cloup.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors."),
    cloup.option("--debug", is_flag=True, help="Print a traceback with an error."),
    cloup.help_option("-h", "--help", help="Print this help and exit."),
)

FORCE = cloup.option("--overwrite", is_flag=True, help="Overwrite existing files.")
