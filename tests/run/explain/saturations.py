"""Saturations of the small genome with the tiny model, and the same alleles as a VCF."""

from pathlib import Path

import numpy as np
import pandas as pd

from enformer_vep.cli import main
from tests.pipeline_runs import GENOME, reference
from tests.support import write_vcf


def command(folder: Path, out: Path, *words: str) -> list[str]:
    paths = ["-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", str(out), "-q"]
    return ["saturate", *words, *paths]


def saturate(folder: Path, out: Path, *words: str) -> int:
    return main(command(folder, out, *words))


def records(contig: str, start: int, end: int, max_deletion_bp: int = 0) -> list[tuple]:
    """The changes of 1-based positions, both included, spelled by hand as VCF has them."""
    changes: list[tuple] = []
    for pos in range(start, end + 1):
        base = reference(contig, pos)
        changes.append((contig, pos, ".", base, ",".join(other for other in "ACGT" if other != base)))
        for length in range(1, min(max_deletion_bp, end + 1 - pos) + 1):
            changes.append((contig, pos - 1, ".", reference(contig, pos - 1, length + 1), reference(contig, pos - 1)))
    return changes


def score(folder: Path, tmp_path: Path, alleles: list[tuple], *words: str) -> pd.DataFrame:
    """What `score` gives alleles."""
    vcf, out = write_vcf(tmp_path / "same.vcf", alleles), tmp_path / "scores.parquet"
    paths = ["-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", str(out), "-q"]
    assert main(["score", vcf, *paths, *words]) == 0
    return pd.read_parquet(out)


def substitutions(table: pd.DataFrame, contig: str, start: int, end: int, tracks: list[str]) -> np.ndarray:
    """Arranges a table's substitutions by hand: float32 [bases, 4, tracks]."""
    effects = np.full((end + 1 - start, 4, len(tracks)), np.nan, dtype=np.float32)
    for place, base in enumerate(GENOME[contig][start - 1 : end].upper()):
        if base in "ACGT":
            effects[place, "ACGT".index(base)] = 0
    single = table[table["ref"].str.len() == 1]
    for pos, alt, values in zip(single["pos"], single["alt"], single[tracks].to_numpy(), strict=True):
        effects[pos - start, "ACGT".index(alt)] = values
    return effects
