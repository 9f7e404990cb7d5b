"""`enformer-vep demo`: the tool at work, with nothing but what the package carries."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from enformer_vep.demo.files import write_demo
from enformer_vep.errors import OutputError
from enformer_vep.model.location import DEMO
from enformer_vep.pipeline import score_vcf
from enformer_vep.settings import ScoreSettings
from enformer_vep.variant import abbreviate

FASTA_NAME = "genome.fa"
VCF_NAME = "variants.vcf"
SCORES_NAME = "demo.scores.tsv"
NUM_ROWS_SHOWN = 12
NUM_TRACKS_SHOWN = 4


def run_demo(directory: str, *, overwrite: bool, quiet: bool, echo: Callable[[str], None]) -> None:
    """Writes the made-up world, scores it and shows the first rows.

    Args:
      directory: where everything goes; made if it is not there.
      overwrite: whether the files of an earlier demo are replaced.
      quiet: whether there is no progress bar.
      echo: prints a line.

    Raises:
      OutputError: the directory cannot be written, or holds files of these names.
    """
    folder = Path(directory)
    fasta, vcf, scores = folder / FASTA_NAME, folder / VCF_NAME, folder / SCORES_NAME
    for path in (fasta, vcf, scores):
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists: name another folder, or give --overwrite")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fasta.with_name(f"{fasta.name}.fai").unlink(missing_ok=True)
        write_demo(fasta, vcf)
    except OSError as error:
        raise OutputError(f"cannot write the demo to {folder}: {error.strerror}") from error
    arguments = ["enformer-vep", "score", str(vcf), "-f", str(fasta), "-m", DEMO, "-o", str(scores)]
    command = shlex.join([*arguments, *(["--overwrite"] if overwrite else [])])
    echo(f"wrote {fasta} (a made-up genome) and {vcf} (made-up variants)\n\n$ {command}\n")
    summary = score_vcf(
        ScoreSettings(
            vcf=str(vcf),
            fasta=str(fasta),
            out=str(scores),
            model=DEMO,
            overwrite=overwrite,
            quiet=quiet,
            command=command,
        )
    )
    echo(f"{summary}\n\nThe first rows of {scores}, of the demo model, which means nothing biologically:\n")
    echo(_first_rows(scores))
    echo(f"\nSkipped, with the reason, in {summary.skipped}. For real scores: enformer-vep score --help")


def _first_rows(scores: Path) -> str:
    table = pd.read_csv(scores, sep="\t", nrows=NUM_ROWS_SHOWN)
    variant_columns = ["chrom", "pos", "id", "ref", "alt"]
    tracks = [name for name in table.columns if ":" in name][:NUM_TRACKS_SHOWN]
    for name in ("ref", "alt"):
        table[name] = table[name].map(abbreviate)
    return table[variant_columns + tracks].to_string(index=False, float_format="{:.4f}".format)
