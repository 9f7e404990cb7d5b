"""`components` and `convert-transform`: principal components of scores."""

from typing import Any

import click
import cloup

from enformer_vep.commands import options
from enformer_vep.commands.console import set_up_logging, tell
from enformer_vep.commands.values import STATISTIC

COMPONENTS = cloup.option_group(
    "Components",
    options.out("Output file: .parquet, .tsv or .tsv.gz, or - for text on standard output."),
    cloup.option("--transform", metavar="FILE", help="Transform to apply: what --fit or 'convert-transform' wrote."),
    cloup.option(
        "--fit",
        metavar="FILE",
        help="Fit a transform to SCORES, write it to FILE (.npz) and apply it. Needs the extra 'components'.",
    ),
    cloup.option(
        "--num",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        metavar="N",
        help="Number of components, the largest first.",
    ),
    cloup.option(
        "--stat",
        "statistic",
        callback=STATISTIC,
        metavar="NAME",
        help="Statistic to fit.  [default: SAD, or the one of --transform]",
    ),
    options.FORCE,
)

TRANSFORM_CONVERSION = cloup.option_group(
    "Conversion",
    cloup.option("--trust-pickle", "is_trusted", is_flag=True, help="Allow the code that PICKLE holds to run."),
    cloup.option(
        "--track-table",
        metavar="FILE",
        help="Table that names the tracks, such as targets_human.txt.  [default: they are known by their numbers]",
    ),
    cloup.option("--head", default="human", show_default=True, metavar="HEAD", help="Head of the tracks."),
    cloup.option(
        "--stat",
        "statistic",
        callback=STATISTIC,
        default="SAD",
        show_default=True,
        metavar="NAME",
        help="Statistic that the transform takes.",
    ),
    cloup.option(
        "--divisor",
        type=click.FloatRange(min=0, min_open=True),
        default=896,
        show_default=True,
        metavar="X",
        help="What scores are divided by first. DeepMind's transform takes means over 896 bins, and SAD is a sum.",
    ),
    cloup.option("--any-weights", is_flag=True, help="Accept scores of any weights, not only of the published ones."),
    options.FORCE,
)

COMPONENTS_EXAMPLES = """\b
Examples:
  enformer-vep components background.parquet --fit transform.npz -o background.components.parquet
  enformer-vep components scores.parquet --transform transform.npz -o components.tsv
"""


@cloup.command(epilog=COMPONENTS_EXAMPLES, short_help="Reduce scores to principal components.")
@cloup.argument("scores", metavar="SCORES", help="Output of 'score': Parquet or text, in any layout.")
@COMPONENTS
@options.GENERAL
@click.pass_obj
def components(
    command: str,
    /,
    scores: str,
    out: str,
    transform: str | None,
    fit: str | None,
    num: int,
    statistic: str | None,
    overwrite: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Reduce the scores of all tracks to a few principal components, PC0, PC1 and so on.

    The components come from a transform: robust scaling of each track, principal components, robust scaling of these.
    Fit one to the scores of a background of many variants, or convert DeepMind's with 'convert-transform'.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.components.course import ComponentSettings, write_components

    if (transform is None) == (fit is None):
        raise click.UsageError("expected either --transform FILE or --fit FILE")
    settings = ComponentSettings(
        scores, out, transform or fit or "", fit is not None, num, statistic, overwrite, command
    )
    summary = write_components(settings)
    tell(summary, quiet=quiet)


CONVERT_TRANSFORM_EXAMPLES = """\b
Examples:
  enformer-vep convert-transform transform.pkl transform.npz --trust-pickle --track-table targets_human.txt
"""


@cloup.command(epilog=CONVERT_TRANSFORM_EXAMPLES, short_help="Convert a pickled transform for 'components'.")
@cloup.argument("pickle", metavar="PICKLE", help="Pipeline of scikit-learn, written by joblib.")
@cloup.argument("out", metavar="DST", help="File to write. Its name ends in .npz.")
@TRANSFORM_CONVERSION
@options.GENERAL
def convert_transform(quiet: bool, debug: bool, **settings: Any) -> None:
    """Convert DeepMind's pickled transform to plain arrays, which 'components' reads.

    Unpickling runs code that PICKLE holds. It is done in a process of its own, and only with --trust-pickle: use it if
    you trust where the file comes from. No other command unpickles it.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.components.transform_conversion import ConversionSettings, convert_transform

    summary = convert_transform(ConversionSettings(**settings))
    tell(f"wrote {summary}", quiet=quiet)
