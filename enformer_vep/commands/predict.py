"""`predict`: the tracks of the reference over regions, or of both alleles of variants."""

from typing import Any

import click
import cloup

from enformer_vep.commands.console import pick, pick_views, set_up_logging, tell, with_options
from enformer_vep.run.predict.settings import PredictInputSettings, PredictOutput, PredictSettings
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

PREDICT_EXAMPLES = """\b
Examples:
  enformer-vep predict chr7:5500000-5600000 -f hg38 --tracks assay:CAGE,ENCFF833POA -o actb
  enformer-vep predict --vcf chr7:5530600:A:G -f hg38 --tracks assay:CAGE -o variant
"""


@cloup.command(epilog=PREDICT_EXAMPLES, short_help="Predict the tracks of regions, or of both alleles of variants.")
@cloup.argument(
    "regions",
    nargs=-1,
    metavar="[REGION...]",
    help="Regions (chr:start-end, 1-based, both ends included, or chr) or BED files.",
)
@with_options("predict")
@click.pass_obj
def predict(
    command: str,
    /,
    regions: tuple[str, ...],
    variants: tuple[str, ...],
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Predict the tracks of the reference genome over each REGION, or of both alleles of the variants of --vcf.

    Every bin of 128 bp that overlaps a region gets the model's prediction. Windows lie on a fixed lattice, so that a
    bin's prediction does not depend on the regions. OUT has one bigWig file per track, tracks.tsv, which describes the
    tracks, and run.json, which records the run; or it is a Parquet table with one column per track, or a Zarr store.

    With --vcf, each allele has its own window. OUT has a folder for each with three bigWig files per track: the
    reference's prediction (.ref.bw), the alternate's (.alt.bw) and the second less the first (.diff.bw). alleles.tsv
    lists all alleles, with their folders or the reasons why they were skipped.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.predict.regions import predict_regions
    from enformer_vep.run.predict.variants import predict_variants

    of_run = PredictSettings(
        PredictInputSettings(regions, variants, **pick(settings, "fasta", "cache", "max_windows", "windows_per_bin")),
        PredictOutput(command=command, **pick(settings, "out", "overwrite")),
        ScoringSettings(
            views=pick_views(settings), **pick(settings, "model", "head", "track_table", "tracks", "placement")
        ),
        ComputeSettings(**pick(settings, "engine", "precision", "device", "batch_size")),
        quiet=quiet,
    )
    summary = predict_variants(of_run) if variants else predict_regions(of_run)
    tell(str(summary), quiet=quiet)
