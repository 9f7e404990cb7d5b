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
from enformer_vep.fetch.remote import Source
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
    expected to change. 'fetch' gets the weights and a genome for it. 'demo' shows it at work without either. 'model'
    says what a weights file is.
    """


SCORE_EXAMPLES = """\b
Examples:
  enformer-vep score input.vcf -f hg38 -o scores.parquet
  enformer-vep score input.vcf.gz -f hg38 --region chr7:5500000-5600000 --window grid --resume
"""


@cli.command(epilog=SCORE_EXAMPLES, short_help="Score every ALT allele of a VCF.")
@cloup.argument("vcf", metavar="VCF", help="Variants: VCF, bgzipped VCF, BCF, a list, or - for standard input.")
@options.INPUT
@options.OUTPUT
@options.MODEL
@options.SELECTION
@options.VIEWS
@options.GENES
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
    records the run, and for text output OUT.tracks.tsv, which describes the tracks. With -g, OUT.genes.parquet or .tsv
    has the genes in reach of each allele. On a terminal, the last lines show the alleles with the largest effects.
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


FETCH_EXAMPLES = """\b
Examples:
  enformer-vep fetch weights tracks genome hg38
  enformer-vep fetch weights genome mm10 --plan
"""


@cli.command(epilog=FETCH_EXAMPLES, short_help="Fetch weights, track tables and genomes.")
@cloup.argument(
    "what",
    metavar="WHAT...",
    nargs=-1,
    required=True,
    help="weights, tracks, or genome and a name, such as genome hg38.",
)
@options.FETCH
@options.GENERAL
def fetch(
    what: tuple[str, ...],
    cache: str | None,
    mirror: str | None,
    source: Source,
    is_plan: bool,
    force: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Fetch what 'score' needs into one folder, where every command finds it.

    weights are the official weights (1.0 GB), and tracks the tables that name the tracks of both heads. Genomes are
    hg38, hg19, mm10, mm39 and hs1 (T2T-CHM13, also chm13); each takes 1 GB, and twice that while it is fetched.

    Everything is checked as it arrives. A download that breaks off continues where it was when the command is repeated.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.errors import UnreachableError
    from enformer_vep.fetch.cache import Cache
    from enformer_vep.fetch.fetching import FetchSettings, fetch, parse_words
    from enformer_vep.fetch.plan import plan
    from enformer_vep.run.official_weights import check_official_weights

    settings = FetchSettings(parse_words(what), Cache.at(cache), mirror, source, force, quiet)
    if is_plan:
        click.echo(plan(settings.items, settings.cache, mirror=mirror, source=source))
        return
    try:
        places = fetch(settings, check_official_weights)
    except UnreachableError:
        click.echo(plan(settings.items, settings.cache, mirror=mirror, source=source), err=True)
        raise
    if not quiet:
        for item, place in zip(settings.items, places, strict=True):
            click.echo(f"{PROGRAM}: {item.name}: {place}", err=True)


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


MODEL_EXAMPLES = """\b
Examples:
  enformer-vep model enformer
  enformer-vep model pytorch_model.bin --json
"""


@cli.command(epilog=MODEL_EXAMPLES, short_help="Say what a weights file is.")
@cloup.argument("model", metavar="MODEL", help="Weights, as for 'score --model'.")
@cloup.option_group("Input", options.CACHE)
@cloup.option_group("Output", cloup.option("--json", "as_json", is_flag=True, help="Print JSON, with all names."))
@options.DEBUGGING
def model(model: str, cache: str | None, as_json: bool, debug: bool) -> None:
    """Say what a weights file is: its format and sizes, and whether the weights are the published ones.

    Reads the index or header only, where the format stores checksums there. Also works on files that cannot be used,
    and then says why: which tensors are missing, foreign or of another shape.
    """
    set_up_logging(quiet=False)
    import json

    from enformer_vep.run.model_report import report_model

    report = report_model(model, cache)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else str(report))


CONVERT_EXAMPLES = """\b
Examples:
  enformer-vep convert enformer enformer.safetensors
  enformer-vep convert my_finetuned_state.pt mine.safetensors
"""


@cli.command(epilog=CONVERT_EXAMPLES, short_help="Convert weights to a file that loads fast.")
@cloup.argument("model", metavar="SRC", help="Weights, as for 'score --model'.")
@cloup.argument("out", metavar="DST", help="File to write. Its name ends in .safetensors.")
@cloup.option_group("Input", options.CACHE)
@cloup.option_group("Output", options.FORCE)
@options.GENERAL
def convert(model: str, out: str, cache: str | None, overwrite: bool, quiet: bool, debug: bool) -> None:
    """Convert weights to one safetensors file, which loads fast and whose memory processes share.

    SRC is a TensorFlow checkpoint, a SavedModel, a file of this kind, or the state of an enformer-pytorch model. Heads
    of any names and numbers of tracks are kept. Each tensor is checked.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.conversion import convert_model

    summary = convert_model(model, out, overwrite=overwrite, cache=cache)
    if not quiet:
        click.echo(f"{PROGRAM}: wrote {summary}", err=True)


COMPONENTS_EXAMPLES = """\b
Examples:
  enformer-vep components background.parquet --fit transform.npz -o background.components.parquet
  enformer-vep components scores.parquet --transform transform.npz -o components.tsv
"""


@cli.command(epilog=COMPONENTS_EXAMPLES, short_help="Reduce scores to principal components.")
@cloup.argument("scores", metavar="SCORES", help="Output of 'score': Parquet or text, layout wide or list.")
@options.COMPONENTS
@options.GENERAL
@click.pass_obj
def components(
    command: str,
    /,
    scores: str,
    out: str,
    transform: str | None,
    fit: str | None,
    num: int,
    statistic: str | None,
    overwrite: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Reduce the scores of all tracks to a few principal components, PC0, PC1 and so on.

    The components come from a transform: robust scaling of each track, principal components, robust scaling of these.
    Fit one to the scores of a background of many variants, or convert DeepMind's with 'convert-transform'.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.components import ComponentSettings, write_components

    if (transform is None) == (fit is None):
        raise click.UsageError("expected either --transform FILE or --fit FILE")
    settings = ComponentSettings(
        scores, out, transform or fit or "", fit is not None, num, statistic, overwrite, command
    )
    summary = write_components(settings)
    if not quiet:
        click.echo(f"{PROGRAM}: {summary}", err=True)


CONVERT_TRANSFORM_EXAMPLES = """\b
Examples:
  enformer-vep convert-transform transform.pkl transform.npz --trust-pickle --track-table targets_human.txt
"""


@cli.command(epilog=CONVERT_TRANSFORM_EXAMPLES, short_help="Convert a pickled transform for 'components'.")
@cloup.argument("pickle", metavar="PICKLE", help="Pipeline of scikit-learn, written by joblib.")
@cloup.argument("out", metavar="DST", help="File to write. Its name ends in .npz.")
@options.TRANSFORM_CONVERSION
@options.GENERAL
def convert_transform(quiet: bool, debug: bool, **settings: Any) -> None:
    """Convert DeepMind's pickled transform to plain arrays, which 'components' reads.

    Unpickling runs code that PICKLE holds. It is done in a process of its own, and only with --trust-pickle: use it if
    you trust where the file comes from. No other command unpickles it.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.transform_conversion import ConversionSettings, convert_transform

    summary = convert_transform(ConversionSettings(**settings))
    if not quiet:
        click.echo(f"{PROGRAM}: wrote {summary}", err=True)


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
