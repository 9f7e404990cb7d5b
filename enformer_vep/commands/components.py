"""`components` and `convert-transform`: principal components of scores."""

from typing import Any

import click
import cloup

from enformer_vep.commands.console import set_up_logging, tell, with_options

COMPONENTS_EXAMPLES = """\b
Examples:
  enformer-vep components background.parquet --fit transform.npz -o background.components.parquet
  enformer-vep components scores.parquet --transform transform.npz -o components.tsv
"""


@cloup.command(epilog=COMPONENTS_EXAMPLES, short_help="Reduce scores to principal components.")
@cloup.argument("scores", metavar="SCORES", help="Output of 'score': Parquet or text, in any layout.")
@with_options("components")
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
@with_options("convert-transform")
def convert_transform(quiet: bool, debug: bool, **settings: Any) -> None:
    """Convert DeepMind's pickled transform to plain arrays, which 'components' reads.

    Unpickling runs code that PICKLE holds. It is done in a process of its own, and only with --trust-pickle: use it if
    you trust where the file comes from. No other command unpickles it.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.components.transform_conversion import ConversionSettings, convert_transform

    summary = convert_transform(ConversionSettings(**settings))
    tell(f"wrote {summary}", quiet=quiet)
