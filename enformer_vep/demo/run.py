"""`enformer-vep demo`, and its files in Python: shows the tool at work, using only what ships with the package."""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from enformer_vep.demo.files import known_truths, write_demo
from enformer_vep.demo.genes import broken_enhancers, gene_column, measure_gene_recovery
from enformer_vep.demo.motifs import FACTOR_BY_NAME
from enformer_vep.demo.recovery import measure_recovery, statistic_column
from enformer_vep.demo.variants import KINDS, SiteVariant
from enformer_vep.demo.world import CELL_TYPE_OF, CHIP_TRACKS, cage_track, chip_track
from enformer_vep.errors import OutputError
from enformer_vep.model.location import DEMO
from enformer_vep.run.report.course import make_report
from enformer_vep.run.report.settings import ProfileSettings, ReportSettings
from enformer_vep.run.score.course import score_vcf
from enformer_vep.run.settings import (
    CheckSettings,
    GeneSettings,
    InputSettings,
    OutputSettings,
    ScoreSettings,
    ScoringSettings,
)
from enformer_vep.wording import cause

FASTA_NAME = "genome.fa"
VCF_NAME = "variants.vcf"
GTF_NAME = "genes.gtf"
PAGE_NAME = "report.html"
SCORES_NAME = "demo.scores.tsv"
NUM_ROWS_SHOWN = 10
NUM_ENHANCERS_SHOWN = 3


@dataclass(frozen=True)
class DemoFiles:
    """A made-up genome with variants and genes, and the name of the model that knows it.

    Attributes:
      fasta: the genome.
      vcf: variants of every kind, some of which cannot be scored.
      gtf: the genes.
      model: the name of the model.
    """

    fasta: Path
    vcf: Path
    gtf: Path
    model: str = DEMO


def demo_files(folder: str | os.PathLike[str]) -> DemoFiles:
    """Writes the made-up genome, variants and genes of the demo to a folder, which is made if it is not there.

    The files are the same each time, and files of these names are overwritten.

    Raises:
      OutputError: they cannot be written.
    """
    place = Path(folder)
    files = DemoFiles(place / FASTA_NAME, place / VCF_NAME, place / GTF_NAME)
    try:
        place.mkdir(parents=True, exist_ok=True)
        files.fasta.with_name(f"{FASTA_NAME}.fai").unlink(missing_ok=True)
        write_demo(files.fasta, files.vcf, files.gtf)
    except OSError as error:
        raise OutputError(f"cannot write the demo to {place}: {cause(error)}") from error
    return files


def run_demo(directory: str, *, overwrite: bool, quiet: bool, echo: Callable[[str], None]) -> None:
    """Writes the made-up world, scores it, and compares the scores with the truth.

    Args:
      directory: the folder for all files; created if it does not exist.
      overwrite: whether the files of an earlier demo are overwritten.
      quiet: whether there is no progress bar.
      echo: prints a line.

    Raises:
      OutputError: the directory cannot be written, or holds files of these names.
    """
    folder = Path(directory)
    names = (FASTA_NAME, VCF_NAME, GTF_NAME, SCORES_NAME, PAGE_NAME)
    fasta, vcf, gtf, scores, page = (folder / name for name in names)
    for path in (fasta, vcf, gtf, scores, page):
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists: choose another folder, or use --overwrite")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fasta.with_name(f"{fasta.name}.fai").unlink(missing_ok=True)
        records = write_demo(fasta, vcf, gtf)
    except OSError as error:
        raise OutputError(f"cannot write the demo to {folder}: {error.strerror}") from error
    inputs = [str(vcf), "-f", str(fasta), "-g", str(gtf), "--gene-columns", "tracks"]
    arguments = ["enformer-vep", "score", *inputs, "-m", DEMO, "-o", str(scores)]
    again = ["--overwrite"] if overwrite else []
    command = shlex.join([*arguments, *again])
    echo(f"Wrote a made-up genome to {fasta}, variants to {vcf}, genes to {gtf}.\n")
    echo(f"$ {_wrapped(command)}\n")
    summary = score_vcf(
        ScoreSettings(
            InputSettings(str(vcf), str(fasta)),
            ScoringSettings(DEMO),
            output=OutputSettings(str(scores), overwrite=overwrite, command=command),
            check=CheckSettings(quiet=quiet),
            genes=GeneSettings(str(gtf), gene_columns="tracks"),
        )
    )
    truths = known_truths(records)
    table = pd.read_csv(scores, sep="\t")
    known = table[table["record"].isin(truths)].set_index("record")
    num_scored, num_skipped = summary.num_scored, sum(summary.num_skipped.values())
    echo(f"Scored {num_scored} alleles in {summary.seconds:.0f} s, and skipped {num_skipped} that cannot be scored.\n")
    echo(
        f"In the made-up genome, true effects are known. These are the {NUM_ROWS_SHOWN} largest scores and the truth:\n"
    )
    echo(_largest_changes(known, truths))
    echo("\nMedian SAD by kind of variant, in the CHIP track of the factor and the CAGE track of its cell type:\n")
    echo(_by_kind(known, truths))
    genes = pd.read_csv(scores.with_name(f"{scores.name}.genes.tsv"), sep="\t")
    echo("\nOf the genes in reach of a broken enhancer, those with the largest change (log2) at their start:\n")
    echo(_strongest_genes(genes, truths))
    words = ["enformer-vep", "report", str(scores), "-o", str(page), "-f", str(fasta), "-m", DEMO, "-g", str(gtf)]
    echo(f"\n$ {_wrapped(shlex.join([*words, *again]))}\n")
    profiles = ProfileSettings(str(fasta), DEMO)
    make_report(
        ReportSettings(str(scores), str(page), profiles=profiles, gtf=str(gtf), overwrite=overwrite, quiet=quiet)
    )
    recovery, of_genes = measure_recovery(table, truths), measure_gene_recovery(genes, truths)
    echo(f"\nHow much of the truth the scores recover:\n\n{recovery}\n{of_genes}\n")
    echo(_conclusion(scores, summary.skipped, page, is_good=recovery.is_good and of_genes.is_good))


def _wrapped(command: str) -> str:
    """Breaks a long command before its options, as one would type it."""
    return command.replace(" -", " \\\n    -")


def _strongest_genes(genes: pd.DataFrame, truths: Mapping[int, SiteVariant]) -> str:
    rows = broken_enhancers(genes, truths)
    shown = []
    for record in rows["record"].unique()[:NUM_ENHANCERS_SHOWN]:
        of_record = rows[rows["record"] == record]
        strongest = of_record.loc[of_record["own"].abs().idxmax()]
        row = {name: strongest[name] for name in ("chrom", "pos", "ref", "alt")}
        row |= {"enhancer": strongest["factor"], "genes": len(of_record), "strongest": strongest["gene_name"]}
        row |= {"distance": strongest["distance"], "column": gene_column(cage_track(strongest["factor"]))}
        shown.append(row | {"score": f"{strongest['own']:.3f}"})
    return str(pd.DataFrame(shown).to_string(index=False))


def _conclusion(scores: Path, skipped: Path, page: Path, *, is_good: bool) -> str:
    verdict = (
        "The installation works: scores recover the planted effects."
        if is_good
        else "The scores miss part of the planted effects: please report this."
    )
    return (
        f"{verdict} This says nothing about real genomes.\n"
        f"Scores:  {scores}, and of genes {scores.name}.genes.tsv\n"
        f"Skipped alleles, with reasons:  {skipped}\n"
        "To score your own variants:  enformer-vep score input.vcf -f genome.fa\n"
        f"To look at the results, open in a browser:  {page}"
    )


def _largest_changes(known: pd.DataFrame, truths: Mapping[int, SiteVariant]) -> str:
    chip = known[[statistic_column(track) for track in CHIP_TRACKS]]
    rows = []
    for record in chip.abs().max(axis=1).nlargest(NUM_ROWS_SHOWN).index:
        truth, column = truths[record], chip.loc[record].abs().idxmax()
        row = {"chrom": truth.chrom, "pos": truth.pos, "ref": truth.ref, "alt": truth.alt}
        rows.append(row | {"column": column, "score": _figure(chip.at[record, column]), "truth": _truth(truth)})
    return str(pd.DataFrame(rows).to_string(index=False))


def _by_kind(known: pd.DataFrame, truths: Mapping[int, SiteVariant]) -> str:
    rows = []
    for kind in KINDS:
        of_kind = {record: truth for record, truth in truths.items() if truth.kind == kind}
        own: list[float] = []
        ruled: list[float] = []
        for record, truth in of_kind.items():
            factors = (
                [truth.factor] if truth.factor else list(FACTOR_BY_NAME)
            )  # a random variant has no factor of its own
            activators = [name for name in factors if name in CELL_TYPE_OF]
            own += known.loc[record, [statistic_column(chip_track(name)) for name in factors]].tolist()
            ruled += known.loc[record, [statistic_column(cage_track(name)) for name in activators]].tolist()
        medians = {"CHIP": _figure(float(np.median(own))), "CAGE": _figure(float(np.median(ruled)))}
        rows.append({"kind": kind, "alleles": len(of_kind)} | medians)
    return str(pd.DataFrame(rows).to_string(index=False))


def _figure(score: float) -> str:
    return f"{round(score, 1) + 0.0:.1f}"  # no -0.0


def _truth(truth: SiteVariant) -> str:
    return f"{truth.kind} {truth.factor}".rstrip()
