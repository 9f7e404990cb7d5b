"""What the tests of whole runs share."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.weights import save_model
from tests.gtf_files import from_starts, write_gtf
from tests.pipeline_runs import write_inputs
from tests.run.score.stopped_runs import CONTIG, Start, arguments, outputs, records, stop_half_way
from tests.support import write_fasta, write_vcf


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, model: Enformer) -> Path:
    """The tiny model and the small genome of `pipeline_runs.run`; no test may change them."""
    return write_inputs(tmp_path_factory.mktemp("pipeline"), model)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory, model: Enformer) -> Path:
    """A tiny model, a genome and 120 alleles, some of them to be skipped; no test may change them."""
    folder = tmp_path_factory.mktemp("resume")
    save_model(model, folder / "model")
    write_fasta(folder / "genome.fa", {"chr1": CONTIG})
    write_vcf(folder / "input.vcf", records(CONTIG, "chr1", 60, spacing=150))
    return folder


@contextmanager
def starting() -> Iterator[Start]:
    """Starts runs in processes of their own, which do not outlive the block."""
    runs = []

    def start_run(*command: str) -> subprocess.Popen:
        words = [sys.executable, "-m", "enformer_vep", *command]
        runs.append(subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True))
        return runs[-1]

    yield start_run
    for run in runs:
        if run.poll() is None:
            run.kill()
            run.communicate()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a run in a process of its own, which does not outlive the test."""
    with starting() as start_run:
        yield start_run


@pytest.fixture(scope="session")
def half_way(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an unfinished run of `inputs` at out.parquet, which was killed; to be copied."""
    folder = tmp_path_factory.mktemp("half_way")
    with starting() as start_run:
        stop_half_way(start_run, inputs, folder / "out.parquet")
    return folder


@pytest.fixture(scope="session")
def undisturbed(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run of `inputs` writes that nothing stops."""
    out = tmp_path_factory.mktemp("undisturbed") / "out.parquet"
    assert main(arguments(inputs, out)) == 0
    assert not out.with_name("out.parquet.parts").exists()
    return outputs(out)


GENE_ROWS = [
    ("ONE", "chr1", 3_001, "+"),
    ("ONE", "chr1", 3_500, "+"),
    ("TWO", "1", 3_400, "-"),
    ("FAR", "chr1", 5_500, "+"),
    ("SHORT", "chr2", 400, "+"),
    ("NOWHERE", "chr9", 400, "+"),
    ("MITO", "chrM", 50, "+"),
]


@pytest.fixture(scope="session")
def gtf(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An annotation of genes near the alleles, elsewhere, and on contigs that the genome lacks."""
    return write_gtf(tmp_path_factory.mktemp("gtf") / "genes.gtf", from_starts(GENE_ROWS))
