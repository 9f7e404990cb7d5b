"""The command line: options to settings, settings to one call, errors to exit codes.

Nothing heavy is imported before a command runs, so that `--help` is instant.
"""

import logging
import os
import shlex
import shutil
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click
import cloup

from enformer_vep import __version__, options
from enformer_vep.errors import EnformerVepError
from enformer_vep.option_values import TRACKS

PROGRAM = "enformer-vep"
INTERRUPTED_EXIT_CODE = 130

SETTINGS = cloup.Context.settings(
    help_option_names=["-h", "--help"],
    show_subcommand_aliases=False,
    formatter_settings=cloup.HelpFormatter.settings(max_width=100, col1_max_width=28),
)


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
        message = " ".join(error.format_message().split()).rstrip(".")
        if isinstance(error, click.UsageError) and error.ctx and not message.endswith("?"):  # which is a suggestion
            message += f"; see '{error.ctx.command_path} --help'"
        return _fail(message, 2)
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


@cloup.group(context_settings=SETTINGS)
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Predict how variants change gene regulation, with Enformer.

    For every ALT allele of a VCF, 'score' reports how much each chromatin, transcription factor and expression track is
    expected to change. 'demo' shows it at work without weights or a genome.
    """


SCORE_EXAMPLES = """\b
Examples:
  enformer-vep score input.vcf -f hg38.fa --track-table targets_human.txt -o scores.parquet
  enformer-vep score input.vcf.gz -f hg38.fa --region chr7:5500000-5600000 --window grid --resume
"""


@cli.command(epilog=SCORE_EXAMPLES, short_help="Score every ALT allele of a VCF.")
@cloup.argument("vcf", metavar="VCF", help="Variants: VCF, bgzipped VCF, BCF, a list, or - for standard input.")
@options.INPUT
@options.OUTPUT
@options.PERCENTILES
@options.MODEL
@options.SELECTION
@options.VIEWS
@options.SPEED
@options.RESTARTING
@options.GENERAL
@click.pass_obj
def score(
    command: str,
    /,
    reverse_complement: bool,
    shifts: tuple[int, ...],
    indels: str,
    summary: bool,
    summary_only: bool,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Score every ALT allele of VCF.

    Besides OUT, this writes OUT.skipped.tsv, which lists alleles without a score and the reasons, OUT.run.json, which
    records the run, and for text output OUT.tracks.tsv, which describes the tracks. On a terminal, the last lines show
    the alleles with the largest effects.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.genome.indels import IndelPolicy
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.run.pipeline import score_vcf
    from enformer_vep.run.settings import ScoreSettings

    views = ViewSettings(reverse_complement, shifts, IndelPolicy(indels))
    kind = "only" if summary_only else "beside" if summary else "none"
    result = score_vcf(ScoreSettings.of(**settings, views=views, summary=kind, quiet=quiet, command=command))
    if not quiet:
        click.echo(f"{PROGRAM}: {result}", err=True)
        if sys.stderr.isatty():
            for line in result.strongest_lines(shutil.get_terminal_size().columns):
                click.echo(line, err=True)


TRACKS_EXAMPLES = """\b
Examples:
  enformer-vep tracks 'assay:CAGE,!/cell line/'
  enformer-vep tracks assay:CTCF --track-table targets_human.txt --tsv
"""


@cli.command(epilog=TRACKS_EXAMPLES, short_help="List the tracks that an expression chooses.")
@cloup.argument(
    "choice",
    metavar="[EXPR]",
    required=False,
    callback=TRACKS,
    help="Tracks, as for 'score --tracks': 0-9, ENCFF833POA, assay:NAME, /regular expression/, @FILE, !EXCLUDED.",
)
@options.LISTING
@options.MODEL
@options.GENERAL
def tracks(
    choice: Any,
    track_table: str | None,
    cache: str | None,
    tsv: bool,
    model: str,
    head: str,
    quiet: bool,
    debug: bool,
) -> None:
    """List the tracks that EXPR chooses, with assay, target and biosample; all without EXPR.

    On a terminal this is a table that fits it, otherwise tab-separated text with the whole descriptions.
    """
    from enformer_vep.run.track_listing import count_text, find_tracks, to_terminal, to_tsv

    known = find_tracks(head, model, track_table=track_table, cache=cache)
    chosen = known if choice is None else known.select(choice)
    click.echo(to_terminal(chosen) if sys.stdout.isatty() and not tsv else to_tsv(chosen), nl=False)
    if not quiet:
        click.echo(f"{PROGRAM}: {count_text(chosen, known)}", err=True)


MERGE_EXAMPLES = """\b
Examples:
  enformer-vep merge input.enformer.parquet input.enformer.*-of-100.parquet
  enformer-vep merge scores.tsv.gz shard1.tsv.gz shard2.tsv.gz --overwrite
"""


@cli.command(epilog=MERGE_EXAMPLES, short_help="Merge the outputs of shards.")
@cloup.argument("out", metavar="OUT", help="Output file, in the format of the parts.")
@cloup.argument("parts", metavar="PART...", nargs=-1, required=True, help="Outputs of all shards, in any order.")
@cloup.option_group("Output", options.FORCE)
@options.GENERAL
@click.pass_obj
def merge(command: str, /, out: str, parts: tuple[str, ...], overwrite: bool, quiet: bool, debug: bool) -> None:
    """Merge the outputs of 'score --shard K/N' into the output of a single run.

    Fails if a shard is missing or duplicated, or if shards belong to different runs.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.merge import merge_shards

    summary = merge_shards(out, parts, overwrite=overwrite, command=command)
    if not quiet:
        click.echo(f"{PROGRAM}: {summary}", err=True)


BACKGROUND_EXAMPLES = """\b
Examples:
  enformer-vep background common.enformer.parquet -o common.background.parquet
  enformer-vep background --from-1000g 1000G.MAF_threshold=0.005.*.h5 --scale sum -f hg19.fa -o 1000g.background.parquet
"""


@cli.command(epilog=BACKGROUND_EXAMPLES, short_help="Make a background for percentiles.")
@cloup.argument("scores", metavar="SCORES...", nargs=-1, required=True, help="Outputs of 'score' for common variants.")
@options.BACKGROUND_OUTPUT
@options.THOUSAND_GENOMES
@options.GENERAL
def background(
    scores: tuple[str, ...],
    out: str,
    overwrite: bool,
    from_1000g: bool,
    scale: Any,
    fasta: str | None,
    quiet: bool,
    debug: bool,
) -> None:
    """Make a background: how the scores of common variants are distributed, for each statistic and track.

    'score --background' then writes the percentile of every score among them.
    """
    set_up_logging(quiet=quiet)
    if not from_1000g:
        for name, value in (("--scale", scale), ("--fasta", fasta)):
            if value is not None:
                raise click.UsageError(f"{name} requires --from-1000g", click.get_current_context())
        from enformer_vep.run.background import make_background

        result = make_background(scores, out, overwrite=overwrite)
    else:
        from enformer_vep.run.thousand_genomes import ThousandGenomesSettings, make_1000g_background

        result = make_1000g_background(ThousandGenomesSettings(scores, scale, fasta), out, overwrite=overwrite)
    if not quiet:
        click.echo(f"{PROGRAM}: {result}", err=True)


DEMO_EXAMPLES = """\b
Examples:
  enformer-vep demo demo
  enformer-vep demo demo --overwrite --quiet
"""


@cli.command(epilog=DEMO_EXAMPLES, short_help="Show the tool at work on made-up data.")
@cloup.argument("directory", metavar="DIR", help="Folder for the demo's files. Created if it does not exist.")
@cloup.option_group("Output", options.FORCE)
@options.GENERAL
def demo(directory: str, overwrite: bool, quiet: bool, debug: bool) -> None:
    """Score made-up variants with a tiny model, and compare the scores with the truth.

    This needs no weights, no genome and no internet connection. The model was trained on made-up genomes with known
    rules. Its scores mean nothing biologically.
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
