"""A tiny model that is opened once, a small genome, and variants of every kind on it."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import enformer_vep as ev
from enformer_vep.model.enformer import Enformer
from tests.pipeline_runs import SCORED, SKIPPED, write_inputs
from tests.support import write_vcf

RECORDS = [record[:5] for record in (*SCORED[:4], *SKIPPED[2:5], *SCORED[4:6])]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, model: Enformer) -> Path:
    """The tiny model, the genome, and `input.vcf` with RECORDS; no test may change them."""
    folder = write_inputs(tmp_path_factory.mktemp("api"), model)
    write_vcf(folder / "input.vcf", RECORDS)
    return folder


@pytest.fixture(scope="session")
def opened(folder: Path) -> Iterator[ev.Model]:
    with ev.open_model(folder / "model", folder / "genome.fa") as opened:
        yield opened


@pytest.fixture(scope="session")
def written(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ev.score_vcf` writes of `input.vcf`, with two statistics and a summary."""
    out = tmp_path_factory.mktemp("written") / "out.parquet"
    options = {"stats": ["SAD", "SAR"], "summary": True, "allow_mismatches": True}
    summary = ev.score_vcf(folder / "input.vcf", out, fasta=folder / "genome.fa", model=folder / "model", **options)
    assert summary.table == out
    return out


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(RECORDS, columns=["chrom", "pos", "id", "ref", "alt"])
