"""`score`: the scores of a VCF."""

import shutil
import sys
from typing import Any

import click
import cloup

from enformer_vep.commands import options, score_options
from enformer_vep.commands.console import set_up_logging, tell

SCORE_EXAMPLES = """\b
Examples:
  enformer-vep score input.vcf -f hg38 -o scores.parquet
  enformer-vep score input.vcf.gz -f hg38 --region chr7:5500000-5600000 --window grid --resume
"""


@cloup.command(epilog=SCORE_EXAMPLES, short_help="Score every ALT allele of a VCF.")
@cloup.argument("vcf", metavar="VCF", help="Variants: VCF, bgzipped VCF, BCF, a list, or - for standard input.")
@score_options.INPUT
@score_options.OUTPUT
@score_options.PERCENTILES
@options.MODEL
@score_options.SELECTION
@score_options.VIEWS
@score_options.GENES
@score_options.SPEED
@score_options.RESTARTING
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
    annotate: str | None,
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
    from enformer_vep.run.annotate.annotated_run import plan_annotation
    from enformer_vep.run.annotate.course import annotate_vcf
    from enformer_vep.run.score.pipeline import score_vcf
    from enformer_vep.run.settings import ScoreSettings

    views = ViewSettings(reverse_complement, shifts, IndelPolicy(indels))
    kind = "only" if summary_only else "beside" if summary else "none"
    run = ScoreSettings.of(**settings, views=views, summary=kind, quiet=quiet, command=command)
    plan = None if annotate is None else plan_annotation(annotate, run)
    result = score_vcf(run)
    tell(str(result), quiet=quiet)
    if plan is not None:
        tell(annotate_vcf(plan), quiet=quiet)
    if not quiet and sys.stderr.isatty():
        for line in result.strongest_lines(shutil.get_terminal_size().columns):
            click.echo(line, err=True)
