"""`model` and `convert`: what a weights file is, and another form of it."""

import click
import cloup

from enformer_vep.commands.console import set_up_logging, tell, with_options

MODEL_EXAMPLES = """\b
Examples:
  enformer-vep model enformer
  enformer-vep model pytorch_model.bin --json
"""


@cloup.command(epilog=MODEL_EXAMPLES, short_help="Say what a weights file is.")
@cloup.argument("model", metavar="MODEL", help="Weights, as for 'score --model'.")
@with_options("model")
def model(model: str, cache: str | None, as_json: bool, debug: bool) -> None:
    """Say what a weights file is: its format and sizes, and whether the weights are the published ones.

    Reads the index or header only, where the format stores checksums there. Also works on files that cannot be used,
    and then says why: which tensors are missing, foreign or of another shape.
    """
    set_up_logging(quiet=False)
    import json

    from enformer_vep.run.weights import report_model

    report = report_model(model, cache)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else str(report))


CONVERT_EXAMPLES = """\b
Examples:
  enformer-vep convert enformer enformer.safetensors
  enformer-vep convert my_finetuned_state.pt mine.safetensors
"""


@cloup.command(epilog=CONVERT_EXAMPLES, short_help="Convert weights to a file that loads fast.")
@cloup.argument("model", metavar="SRC", help="Weights, as for 'score --model'.")
@cloup.argument("out", metavar="DST", help="File to write. Its name ends in .safetensors.")
@with_options("convert")
def convert(model: str, out: str, cache: str | None, overwrite: bool, quiet: bool, debug: bool) -> None:
    """Convert weights to one safetensors file, which loads fast and whose memory processes share.

    SRC is a TensorFlow checkpoint, a SavedModel, a file of this kind, or the state of an enformer-pytorch model. Heads
    of any names and numbers of tracks are kept. Each tensor is checked.
    """
    set_up_logging(quiet=quiet)
    from enformer_vep.run.weights import convert_model

    summary = convert_model(model, out, overwrite=overwrite, cache=cache)
    tell(f"wrote {summary}", quiet=quiet)
