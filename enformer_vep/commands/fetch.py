"""`fetch`: weights, track tables and genomes into the cache folder."""

import click
import cloup

from enformer_vep.commands.console import PROGRAM, set_up_logging, with_options
from enformer_vep.fetch.remote import Source

FETCH_EXAMPLES = """\b
Examples:
  enformer-vep fetch weights tracks genome hg38
  enformer-vep fetch weights genome mm10 --plan
"""


@cloup.command(epilog=FETCH_EXAMPLES, short_help="Fetch weights, track tables and genomes.")
@cloup.argument(
    "what",
    metavar="WHAT...",
    nargs=-1,
    required=True,
    help="weights, tracks, or genome and a name, such as genome hg38.",
)
@with_options("fetch")
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
    from enformer_vep.fetch.fetching import FetchSettings, fetch, parse_words, plan
    from enformer_vep.run.weights import check_official_weights

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
