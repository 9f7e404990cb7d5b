"""`saturate`, `derive` and `contributions`: which bases matter."""

from typing import Any

import click
import cloup

from enformer_vep.commands.console import pick, pick_views, set_up_logging, tell, with_options
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.run.explain.settings import (
    ContributionOutput,
    ContributionSettings,
    ExplainedSettings,
    MethodSettings,
    SaturateSettings,
)
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

SATURATE_EXAMPLES = """\b
Examples:
  enformer-vep saturate chr7:5530500-5530699 -f hg38 --tracks assay:CAGE -o actb.parquet
  enformer-vep saturate peaks.bed -f hg38 --tracks assay:DNASE --precision mixed -o peaks.zarr --resume
"""


@cloup.command(epilog=SATURATE_EXAMPLES, short_help="Score every change of the bases of regions.")
@cloup.argument(
    "regions",
    nargs=-1,
    required=True,
    metavar="REGION...",
    help="Regions (chr:start-end, 1-based, both ends included, or chr) or BED files.",
)
@with_options("saturate")
@click.pass_obj
def saturate(
    command: str,
    /,
    regions: tuple[str, ...],
    max_deletion_bp: int,
    max_alleles: int,
    statistic: str,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Score every substitution of the bases of each REGION, and every short deletion if asked for.

    The scores are those that 'score' gives the same alleles with the same options; here neighbouring bases share a
    window by default. OUT.skipped.tsv and OUT.run.json are written too. 'derive' makes mean-centred effects,
    bigWig files of each base's importance and the input of TF-MoDISco from OUT, without the model.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.explain.saturate import saturate_regions
    from enformer_vep.run.settings import ScoreSettings
    from enformer_vep.scoring import parse_statistics

    views = pick_views(settings)
    summary = saturate_regions(
        SaturateSettings(regions, max_deletion_bp, max_alleles),
        ScoreSettings.of(
            vcf="", **settings, statistics=parse_statistics(statistic), views=views, quiet=quiet, command=command
        ),
    )
    tell(str(summary), quiet=quiet)


DERIVE_EXAMPLES = """\b
Examples:
  enformer-vep derive actb.parquet --importance actb --tracks assay:CAGE
  enformer-vep derive peaks.zarr --tracks ENCFF833POA --modisco peaks
"""


@cloup.command(epilog=DERIVE_EXAMPLES, short_help="Make bigWig files, centred arrays or TF-MoDISco's input of OUT.")
@cloup.argument("saturation", metavar="SATURATION", help="An output of 'saturate': .parquet, .npz or .zarr.")
@with_options("derive")
def derive(
    saturation: str,
    effects: str | None,
    centred: str | None,
    importance: str | None,
    modisco: str | None,
    mean_of: str,
    tracks: TrackChoice | None,
    overwrite: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Make other forms of what 'saturate' wrote, without the model.

    At least one output must be named.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.explain.derive import DeriveSettings
    from enformer_vep.run.explain.derive import derive as derive_all

    outputs = DeriveSettings(saturation, effects, centred, importance, modisco, int(mean_of), tracks, overwrite)
    tell(derive_all(outputs), quiet=quiet)


CONTRIBUTIONS_EXAMPLES = """\b
Examples:
  enformer-vep contributions chr7:5529000-5531000 -f hg38 --tracks assay:CAGE --mean-by all -o actb
  enformer-vep contributions chr7:5530000:C:T -f hg38 --tracks ENCFF833POA -o variant.parquet
"""


@cloup.command(
    epilog=CONTRIBUTIONS_EXAMPLES, short_help="Find what every base contributes to a prediction, by gradients."
)
@cloup.argument(
    "arguments",
    nargs=-1,
    required=True,
    metavar="REGION|VCF...",
    help="Regions (chr:start-end, 1-based, both ends included) or BED files (.bed); or variants (chr:pos:ref:alt) or "
    "files of them, as of 'score'.",
)
@with_options("contributions")
@click.pass_obj
def contributions(
    command: str,
    /,
    reverse_complement: bool,
    steps: int | None,
    uncorrected: bool,
    quiet: bool,
    debug: bool,
    **settings: Any,
) -> None:
    """Find what every base contributes to a prediction, by gradients.

    A gradient through the model says, at the price of about three passes, what each base of a window contributes to a
    track's prediction, and what every substitution is expected to change, to first order. The contributions are
    gradient times input, corrected as by Majdandzic et al. (2023). For a variant, those of both alleles are written.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.genome.views import ViewSettings
    from enformer_vep.run.explain.contributions import compute_contributions

    summary = compute_contributions(
        ContributionSettings(
            ExplainedSettings(**pick(settings, "arguments", "fasta", "cache", "width_bp", "max_gradients")),
            ContributionOutput(command=command, **pick(settings, "out", "modisco", "overwrite")),
            MethodSettings(settings["mean_by"], steps or 0, not uncorrected),
            ScoringSettings(
                views=ViewSettings(reverse_complement),
                **pick(settings, "model", "head", "track_table", "tracks", "bins"),
            ),
            ComputeSettings(**pick(settings, "device")),
            quiet=quiet,
        )
    )
    tell(str(summary), quiet=quiet)
