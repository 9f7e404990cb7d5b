"""`tracks`: the tracks that an expression chooses."""

import sys
from typing import Any

import click
import cloup

from enformer_vep.commands.console import parsed, tell, with_options
from enformer_vep.options.scoring import TRACKS_KIND

TRACKS_EXAMPLES = """\b
Examples:
  enformer-vep tracks 'assay:CAGE,!/cell line/'
  enformer-vep tracks assay:CTCF --track-table targets_human.txt --tsv
"""


@cloup.command(epilog=TRACKS_EXAMPLES, short_help="List the tracks that an expression chooses.")
@cloup.argument(
    "choice",
    metavar="[EXPR]",
    required=False,
    callback=parsed(TRACKS_KIND),
    help="Tracks, as for 'score --tracks': 0-9, ENCFF833POA, assay:NAME, /regular expression/, @FILE, !EXCLUDED.",
)
@with_options("tracks")
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
    tell(count_text(chosen, known), quiet=quiet)
