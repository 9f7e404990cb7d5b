"""`merge`: the outputs of shards as one."""

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell

MERGE_EXAMPLES = """\b
Examples:
  enformer-vep merge input.enformer.parquet input.enformer.*-of-100.parquet
  enformer-vep merge scores.tsv.gz shard1.tsv.gz shard2.tsv.gz --overwrite
"""


@cloup.command(epilog=MERGE_EXAMPLES, short_help="Merge the outputs of shards.")
@cloup.argument("out", metavar="OUT", help="Output file, in the format of the parts.")
@cloup.argument("parts", metavar="PART...", nargs=-1, required=True, help="Outputs of all shards, in any order.")
@cloup.option_group("Output", options.FORCE)
@options.GENERAL
@click.pass_obj
def merge(command: str, /, out: str, parts: tuple[str, ...], overwrite: bool, quiet: bool, debug: bool) -> None:
    """Merge the outputs of 'score --shard K/N', or of 'saturate', into the output of a single run.

    Fails if a shard is missing or duplicated, or if shards belong to different runs.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.score.merge import merge_shards

    summary = merge_shards(out, parts, overwrite=overwrite, command=command)
    tell(summary, quiet=quiet)
