"""`annotate`: scores as INFO of a VCF."""

import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import STATISTIC, TRACKS

OUTPUT = cloup.option_group(
    "Output",
    cloup.option(
        "-o",
        "--out",
        required=True,
        metavar="OUT",
        help="VCF to write: .vcf, .vcf.gz (bgzip) or .bcf. A sorted .vcf.gz or .bcf gets an index beside it.",
    ),
    cloup.option(
        "--stat",
        "statistic",
        callback=STATISTIC,
        metavar="NAME",
        help="Statistic to write, of those of SCORES.  [default: the first one]",
    ),
    cloup.option(
        "--info",
        callback=TRACKS,
        metavar="EXPR",
        help="Tracks that also get a field of their own, with a number for each ALT allele: numbers, ranges, "
        "identifiers, assay:NAME, /regular expression/, @FILE, as for 'score --tracks'.",
    ),
    options.FORCE,
)

ANNOTATE_EXAMPLES = """\b
Examples:
  enformer-vep annotate input.vcf.gz input.enformer.parquet -o annotated.vcf.gz
  enformer-vep annotate input.vcf.gz input.enformer.parquet --info assay:CAGE -o annotated.bcf
"""


@cloup.command(epilog=ANNOTATE_EXAMPLES, short_help="Write scores into the INFO of the VCF.")
@cloup.argument("vcf", metavar="VCF", help="The VCF or BCF that was scored.")
@cloup.argument("scores", metavar="SCORES", help="Output of 'score' for it: scores or summary, Parquet or text.")
@OUTPUT
@options.GENERAL
def annotate(
    vcf: str,
    scores: str,
    out: str,
    statistic: str | None,
    info: object,
    overwrite: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Write the scores of the alleles of VCF into its INFO.

    The field ENFORMER has an entry for each ALT allele: whether it was scored, or why not; the gene in reach; and for
    each group of tracks the strongest track, its score and percentile. Everything else of VCF stays as it is.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.annotate import AnnotateSettings, annotate_vcf

    summary = annotate_vcf(AnnotateSettings(vcf, scores, out, info, statistic, overwrite))  # type: ignore[arg-type]
    tell(summary, quiet=quiet)
