"""Tables of genes: merged from shards, resumed, and kept if they exist."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enformer_vep.cli import main
from enformer_vep.errors import EnformerVepError
from enformer_vep.run.score.scorer import VariantScorer
from tests.pipeline_runs import SCORED, SKIPPED
from tests.support import write_vcf

Score = Callable[..., Path]


@pytest.fixture
def score(folder: Path, tmp_path: Path, gtf: str) -> Score:
    """Scores all alleles from the command line, with genes."""
    write_vcf(tmp_path / "input.vcf", [record[:5] for record in SCORED + SKIPPED])

    def score_alleles(out: str, *more: str, exit_code: int = 0) -> Path:
        paths = ["-f", str(folder / "genome.fa"), "-m", str(folder / "model"), "-g", gtf]
        options = ["--allow-mismatches", "--gene-tracks", "0-2", "--part-size", "4", "--summary", "-q"]
        command = ["score", str(tmp_path / "input.vcf"), *paths, *options, "-o", str(tmp_path / out), *more]
        assert main(command) == exit_code
        return tmp_path / out

    return score_alleles


def genes_of(out: Path) -> tuple[bytes, bytes, bytes]:
    genes = Path(f"{out}.genes{'.parquet' if out.suffix == '.parquet' else '.tsv'}")
    return genes.read_bytes(), Path(f"{out}.summary.tsv").read_bytes(), out.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "options"), [(".tsv", []), (".parquet", ["--gene-window", "tss", "--gene-columns", "tracks"])]
)
def test_shards_and_resumed_runs_are_a_single_run(
    suffix: str, options: list[str], score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those whose scores are made up are in test_merge and test_leftovers."""
    single = score(f"single{suffix}", *options)
    parts = [str(score(f"shard{k}{suffix}", "--shard", f"{k}/2", *options)) for k in (1, 2)]
    merged = tmp_path / f"merged{suffix}"
    assert main(["merge", str(merged), *parts, "-q"]) == 0
    assert genes_of(merged) == genes_of(single)
    counts = [json.loads(Path(f"{out}.run.json").read_text())["counts"] for out in (merged, single)]
    assert counts[0] == counts[1]
    assert counts[0]["gene_rows"] > 10

    whole = VariantScorer.score_with_genes
    num_parts = 0

    def fails_after_two(self: VariantScorer, *arguments: Any, **named: Any) -> Any:
        nonlocal num_parts
        num_parts += 1
        if num_parts == 3:
            raise EnformerVepError("stopped by the test")
        return whole(self, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(VariantScorer, "score_with_genes", fails_after_two)
        score(f"out{suffix}", *options, exit_code=1)
    assert genes_of(score(f"out{suffix}", *options, "--resume")) == genes_of(single)


def test_a_table_that_exists_is_kept(score: Score, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "out.tsv.genes.tsv"
    mine.write_text("mine\n")
    score("out.tsv", exit_code=2)
    assert "out.tsv.genes.tsv exists" in capsys.readouterr().err
    score("out.tsv", "--resume", exit_code=2)
    assert mine.read_text() == "mine\n"
