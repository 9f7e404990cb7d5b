"""A small genome, alleles of every kind on it, and runs of the pipeline with a tiny model."""

from pathlib import Path
from typing import Any

import pandas as pd

from enformer_vep.errors import SkipReason
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import IndelPolicy, Placement
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.weights import save_model
from enformer_vep.run.score.course import score_vcf
from enformer_vep.run.settings import ScoreSettings
from enformer_vep.scoring import parse_statistics
from tests.support import TINY_CONFIG, random_sequence, write_fasta, write_vcf

LENGTH = TINY_CONFIG.sequence_length_bp
GENOME = {
    "chr1": "N" * 50 + random_sequence(6000, seed=1) + random_sequence(50, seed=2).lower() + "RYKM" + "N" * 20,
    "chr2": random_sequence(700, seed=3),  # shorter than a window
    "chrM": random_sequence(400, seed=4),
}
HUMAN = [f"SAD:human_{i}" for i in range(5)]


def reference(chrom: str, pos: int, length: int = 1) -> str:
    return GENOME[chrom][pos - 1 : pos - 1 + length].upper()


def other(bases: str) -> str:
    return bases.translate(str.maketrans("ACGT", "CGTA"))


SCORED = [
    ("chr1", 3000, "snv", reference("chr1", 3000), other(reference("chr1", 3000))),
    ("chr1", 3000, "same_place", reference("chr1", 3000), reference("chr1", 3000) + "ACGT"),
    ("1", 3100, "mnv", reference("chr1", 3100, 3), other(reference("chr1", 3100, 3))),
    ("chr1", 3200, "deletion", reference("chr1", 3200, 40), reference("chr1", 3200)),
    ("chr1", 3300, "delins", reference("chr1", 3300, 4), "GG"),
    ("chr1", 60, "near_start", reference("chr1", 60), other(reference("chr1", 60))),
    ("chr1", 6070, "lower_case", reference("chr1", 6070).lower(), other(reference("chr1", 6070)).lower()),
    ("chr2", 350, "short_contig", reference("chr2", 350), "A" + "C" * 1000),
    ("chr2", 300, "to_the_end", reference("chr2", 300, 401), reference("chr2", 300)),
    ("MT", 10, "mitochondrial", reference("chrM", 10), other(reference("chrM", 10))),
    ("chr1", 3400, "ref_is_alt", reference("chr1", 3400), reference("chr1", 3400)),
]

SKIPPED = [
    ("chr1", 3000, "mismatch", other(reference("chr1", 3000)), "NOT", SkipReason.INVALID_ALT),
    (
        "chr1",
        3000,
        "mismatch",
        other(reference("chr1", 3000)),
        other(other(reference("chr1", 3000))),
        SkipReason.REF_MISMATCH,
    ),
    ("chr1", 3000, "swapped", other(reference("chr1", 3000)), reference("chr1", 3000), SkipReason.REF_ALT_SWAPPED),
    ("chr3", 3000, "contig", "A", "C", SkipReason.CONTIG_NOT_IN_FASTA),
    ("chr1", 3000, "symbolic", reference("chr1", 3000), "<DUP>", SkipReason.SYMBOLIC_ALT),
    ("chr1", 3000, "no_alt", reference("chr1", 3000), ".", SkipReason.NO_ALT),
    ("chr1", 3000, "star", reference("chr1", 3000), "*", SkipReason.SPANNING_DELETION),
    ("chr2", 700, "past_end", reference("chr2", 700) + "A", "C", SkipReason.OUT_OF_RANGE),
    ("chr1", 3000, "long", reference("chr1", 3000), "A" * (LENGTH // 2 + 2), SkipReason.ALLELE_TOO_LONG),
    ("chr1", 3000, "iupac", reference("chr1", 3000), "R", SkipReason.INVALID_ALT),
]
"""What is not scored, with the reason."""


def write_inputs(folder: Path, model: Enformer) -> Path:
    """Writes the model and the genome that `run` uses."""
    save_model(model, folder / "model")
    write_fasta(folder / "genome.fa", GENOME)
    return folder


PARSERS = {
    "placement": Placement.parse,
    "bins": ScoredBins.parse,
    "statistics": parse_statistics,
    "tracks": TrackChoice.parse,
}


def run(folder: Path, out: Path, records: list[tuple], **changes: Any) -> pd.DataFrame:
    """Scores records, with these settings changed, some of them given as text; returns the table."""
    vcf = write_vcf(out.parent / f"{out.name}.vcf", [record[:5] for record in records])
    options: dict[str, Any] = {
        "vcf": vcf,
        "fasta": str(folder / "genome.fa"),
        "out": str(out),
        "model": str(folder / "model"),
    }
    options["allow_mismatches"] = True
    options["views"] = ViewSettings(indels=IndelPolicy.LEFT)  # the official window, which is easily spelled
    options |= {name: PARSERS[name](value) if name in PARSERS else value for name, value in changes.items()}
    score_vcf(ScoreSettings.of(**options))
    return pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out, sep="\t", dtype={"chrom": str})
