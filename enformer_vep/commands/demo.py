"""`demo`: the tool at work on made-up data."""

import click
import cloup

from enformer_vep.commands.console import set_up_logging, with_options

DEMO_EXAMPLES = """\b
Examples:
  enformer-vep demo demo
  enformer-vep demo demo --overwrite --quiet
"""


@cloup.command(epilog=DEMO_EXAMPLES, short_help="Show the tool at work on made-up data.")
@cloup.argument("directory", metavar="DIR", help="Folder for the demo's files. Created if it does not exist.")
@with_options("demo")
def demo(directory: str, overwrite: bool, quiet: bool, debug: bool) -> None:
    """Score made-up variants with a tiny model, and compare the scores with the truth.

    This needs no weights, no genome and no internet connection. The model was trained on made-up genomes with known
    rules. Its scores mean nothing biologically.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.demo.run import run_demo

    run_demo(directory, overwrite=overwrite, quiet=quiet, echo=click.echo)
