"""`background`: what scores are compared with for percentiles."""

from typing import Any

import click
import cloup

from enformer_vep.commands.console import set_up_logging, tell, with_options

BACKGROUND_EXAMPLES = """\b
Examples:
  enformer-vep background common.enformer.parquet -o common.background.parquet
  enformer-vep background --from-1000g 1000G.MAF_threshold=0.005.*.h5 --scale sum -f hg19.fa -o 1000g.background.parquet
"""


@cloup.command(epilog=BACKGROUND_EXAMPLES, short_help="Make a background for percentiles.")
@cloup.argument("scores", metavar="SCORES...", nargs=-1, required=True, help="Outputs of 'score' for common variants.")
@with_options("background")
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
        from enformer_vep.run.background.course import make_background

        result = make_background(scores, out, overwrite=overwrite)
    else:
        from enformer_vep.run.background.thousand_genomes import ThousandGenomesSettings, make_1000g_background

        result = make_1000g_background(ThousandGenomesSettings(scores, scale, fasta), out, overwrite=overwrite)
    tell(str(result), quiet=quiet)
