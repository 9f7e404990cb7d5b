"""The command line: options to settings, settings to one call, errors to exit codes.

Nothing but click is imported before a command runs, so that `--help` is instant.
"""

import logging
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from enformer_vep import __version__
from enformer_vep.errors import EnformerVepError

PROGRAM = "enformer-vep"
INTERRUPTED_EXIT_CODE = 130

Command = TypeVar("Command", bound=Callable[..., Any])


def parse_bytes(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Turns '256M' into 268,435,456."""
    match = re.fullmatch(r"(\d{1,15})([KMG]?)", value.upper())
    if match is None:
        raise click.BadParameter(f"{value!r} is no size: expected bytes, or a number with K, M or G, as in 512M")
    return int(match[1]) * 1024 ** " KMG".index(match[2] or " ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 0 done, 1 failed, 2 unusable command or input."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cli.main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=shlex.join([PROGRAM, *arguments]))
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        hint = f"; see '{error.ctx.command_path} --help'" if isinstance(error, click.UsageError) and error.ctx else ""
        return _fail(" ".join(error.format_message().split()).rstrip(".") + hint, 2)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it exits
        return 1  # whoever read standard output has gone, and sees no message
    except EnformerVepError as error:
        if "--debug" in arguments:
            traceback.print_exc()
        return _fail(str(error), error.exit_code)
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        reason = " ".join(str(error).split())[:300]
        return _fail(f"unexpected {type(error).__name__}: {reason} (--debug shows where)", 1)


def _fail(message: str, exit_code: int) -> int:
    click.echo(f"{PROGRAM}: error: {message}", err=True)
    return exit_code


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Score genetic variants with Enformer: how much each epigenome and expression track is expected to change.

    'enformer-vep demo DIR' shows it at work on a machine that has neither weights nor a genome.
    """


def common_options(command: Command) -> Command:
    """Adds the options that every command has."""
    command = click.option("--debug", is_flag=True, help="Show where in the program an error arose.")(command)
    return click.option("-q", "--quiet", is_flag=True, help="Only errors and warnings on standard error.")(command)


@cli.command()
@click.argument("vcf", metavar="VCF")
@click.option(
    "-f",
    "--fasta",
    required=True,
    envvar="ENFORMER_VEP_FASTA",
    show_envvar=True,
    metavar="FASTA",
    help="Reference genome, plain or bgzipped; indexed on first use.",
)
@click.option(
    "-o",
    "--out",
    metavar="OUT",
    help="Where the scores go: .parquet, .tsv or .tsv.gz, or - for text on standard output.  "
    "[default: the VCF's name with .MODEL.parquet]",
)
@click.option(
    "-m",
    "--model",
    default="enformer",
    envvar="ENFORMER_VEP_MODEL",
    show_envvar=True,
    show_default=True,
    metavar="MODEL",
    help="Folder or prefix of a checkpoint, folder of a SavedModel, or a name: 'enformer' (the official weights) or "
    "'demo' (tiny, of a made-up world, means nothing biologically).",
)
@click.option("--head", default="human", show_default=True, metavar="HEAD", help="human or mouse.")
@click.option(
    "--stats", "statistics", default="SAD", show_default=True, metavar="LIST", help="Of SAD, SAR, SADR, by commas."
)
@click.option(
    "--track-table",
    metavar="FILE",
    help="Published table that names the head's tracks.  [default: names by head and number]",
)
@click.option(
    "--tracks",
    metavar="LIST",
    help="Tracks to write: numbers from 0, ranges and identifiers, as in 0-9,4799,ENCFF833POA.  [default: all]",
)
@click.option(
    "--layout",
    type=click.Choice(["wide", "list", "long"]),
    default="wide",
    show_default=True,
    help="wide: a column for each statistic and track; list: a list of tracks for each statistic (Parquet); long: a "
    "row for each allele and track.",
)
@click.option(
    "--dtype", type=click.Choice(["float32", "float16"]), default="float32", show_default=True, help="Of the scores."
)
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="Only records in chr:start-end, or in the intervals of a BED file; may be repeated.",
)
@click.option("--pass-only", is_flag=True, help="Only records whose FILTER is PASS or missing.")
@click.option("--include-id", metavar="FILE", help="Only records with one of the IDs in FILE, one a line.")
@click.option("--shard", metavar="K/N", help="Only the K-th of N equal shares of the alleles; see merge.")
@click.option("--strict", is_flag=True, help="Stop at the first allele that cannot be scored.")
@click.option("--allow-mismatches", is_flag=True, help="Go on although REF of many alleles is not what FASTA has.")
@click.option("--resume", is_flag=True, help="Go on from the finished parts of a run that was stopped or died.")
@click.option(
    "--part-size",
    type=click.IntRange(min=1),
    metavar="N",
    help="Alleles of a part, which is what a death of the run costs at most.  [default: 20 on CPU, 1000 on GPU]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    metavar="N",
    help="Sequences run through the model at a time.  [default: 1 on CPU, 4 on GPU]",
)
@click.option(
    "--device", metavar="DEVICE", help="cpu, gpu or gpu:1.  [default: the first GPU if there is one, else cpu]"
)
@click.option(
    "--engine",
    type=click.Choice(["reusing", "full"]),
    default="reusing",
    show_default=True,
    help="reusing computes what a variant changes and keeps what variants share; full runs both alleles whole.",
)
@click.option(
    "--window",
    default="centred",
    show_default=True,
    metavar="PLACE",
    help="Where windows lie: centred on each variant, as the official code has it; grid, moved to a common grid of "
    "bins; shared:BP, one window for all variants within BP of its centre.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "tf32", "mixed", "bfloat16"]),
    default="float32",
    show_default=True,
    help="float32; mixed: alternates as differences, with bfloat16 products; bfloat16: references in bfloat16 too; "
    "tf32 (GPU): every product rounded, which is less exact than many variants' effects.",
)
@click.option(
    "--cache-size",
    "cache_bytes",
    callback=parse_bytes,
    default="128M",
    show_default=True,
    metavar="SIZE",
    help="Memory for what reference windows share.",
)
@click.option(
    "--verify",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Score N of the alleles again with the full engine in float32, and fail if they differ too much.",
)
@click.option(
    "--verify-tolerance",
    type=click.FloatRange(min=0),
    metavar="X",
    help="Largest error of a verified allele, relative to the spread of its scores.  [default: 0.01 in float32, 0.1 in "
    "tf32, 0.03 in mixed, 0.1 in bfloat16]",
)
@click.option("--overwrite", is_flag=True, help="Replace output files that exist.")
@click.option(
    "--log-json", metavar="FILE", help="Add the run's progress to FILE for other programs, a JSON object a line."
)
@common_options
@click.pass_obj
def score(command: str, /, quiet: bool, debug: bool, **settings: Any) -> None:
    """Score every ALT allele of VCF (plain, bgzipped, BCF, or - for standard input).

    Beside OUT stand OUT.skipped.tsv, with every allele that could not be scored and why, OUT.run.json, which records
    the run, and with text OUT.tracks.tsv, which describes the tracks.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.pipeline import score_vcf
    from enformer_vep.settings import ScoreSettings

    summary = score_vcf(ScoreSettings(**settings, quiet=quiet, command=command))
    if not quiet:
        click.echo(f"{PROGRAM}: {summary}", err=True)


@cli.command()
@click.argument("out", metavar="OUT")
@click.argument("parts", metavar="PART...", nargs=-1, required=True)
@click.option("--overwrite", is_flag=True, help="Replace output files that exist.")
@common_options
@click.pass_obj
def merge(command: str, /, out: str, parts: tuple[str, ...], overwrite: bool, quiet: bool, debug: bool) -> None:
    """Join the outputs PART... of 'score --shard K/N' to OUT, as a single run would have written it.

    Parts that are missing, double, or of different runs are refused.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.merge import merge_shards

    summary = merge_shards(out, parts, overwrite=overwrite, command=command)
    if not quiet:
        click.echo(f"{PROGRAM}: {summary}", err=True)


@cli.command()
@click.argument("directory", metavar="DIR")
@click.option("--overwrite", is_flag=True, help="Replace files of an earlier demo.")
@common_options
def demo(directory: str, overwrite: bool, quiet: bool, debug: bool) -> None:
    """Make up a genome and variants in DIR, score them with the demo model, and compare with the truth.

    Needs no weights, no genome and no internet. The demo model was trained on a made-up world whose rules are known:
    it means nothing biologically.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.demo.run import run_demo

    run_demo(directory, overwrite=overwrite, quiet=quiet, echo=click.echo)


def set_up_logging(*, quiet: bool) -> None:
    """Sends the library's notices to standard error; only warnings if quiet."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{PROGRAM}: %(message)s"))
    logger = logging.getLogger("enformer_vep")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
