"""`annotate`: scores as INFO of a VCF."""

import click
import cloup

from enformer_vep.commands.console import set_up_logging, tell, with_options

ANNOTATE_EXAMPLES = """\b
Examples:
  enformer-vep annotate input.vcf.gz input.enformer.parquet -o annotated.vcf.gz
  enformer-vep annotate input.vcf.gz input.enformer.parquet --info assay:CAGE -o annotated.bcf
  enformer-vep annotate input.vcf.gz input.enformer.parquet --vep-plugin -o enformer_plugin.vcf.gz
"""


@cloup.command(epilog=ANNOTATE_EXAMPLES, short_help="Write scores into the INFO of the VCF.")
@cloup.argument("vcf", metavar="VCF", help="The VCF or BCF that was scored.")
@cloup.argument("scores", metavar="SCORES", help="Output of 'score' for it: scores or summary, Parquet or text.")
@with_options("annotate")
def annotate(
    vcf: str,
    scores: str,
    out: str,
    statistic: str | None,
    info: object,
    overwrite: bool,
    vep_plugin: bool,
    components: str | None,
    quiet: bool,
    debug: bool,
) -> None:
    """Write the scores of the alleles of VCF into its INFO.

    The field ENFORMER has an entry for each ALT allele: whether it was scored, or why not; the gene in reach; and for
    each group of tracks the strongest track, its score and percentile. Everything else of VCF stays as it is.
    """
    if vep_plugin and statistic is not None:
        raise click.UsageError("--stat does not go with --vep-plugin, which writes SAD and SAR")
    if components is not None and not vep_plugin:
        raise click.UsageError("--components goes only with --vep-plugin")
    set_up_logging(quiet=quiet)
    if vep_plugin:
        from enformer_vep.run.annotate.vep_plugin import PluginSettings, write_plugin_vcf

        plugin = PluginSettings(vcf, scores, out, info, components, overwrite)  # type: ignore[arg-type]
        tell(write_plugin_vcf(plugin), quiet=quiet)
        return
    from enformer_vep.run.annotate.course import AnnotateSettings, annotate_vcf

    settings = AnnotateSettings(vcf, scores, out, info, statistic, overwrite)  # type: ignore[arg-type]
    tell(annotate_vcf(settings), quiet=quiet)
