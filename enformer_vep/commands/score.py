"""`score` and `merge`: the scores of a VCF, in one run or in shards."""

import shutil
import sys
from typing import Any

import click
import cloup

from enformer_vep.commands.console import pick_views, set_up_logging, tell, with_options

SCORE_EXAMPLES = """\b
Examples:
  enformer-vep score input.vcf -f hg38 -o scores.parquet
  enformer-vep score input.vcf.gz -f hg38 --region chr7:5500000-5600000 --window grid --resume
"""


@cloup.command(epilog=SCORE_EXAMPLES, short_help="Score every ALT allele of a VCF.")
@cloup.argument("vcf", metavar="VCF", help="Variants: VCF, bgzipped VCF, BCF, a list, or - for standard input.")
@with_options("score")
@click.pass_obj
def score(
    command: str,
    /,
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
    from enformer_vep.run.annotate.course import annotate_vcf, plan_annotation
    from enformer_vep.run.score.course import score_vcf
    from enformer_vep.run.settings import ScoreSettings

    views = pick_views(settings)
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


MERGE_EXAMPLES = """\b
Examples:
  enformer-vep merge input.enformer.parquet input.enformer.*-of-100.parquet
  enformer-vep merge scores.tsv.gz shard1.tsv.gz shard2.tsv.gz --overwrite
"""


@cloup.command(epilog=MERGE_EXAMPLES, short_help="Merge the outputs of shards.")
@cloup.argument("out", metavar="OUT", help="Output file, in the format of the parts.")
@cloup.argument("parts", metavar="PART...", nargs=-1, required=True, help="Outputs of all shards, in any order.")
@with_options("merge")
@click.pass_obj
def merge(command: str, /, out: str, parts: tuple[str, ...], overwrite: bool, quiet: bool, debug: bool) -> None:
    """Merge the outputs of 'score --shard K/N', or of 'saturate', into the output of a single run.

    Fails if a shard is missing or duplicated, or if shards belong to different runs.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.score.merge import merge_shards

    summary = merge_shards(out, parts, overwrite=overwrite, command=command)
    tell(summary, quiet=quiet)
