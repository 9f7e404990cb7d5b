"""`report`: a page that shows the results of a run."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import STATISTIC
from enformer_vep.run.report.settings import DEFAULT_TOP, MAX_TOP, ProfileSettings, ReportSettings

REPORT_OUTPUT = cloup.option_group(
    "Output",
    cloup.option("-o", "--out", required=True, metavar="PAGE", help="The page, such as report.html."),
    cloup.option(
        "--stat",
        callback=STATISTIC,
        metavar="STAT",
        help="Statistic to show.  [default: the first of SADR and SAR that SCORES has, or its first]",
    ),
    cloup.option(
        "--top",
        type=click.IntRange(0, MAX_TOP),
        default=DEFAULT_TOP,
        show_default=True,
        metavar="N",
        help=f"Strongest alleles to show in detail, at most {MAX_TOP}.",
    ),
    options.FORCE,
)

REPORT_DETAILS = cloup.option_group(
    "Genes, and logos of the strongest alleles",
    cloup.option(
        "-g",
        "--gtf",
        metavar="GTF",
        help="Genes: the nearest one of each allele, if the run has no genes, and those below the profiles.",
    ),
    cloup.option(
        "--saturation",
        "saturations",
        multiple=True,
        metavar="SATURATION",
        help="Output of 'saturate': show a logo of each strongest allele in its regions. Can be repeated.",
    ),
    cloup.option(
        "--contributions",
        multiple=True,
        metavar="CONTRIBUTIONS",
        help="Output of 'contributions' (.parquet, .npz or .zarr): the same, of REF and ALT if it has both. Can be "
        "repeated.",
    ),
)

REPORT_PROFILES = cloup.option_group(
    "Profiles of the strongest alleles",
    cloup.option("-f", "--fasta", metavar="FASTA", help="The genome of the run: a file or a fetched genome."),
    cloup.option("-m", "--model", metavar="MODEL", help="The model of the run, as for 'score'."),
    options.DEVICE,
    options.CACHE,
)

REPORT_EXAMPLES = """\b
Examples:
  enformer-vep report input.enformer.parquet -o report.html
  enformer-vep report input.enformer.parquet -o report.html -f hg38 -m enformer -g gencode.gtf.gz
  enformer-vep report input.enformer.parquet -o report.html --contributions variants.parquet
"""


@cloup.command(epilog=REPORT_EXAMPLES, short_help="Make a page that shows the results of 'score'.")
@cloup.argument("scores", help="Output of 'score'.")
@REPORT_OUTPUT
@REPORT_DETAILS
@REPORT_PROFILES
@options.GENERAL
def report(
    scores: str,
    out: str,
    stat: Any,
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
        scores, out, stat, top, chosen, gtf, saturations, contributions, overwrite=overwrite, quiet=quiet
    )
    tell(str(make_report(settings)), quiet=quiet)
