"""The command line: options to settings, settings to one call, errors to exit codes.

Nothing heavy is imported before a command runs, so that `--help` is instant.
"""

import os
import shlex
import sys
import traceback
from collections.abc import Sequence

import click
import cloup

from enformer_vep import __version__
from enformer_vep.commands import (
    annotate,
    background,
    components,
    demo,
    explain,
    fetch,
    plot,
    predict,
    report,
    score,
    tracks,
    weights,
)
from enformer_vep.commands.console import PROGRAM
from enformer_vep.errors import EnformerVepError

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
    expected to change, and 'annotate' writes it into the VCF. 'predict' writes the tracks themselves, and 'plot' draws
    both alleles of variants. 'saturate' and 'contributions' say which bases matter. 'fetch' gets the weights and a
    genome for all of these. 'demo' shows scores at work without either. 'model' says what a weights file is.
    """


for command in (
    score.score,
    predict.predict,
    plot.plot,
    explain.saturate,
    explain.derive,
    explain.contributions,
    report.report,
    score.merge,
    annotate.annotate,
    tracks.tracks,
    background.background,
    components.components,
    components.convert_transform,
    fetch.fetch,
    weights.model,
    weights.convert,
    demo.demo,
):
    cli.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
