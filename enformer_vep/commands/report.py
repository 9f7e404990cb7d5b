"""`report`: a page that shows the results of a run."""

from typing import Any

import click
import cloup

from enformer_vep.commands.console import set_up_logging, tell, with_options
from enformer_vep.run.report.settings import ProfileSettings, ReportSettings

REPORT_EXAMPLES = """\b
Examples:
  enformer-vep report input.enformer.parquet -o report.html
  enformer-vep report input.enformer.parquet -o report.html -f hg38 -m enformer -g gencode.gtf.gz
  enformer-vep report input.enformer.parquet -o report.html --contributions variants.parquet
"""


@cloup.command(epilog=REPORT_EXAMPLES, short_help="Make a page that shows the results of 'score'.")
@cloup.argument("scores", help="Output of 'score'.")
@with_options("report")
def report(
    scores: str,
    out: str,
    statistic: str | None,
    top: int,
    gtf: str | None,
    saturations: tuple[str, ...],
    contributions: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
    debug: bool,
    **profiles: Any,
) -> None:
    """Make a page of the results in SCORES: one file that any browser opens, without a network.

    It has a table of the alleles to sort and filter, plots, the strongest alleles in detail, and what was run and
    skipped. With -f and -m, the model predicts the profiles of REF and ALT around the strongest alleles. With what
    'saturate' or 'contributions' computed around them, it shows which bases matter.
    """
    set_up_logging(quiet=quiet)
    given = [name for name in ("fasta", "model") if profiles[name] is not None]
    if len(given) == 1:
        raise click.UsageError("profiles require both -f and -m", click.get_current_context())
    from enformer_vep.run.report.course import make_report

    chosen = ProfileSettings(**profiles) if given else None
    settings = ReportSettings(
        scores, out, statistic, top, chosen, gtf, saturations, contributions, overwrite=overwrite, quiet=quiet
    )
    tell(str(make_report(settings)), quiet=quiet)
