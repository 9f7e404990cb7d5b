"""Shards and their merger: together they are a single run, byte for byte."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from enformer_vep.cli import main
from enformer_vep.io.tables import formats as table
from enformer_vep.io.tables import summary_table
from enformer_vep.model.weights import save_model
from enformer_vep.run.score import merge
from enformer_vep.run.score.parts import Part
from enformer_vep.run.score.results import RUN_METADATA
from enformer_vep.run.score.work_folder import WorkFolder
from tests.support import TINY_CONFIG, random_sequence, reference_model, write_fasta, write_vcf

CONTIG = random_sequence(8_000)
NUM_ALLELES = 26


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("merge")
    save_model(reference_model(TINY_CONFIG), folder / "model")
    write_fasta(folder / "genome.fa", {"chr1": CONTIG})
    records = []
    for i in range(NUM_ALLELES // 2):
        pos = 2000 + 50 * i
        ref = CONTIG[pos - 1]
        records.append(("chr1", pos, f"v{i}", ref, f"{'CGTA'['ACGT'.index(ref)]},{'*' if i % 3 == 0 else ref + 'TT'}"))
    write_vcf(folder / "input.vcf", records)
    return folder


def score(inputs: Path, out: Path, *more: str) -> Path:
    command = ["score", str(inputs / "input.vcf"), "-f", str(inputs / "genome.fa"), "-m", str(inputs / "model")]
    assert main([*command, "-o", str(out), "-q", *more]) == 0
    return out


def score_shards(inputs: Path, folder: Path, num_shards: int, suffix: str, *more: str) -> list[str]:
    folder.mkdir(exist_ok=True)
    return [
        str(score(inputs, folder / f"shard{k}{suffix}", "--shard", f"{k}/{num_shards}", *more))
        for k in range(1, num_shards + 1)
    ]


@pytest.mark.parametrize(
    ("suffix", "layout"),
    [
        (".parquet", "wide"),
        pytest.param(".parquet", "list", marks=pytest.mark.slow),
        pytest.param(".parquet", "long", marks=pytest.mark.slow),
        pytest.param(".tsv", "wide", marks=pytest.mark.slow),
        pytest.param(".tsv", "long", marks=pytest.mark.slow),
        pytest.param(".tsv.gz", "wide", marks=pytest.mark.slow),
    ],
)
def test_merged_shards_are_a_single_run(
    suffix: str, layout: str, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "ROW_GROUP_ROWS", 4)
    options = ["--layout", layout, "--stats", "SAD,SAR", "--summary"]
    single = score(inputs, tmp_path / f"single{suffix}", *options)
    parts = score_shards(inputs, tmp_path / "shards", 3, suffix, *options)
    merged = tmp_path / f"merged{suffix}"
    assert main(["merge", str(merged), *reversed(parts)]) == 0
    assert merged.read_bytes() == single.read_bytes()
    for beside in (".skipped.tsv", ".summary.tsv", ".tracks.tsv")[: 3 if suffix != ".parquet" else 2]:
        assert Path(f"{merged}{beside}").read_bytes() == Path(f"{single}{beside}").read_bytes()
    records = [json.loads(Path(f"{path}.run.json").read_text()) for path in (merged, single)]
    assert records[0]["counts"] == records[1]["counts"]
    assert [shard["number"] for shard in records[0]["merged_from"]] == [1, 2, 3]
    assert not Path(f"{merged}.parts").exists()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".tsv.gz"])
def test_merged_summaries_are_a_single_run(
    suffix: str, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (summary_table, merge):
        monkeypatch.setattr(module, "ROW_GROUP_ROWS", 4)
    single = score(inputs, tmp_path / f"single{suffix}", "--summary-only")
    parts = score_shards(inputs, tmp_path / "shards", 2, suffix, "--summary-only")
    merged = tmp_path / f"merged{suffix}"
    assert main(["merge", str(merged), *parts]) == 0
    assert merged.read_bytes() == single.read_bytes()
    assert not Path(f"{merged}.summary.tsv").exists()


@pytest.mark.slow
def test_a_shard_without_its_whole_summary_is_refused(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = score_shards(inputs, tmp_path / "shards", 2, ".tsv", "--summary")
    summary = Path(f"{parts[1]}.summary.tsv")
    lines = summary.read_text().splitlines(keepends=True)
    summary.write_text("".join(lines[:-1]))
    assert main(["merge", str(tmp_path / "merged.tsv"), *parts]) == 1
    assert "the shards summarize 20 alleles, but their run records say 21: score" in capsys.readouterr().err
    summary.unlink()
    assert main(["merge", str(tmp_path / "merged.tsv"), *parts]) == 2
    assert f"no such file: {summary}" in capsys.readouterr().err
    assert not (tmp_path / "merged.tsv").exists()


@pytest.mark.slow
def test_more_shards_than_alleles(inputs: Path, tmp_path: Path) -> None:
    for name in ("model", "genome.fa"):
        (tmp_path / name).symlink_to(inputs / name)
    write_vcf(tmp_path / "input.vcf", [("chr1", 2000, "v", CONTIG[1999], CONTIG[1999] + "A,*")])
    single = score(tmp_path, tmp_path / "single.tsv")
    parts = score_shards(tmp_path, tmp_path / "shards", 5, ".tsv")
    assert main(["merge", str(tmp_path / "merged.tsv"), *parts]) == 0
    assert (tmp_path / "merged.tsv").read_bytes() == single.read_bytes()


@pytest.mark.slow
def test_a_shard_says_what_it_is(inputs: Path, tmp_path: Path) -> None:
    out = score(inputs, tmp_path / "out.parquet", "--shard", "2/3")
    shard = {"number": 2, "of": 3, "first_allele": 8, "end_allele": 17, "num_alleles": 26}
    assert json.loads(Path(f"{out}.run.json").read_text())["shard"] == shard
    assert json.loads(pq.read_schema(out).metadata[RUN_METADATA])["shard"] == shard


@pytest.fixture(scope="module")
def shards(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return score_shards(inputs, tmp_path_factory.mktemp("shards"), 3, ".tsv")


def refuse(out: Path, parts: list[str], message: str, capsys: pytest.CaptureFixture, exit_code: int = 2) -> None:
    capsys.readouterr()
    assert main(["merge", str(out), *parts]) == exit_code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()
    assert not Path(f"{out}.parts").exists()


@pytest.mark.slow
def test_gaps_and_doubles_are_refused(shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out.tsv"
    refuse(out, shards[:1], "missing 2 of 3 shards: 2/3, 3/3", capsys)
    refuse(out, [shards[0], shards[2]], "missing 1 of 3 shards: 2/3", capsys)
    refuse(out, [*shards, shards[1]], "shard 2/3 is duplicated: expected it once, found 2", capsys)


@pytest.mark.slow
def test_shards_of_different_runs_are_refused(
    inputs: Path, shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    other = str(score(inputs, tmp_path / "other.tsv", "--shard", "3/3", "--stats", "SADR"))
    refuse(tmp_path / "out.tsv", [*shards[:2], other], "belongs to a different run", capsys)
    other = str(score(inputs, tmp_path / "another.tsv", "--shard", "3/4"))
    refuse(tmp_path / "out.tsv", [*shards[:2], other], "belongs to a different division", capsys)


@pytest.mark.slow
def test_what_is_no_shard_is_refused(
    inputs: Path, shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    whole = str(score(inputs, tmp_path / "whole.tsv"))
    out = tmp_path / "out.tsv"
    refuse(out, [whole], "is not a shard", capsys)
    refuse(out, [*shards[:2], str(tmp_path / "none.tsv")], "no such file", capsys)
    refuse(tmp_path / "out.parquet", shards, "differ in format", capsys)
    refuse(out, ["a.txt"], "cannot tell the format", capsys)


@pytest.mark.slow
def test_damaged_parquet_is_one_line(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parts = score_shards(inputs, tmp_path / "shards", 2, ".parquet")
    whole = Path(parts[1]).read_bytes()
    Path(parts[1]).write_bytes(whole[: len(whole) // 2])
    refuse(tmp_path / "out.parquet", parts, "is not a Parquet file, or is damaged", capsys)


@pytest.mark.slow
def test_shards_may_be_scored_in_different_places(inputs: Path, tmp_path: Path) -> None:
    single = score(inputs, tmp_path / "single.parquet")
    parts = []
    for k in (1, 2):
        place = tmp_path / f"scratch{k}"
        shutil.copytree(inputs, place)
        parts.append(str(score(place, place / "out.parquet", "--shard", f"{k}/2")))
    assert main(["merge", str(tmp_path / "merged.parquet"), *parts]) == 0
    assert (tmp_path / "merged.parquet").read_bytes() == single.read_bytes()


@pytest.mark.slow
def test_merge_leaves_an_unfinished_run_alone(
    inputs: Path, shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with WorkFolder(tmp_path / "out.tsv.parts") as work:
        work.write_part(0, Part([], np.empty((0, 1), np.float32), []))
    assert main(["merge", str(tmp_path / "out.tsv"), *shards]) == 2
    assert "an unfinished run is in" in capsys.readouterr().err
    assert list((tmp_path / "out.tsv.parts").glob("part-*"))


@pytest.mark.slow
def test_shards_are_named_apart_by_default(inputs: Path, tmp_path: Path) -> None:
    vcf = tmp_path / "mine.vcf"
    shutil.copy(inputs / "input.vcf", vcf)
    command = ["score", str(vcf), "-f", str(inputs / "genome.fa"), "-m", str(inputs / "model"), "-q"]
    assert main([*command, "--shard", "2/3"]) == 0
    assert (tmp_path / "mine.model.2-of-3.parquet").exists()


@pytest.mark.slow
def test_a_shard_that_lost_rows_is_an_error(shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    copies = []
    for shard in shards:
        for path in Path(shard).parent.glob(f"{Path(shard).name}*"):
            shutil.copy(path, tmp_path / path.name)
        copies.append(str(tmp_path / Path(shard).name))
    lines = Path(copies[1]).read_text().splitlines(keepends=True)
    Path(copies[1]).write_text("".join(lines[:-1]))
    refuse(tmp_path / "out.tsv", copies, "their run records say", capsys, exit_code=1)


@pytest.mark.slow
def test_a_shard_with_other_columns_is_an_error(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """It was changed after it was scored, since the tracks of its run are those of the other shard."""
    shards = [str(score(inputs, tmp_path / f"{name}.parquet", "--shard", f"{name}/2")) for name in (1, 2)]
    changed = pq.read_table(shards[1])
    last = changed.column_names[-1]
    for other in (changed.drop_columns([last]), changed.rename_columns([*changed.column_names[:-1], "other"])):
        pq.write_table(other, shards[1])
        monkeypatch.setattr(table, "ROW_GROUP_ROWS", 10)
        refuse(tmp_path / "out.parquet", shards, "2.parquet are not those of", capsys, exit_code=1)


@pytest.mark.slow
def test_an_output_that_exists_is_kept(shards: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.tsv"
    out.write_text("mine")
    assert main(["merge", str(out), *shards]) == 2
    assert out.read_text() == "mine"
    assert main(["merge", str(out), *shards, "--overwrite"]) == 0
    assert out.read_text().startswith("chrom\t")
