"""`derive`: what is made of a saturation without the model."""

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import TRACKS

OUTPUTS = cloup.option_group(
    "Outputs",
    cloup.option("--effects", metavar="OUT", help="The effects as arrays of bases, letters and tracks: .npz or .zarr."),
    cloup.option("--centred", metavar="OUT", help="The same less their mean at each base: .npz or .zarr."),
    cloup.option(
        "--importance",
        metavar="DIR",
        help="One bigWig file per track: the centred effect of the genome's own letter at each base, positive where "
        "the base raises the prediction.",
    ),
    cloup.option(
        "--modisco",
        metavar="PREFIX",
        help="PREFIX.ohe.npz and PREFIX.hypothetical.npz for 'modisco motifs -s -a': centred effects, the mean of the "
        "tracks. Needs regions of one length.",
    ),
    options.FORCE,
)

CHOICE = cloup.option_group(
    "Choice",
    cloup.option(
        "--mean-of",
        type=click.Choice(["4", "3"]),
        default="4",
        show_default=True,
        help="Letters whose mean is taken off. 4: all, the genome's own counted as 0, as tangermeme does. 3: the "
        "others, as AlphaGenome and Chorus do.",
    ),
    cloup.option(
        "--tracks",
        callback=TRACKS,
        metavar="EXPR",
        help="Tracks to use, as for 'score --tracks', of those of the saturation.  [default: all of them]",
    ),
)

DERIVE_EXAMPLES = """\b
Examples:
  enformer-vep derive actb.parquet --importance actb --tracks assay:CAGE
  enformer-vep derive peaks.zarr --tracks ENCFF833POA --modisco peaks
"""


@cloup.command(epilog=DERIVE_EXAMPLES, short_help="Make bigWig files, centred arrays or TF-MoDISco's input of OUT.")
@cloup.argument("saturation", metavar="SATURATION", help="An output of 'saturate': .parquet, .npz or .zarr.")
@OUTPUTS
@CHOICE
@options.GENERAL
def derive(
    saturation: str,
    effects: str | None,
    centred: str | None,
    importance: str | None,
    modisco: str | None,
    mean_of: str,
    tracks: object,
    overwrite: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Make other forms of what 'saturate' wrote, without the model.

    At least one output must be named.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.io.tracks.choice import TrackChoice
    from enformer_vep.run.explain.derive import DeriveSettings
    from enformer_vep.run.explain.derive import derive as derive_all

    assert tracks is None or isinstance(tracks, TrackChoice)
    outputs = DeriveSettings(saturation, effects, centred, importance, modisco, int(mean_of), tracks, overwrite)
    tell(derive_all(outputs), quiet=quiet)
