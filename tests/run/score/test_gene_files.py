"""Tables of genes: merged from shards, resumed, and kept if they exist."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enformer_vep.cli import main
from enformer_vep.errors import EnformerVepError
from enformer_vep.io.tables import gene_table, summary_table
from enformer_vep.run.score import merge
from enformer_vep.run.score.part_scorer import PartScorer
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
@pytest.mark.parametrize("suffix", [".parquet", ".tsv"])
@pytest.mark.parametrize("options", [[], ["--gene-window", "tss", "--gene-columns", "tracks"]])
def test_merged_shards_are_a_single_run(
    suffix: str, options: list[str], score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (gene_table, summary_table, merge):
        monkeypatch.setattr(module, "ROW_GROUP_ROWS", 3)
    single = score(f"single{suffix}", *options)
    parts = [str(score(f"shard{k}{suffix}", "--shard", f"{k}/3", *options)) for k in (1, 2, 3)]
    merged = tmp_path / f"merged{suffix}"
    assert main(["merge", str(merged), *parts, "-q"]) == 0
    assert genes_of(merged) == genes_of(single)
    counts = [json.loads(Path(f"{out}.run.json").read_text())["counts"] for out in (merged, single)]
    assert counts[0] == counts[1]
    assert counts[0]["gene_rows"] > 10


@pytest.mark.slow
def test_shards_that_lost_genes_are_refused(score: Score, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [score(f"shard{k}.tsv", "--shard", f"{k}/2") for k in (1, 2)]
    other_genes = score("other.tsv", "--shard", "2/2", "--gene-bins", "10")
    merged = str(tmp_path / "merged.tsv")
    assert main(["merge", merged, str(parts[0]), str(other_genes)]) == 2
    assert "genes.bins is 10, not 3" in capsys.readouterr().err
    genes = Path(f"{parts[0]}.genes.tsv")
    genes.write_text("".join(genes.read_text().splitlines(keepends=True)[:-1]))
    assert main(["merge", merged, *map(str, parts)]) == 1
    assert "the shards' tables of genes have" in capsys.readouterr().err
    genes.unlink()
    assert main(["merge", merged, *map(str, parts)]) == 2
    assert f"no such file: {genes}" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("window", ["variant", "tss"])
def test_a_resumed_run_writes_the_same_bytes(
    window: str, score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = score("undisturbed.parquet", "--gene-window", window)
    whole = PartScorer.score
    num_parts = 0

    def fails_after_two(self: PartScorer, *arguments: Any, **named: Any) -> Any:
        nonlocal num_parts
        num_parts += 1
        if num_parts == 3:
            raise EnformerVepError("stopped by the test")
        return whole(self, *arguments, **named)

    monkeypatch.setattr(PartScorer, "score", fails_after_two)
    score("out.parquet", "--gene-window", window, exit_code=1)
    monkeypatch.undo()
    score("out.parquet", "--gene-window", window, "--gene-bins", "10", "--resume", exit_code=2)
    assert "had genes.bins 3, this one has 10" in capsys.readouterr().err
    out = score("out.parquet", "--gene-window", window, "--resume")
    assert genes_of(out) == genes_of(undisturbed)
    before = out.stat().st_mtime_ns
    score("out.parquet", "--gene-window", window, "--resume")  # nothing is left to do
    assert out.stat().st_mtime_ns == before
    Path(f"{out}.genes.parquet").unlink()
    assert genes_of(score("out.parquet", "--gene-window", window, "--resume")) == genes_of(undisturbed)


def test_a_table_that_exists_is_kept(score: Score, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "out.tsv.genes.tsv"
    mine.write_text("mine\n")
    score("out.tsv", exit_code=2)
    assert "out.tsv.genes.tsv exists" in capsys.readouterr().err
    score("out.tsv", "--resume", exit_code=2)
    assert mine.read_text() == "mine\n"
