"""Shards and their merger: together they are a single run, byte for byte."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from enformer_vep.cli import main
from enformer_vep.io.tables import row_writer
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.weights import save_model
from enformer_vep.run.score.parts import Part, WorkFolder
from enformer_vep.run.score.results import RUN_METADATA
from enformer_vep.run.settings import Shard
from tests import scored_vcfs
from tests.score_tables import LAYOUTS
from tests.support import random_sequence, write_fasta, write_vcf

CONTIG = random_sequence(8_000)
NUM_ALLELES = 26


@pytest.fixture(scope="module")
def vcf(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A VCF of 26 alleles, five of which are skipped."""
    records = []
    for i in range(NUM_ALLELES // 2):
        pos = 2000 + 50 * i
        ref = CONTIG[pos - 1]
        records.append(("chr1", pos, f"v{i}", ref, f"{'CGTA'['ACGT'.index(ref)]},{'*' if i % 3 == 0 else ref + 'TT'}"))
    return write_vcf(tmp_path_factory.mktemp("merge") / "input.vcf", records)


def write_shards(vcf: str, folder: Path, num_shards: int, suffix: str, **options: Any) -> list[str]:
    """Writes what `score --shard` would write, with made-up scores."""
    folder.mkdir(exist_ok=True)
    return [
        str(scored_vcfs.score(vcf, folder / f"shard{k}{suffix}", shard=Shard(k, num_shards), **options))
        for k in range(1, num_shards + 1)
    ]


def beside(out: Path | str) -> dict[str, bytes]:
    """The files that are the same bytes in a single run, by what is added to its name."""
    path = Path(out)
    found = {each.name.removeprefix(path.name): each.read_bytes() for each in path.parent.glob(f"{path.name}*")}
    del found[".run.json"]
    return found


def merged(vcf: str, tmp_path: Path, suffix: str, num_shards: int, **options: Any) -> dict[str, Any]:
    """Merges made-up shards, which must be the bytes of a single run; returns the record."""
    single = scored_vcfs.score(vcf, tmp_path / f"single{suffix}", **options)
    parts = write_shards(vcf, tmp_path / "shards", num_shards, suffix, **options)
    out = tmp_path / f"merged{suffix}"
    assert main(["merge", str(out), *reversed(parts)]) == 0
    assert beside(out) == beside(single)
    records = [json.loads(Path(f"{path}.run.json").read_text()) for path in (out, single)]
    assert records[0]["counts"] == records[1]["counts"]
    return dict(records[0])


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_merged_shards_are_a_single_run(
    name: str, layout: str, vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", 4)
    options: dict[str, Any] = {"layout": layout, "summary": "beside", "has_percentiles": True}
    record = merged(vcf, tmp_path, name.removeprefix("s"), 3, **options)
    assert [shard["number"] for shard in record["merged_from"]] == [1, 2, 3]


@pytest.mark.parametrize("suffix", [".parquet", ".tsv.gz"])
def test_merged_summaries_are_a_single_run(
    suffix: str, vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", 4)
    merged(vcf, tmp_path, suffix, 2, summary="only")
    assert not Path(f"{tmp_path}/merged{suffix}.summary.tsv").exists()


@pytest.mark.parametrize("suffix", [".parquet", ".tsv"])
@pytest.mark.parametrize("columns", ["summary", "tracks"])
def test_merged_genes_are_a_single_run(
    suffix: str, columns: str, vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", 3)
    record = merged(vcf, tmp_path, suffix, 3, gene_columns=columns, summary="beside")
    assert record["counts"]["gene_rows"] > 10


def test_more_shards_than_alleles(tmp_path: Path) -> None:
    merged(write_vcf(tmp_path / "input.vcf", [("chr1", 2000, "v", "C", "CA,*")]), tmp_path, ".tsv", 5)


@pytest.mark.slow
def test_shards_may_be_scored_in_different_places(
    vcf: str, model: Enformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole commands, from the VCF to the merged table, whose names are those that they have by default."""
    save_model(model, tmp_path / "model")
    places = [tmp_path / name for name in ("single", "scratch1", "scratch2", "scratch3")]
    for number, place in enumerate(places):
        place.mkdir()
        write_fasta(place / "genome.fa", {"chr1": CONTIG})
        shutil.copy(vcf, place / "mine.vcf")
        monkeypatch.chdir(place)
        command = ["score", "mine.vcf", "-f", "genome.fa", "-m", str(tmp_path / "model"), "--part-size", "4"]
        assert main([*command, "--summary", "-q", *(["--shard", f"{number}/3"] if number else [])]) == 0
    parts = [place / f"mine.model.{number}-of-3.parquet" for number, place in enumerate(places[1:], start=1)]
    shard = {"number": 2, "of": 3, "first_allele": 8, "end_allele": 17, "num_alleles": NUM_ALLELES}
    assert json.loads(Path(f"{parts[1]}.run.json").read_text())["shard"] == shard
    assert json.loads(pq.read_schema(parts[1]).metadata[RUN_METADATA])["shard"] == shard
    assert main(["merge", str(tmp_path / "merged.parquet"), *map(str, parts)]) == 0
    assert beside(tmp_path / "merged.parquet") == beside(places[0] / "mine.model.parquet")


@pytest.fixture
def shards(vcf: str, tmp_path: Path) -> list[str]:
    return write_shards(vcf, tmp_path / "shards", 3, ".tsv", summary="beside")


def refuse(out: Path, parts: Sequence[str], message: str, capsys: pytest.CaptureFixture, exit_code: int = 2) -> None:
    capsys.readouterr()
    assert main(["merge", str(out), *parts]) == exit_code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()
    assert not Path(f"{out}.parts").exists()


def lose_the_last_line(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def test_gaps_and_doubles_are_refused(shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out.tsv"
    refuse(out, shards[:1], "missing 2 of 3 shards: 2/3, 3/3", capsys)
    refuse(out, [shards[0], shards[2]], "missing 1 of 3 shards: 2/3", capsys)
    refuse(out, [*shards, shards[1]], "shard 2/3 is duplicated: expected it once, found 2", capsys)


@pytest.mark.parametrize("shift", [-1, 1], ids=["overlap", "gap"])
def test_shards_that_do_not_follow_one_another_are_refused(
    shift: int, shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = Path(f"{shards[1]}.run.json")
    record = json.loads(path.read_text())
    record["shard"]["first_allele"] += shift
    path.write_text(json.dumps(record))
    refuse(tmp_path / "out.tsv", shards, f"{shards[1]} does not start where the previous shard ends", capsys)


def test_shards_of_different_runs_are_refused(
    vcf: str, shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    options: dict[str, Any] = {"summary": "beside"}
    other = scored_vcfs.score(vcf, tmp_path / "other.tsv", shard=Shard(3, 3), statistics=("SADR", "SAR"), **options)
    refuse(tmp_path / "out.tsv", [*shards[:2], str(other)], "belongs to a different run", capsys)
    other = scored_vcfs.score(vcf, tmp_path / "another.tsv", shard=Shard(3, 4), **options)
    refuse(tmp_path / "out.tsv", [*shards[:2], str(other)], "belongs to a different division", capsys)


def test_what_is_no_shard_is_refused(
    vcf: str, shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    whole = str(scored_vcfs.score(vcf, tmp_path / "whole.tsv"))
    out = tmp_path / "out.tsv"
    refuse(out, [whole], "is not a shard", capsys)
    refuse(out, [*shards[:2], str(tmp_path / "none.tsv")], "no such file", capsys)
    refuse(tmp_path / "out.parquet", shards, "differ in format", capsys)
    refuse(out, ["a.txt"], "cannot tell the format", capsys)


def test_a_shard_without_its_whole_summary_is_refused(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    summary = Path(f"{shards[1]}.summary.tsv")
    lose_the_last_line(summary)
    message = "the shards summarize 20 alleles, but their run records say 21: score"
    refuse(tmp_path / "out.tsv", shards, message, capsys, exit_code=1)
    summary.unlink()
    refuse(tmp_path / "out.tsv", shards, f"no such file: {summary}", capsys)


def test_shards_that_lost_or_gained_genes_are_refused(vcf: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parts = write_shards(vcf, tmp_path / "shards", 2, ".tsv", gene_columns="summary")
    genes = Path(f"{parts[0]}.genes.tsv")
    whole = genes.read_text()
    genes.write_text(whole + whole.splitlines(keepends=True)[-1])
    refuse(tmp_path / "out.tsv", parts, "the shards' tables of genes have", capsys, exit_code=1)
    genes.write_text(whole)
    lose_the_last_line(genes)
    refuse(tmp_path / "out.tsv", parts, "the shards' tables of genes have", capsys, exit_code=1)
    genes.unlink()
    refuse(tmp_path / "out.tsv", parts, f"no such file: {genes}", capsys)
    parts[1] = write_shards(vcf, tmp_path / "others", 2, ".tsv", gene_columns="tracks")[1]
    parts[0] = write_shards(vcf, tmp_path / "again", 2, ".tsv", gene_columns="summary")[0]
    refuse(tmp_path / "out.tsv", parts, "genes.columns is tracks, not summary", capsys)


def test_damaged_parquet_is_one_line(vcf: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parts = write_shards(vcf, tmp_path / "shards", 2, ".parquet")
    whole = Path(parts[1]).read_bytes()
    Path(parts[1]).write_bytes(whole[: len(whole) // 2])
    refuse(tmp_path / "out.parquet", parts, "is not a Parquet file, or is damaged", capsys)


def test_merge_leaves_an_unfinished_run_alone(shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with WorkFolder(tmp_path / "out.tsv.parts") as work:
        work.write_part(0, Part([], np.empty((0, 1), np.float32), []))
    assert main(["merge", str(tmp_path / "out.tsv"), *shards]) == 2
    assert "an unfinished run is in" in capsys.readouterr().err
    assert list((tmp_path / "out.tsv.parts").glob("part-*"))


def test_a_shard_that_lost_rows_is_an_error(shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    lose_the_last_line(Path(shards[1]))
    refuse(tmp_path / "out.tsv", shards, "their run records say", capsys, exit_code=1)


def test_a_shard_with_other_columns_is_an_error(
    vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """It was changed after it was scored, since the tracks of its run are those of the other shard."""
    shards = write_shards(vcf, tmp_path / "shards", 2, ".parquet")
    changed = pq.read_table(shards[1])
    last = changed.column_names[-1]
    for other in (changed.drop_columns([last]), changed.rename_columns([*changed.column_names[:-1], "other"])):
        pq.write_table(other, shards[1])
        monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", 10)
        refuse(tmp_path / "out.parquet", shards, "2.parquet are not those of", capsys, exit_code=1)


def test_a_shard_with_another_header_is_an_error(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = Path(shards[1])
    path.write_text(path.read_text().replace("SAD:ENC1", "SAD:ENC9", 1))
    refuse(tmp_path / "out.tsv", shards, f"the columns of {path} differ from those of {shards[0]}", capsys)


def test_an_output_that_exists_is_kept(shards: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.tsv"
    out.write_text("mine")
    assert main(["merge", str(out), *shards]) == 2
    assert out.read_text() == "mine"
    assert main(["merge", str(out), *shards, "--overwrite"]) == 0
    assert out.read_text().startswith("chrom\t")
