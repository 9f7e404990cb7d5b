"""Saturations: the scores that `score` gives the same alleles, in each format, however a run goes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from enformer_vep.cli import main
from enformer_vep.demo.files import write_demo
from enformer_vep.run.score.scorer import VariantScorer
from tests.pipeline_runs import GENOME, HUMAN
from tests.run.explain.saturations import command, records, saturate, score, substitutions
from tests.support import ZARR, needs_bfloat16, needs_zarr, write_vcf

SHARED = ("--window", "shared:1000")


def open_zarr(path: Path) -> Any:
    import zarr

    return zarr.open_group(path, mode="r")


def arrays(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {name: file[name] for name in file.files if name != "attributes"}
    group = open_zarr(path)
    return {name: array[:] for name, array in group.arrays()}


def attributes(path: Path) -> dict:
    if path.suffix == ".npz":
        with np.load(path) as file:
            return json.loads(str(file["attributes"]))
    return dict(open_zarr(path).attrs)


def test_the_table_is_that_of_score_bit_for_bit(folder: Path, tmp_path: Path) -> None:
    assert saturate(folder, tmp_path / "out.parquet", "1:3000-3014", "--deletions", "3") == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    expected = score(folder, tmp_path, records("chr1", 3000, 3014, 3), *SHARED)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert len(table) == 3 * 15 + 15 + 14 + 13
    assert {path.name for path in tmp_path.glob("out*")} == {
        f"out.parquet{end}" for end in ("", ".run.json", ".skipped.tsv")
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("max_deletion_bp", "words"),
    [
        (0, ("--stats", "D2", "--window", "grid", "--reverse-complement")),
        (2, (*SHARED, "--shifts", "-3,0", "--bins", "centre:300", "--indels", "average")),
        pytest.param(0, (*SHARED, "--precision", "mixed", "--tracks", "4,1"), marks=needs_bfloat16),
        (0, ("--engine", "full", "--window", "centred")),
    ],
)
def test_options_mean_what_they_mean_in_score(
    folder: Path, tmp_path: Path, max_deletion_bp: int, words: tuple[str, ...]
) -> None:
    expected = score(folder, tmp_path, records("chr2", 300, 305, max_deletion_bp), *words)
    same = ["--stat" if word == "--stats" else word for word in words]
    deletions = ("--deletions", str(max_deletion_bp))
    assert saturate(folder, tmp_path / "out.parquet", "chr2:300-305", *same, *deletions) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected, check_exact=True)


@pytest.mark.full
def test_200_bp_of_the_demo_are_600_variants_of_score(tmp_path: Path) -> None:
    write_demo(*(tmp_path / name for name in ("genome.fa", "demo.vcf", "genes.gtf")))
    common = ["-f", str(tmp_path / "genome.fa"), "-m", "demo", "-q"]
    out, expected = tmp_path / "out.parquet", tmp_path / "scores.parquet"
    assert main(["saturate", "made_up_1:100001-100200", *common, "-o", str(out)]) == 0
    alleles = pd.read_parquet(out)[["chrom", "pos", "id", "ref", "alt"]]
    assert len(alleles) == 600
    vcf = write_vcf(tmp_path / "same.vcf", list(alleles.itertuples(index=False)))
    assert main(["score", vcf, *common, *SHARED, "-o", str(expected)]) == 0
    changes, scores = (pd.read_parquet(path).drop(columns=["record", "allele"]) for path in (out, expected))
    pd.testing.assert_frame_equal(changes, scores, check_exact=True)


@pytest.mark.parametrize("suffix", [pytest.param(".npz", marks=pytest.mark.slow), ZARR])
def test_arrays_have_the_numbers_of_the_table(folder: Path, tmp_path: Path, suffix: str) -> None:
    bed = tmp_path / "some.bed"
    bed.write_text("chr2\t400\t402\nchr1\t46\t56\nchr1\t54\t58\n")  # the first 50 bases are N
    words = (str(bed), "--deletions", "2")
    out = tmp_path / f"out{suffix}"
    assert saturate(folder, tmp_path / "out.parquet", *words) == 0
    assert saturate(folder, out, *words) == 0
    table, saved = pd.read_parquet(tmp_path / "out.parquet"), arrays(out)
    one, two = table[table["chrom"] == "chr1"], table[table["chrom"] == "chr2"]
    expected = [substitutions(one, "chr1", 47, 58, HUMAN), substitutions(two, "chr2", 401, 402, HUMAN)]
    np.testing.assert_array_equal(saved["effects"], np.concatenate(expected))
    assert saved["effects"].dtype == np.float32
    assert np.isnan(saved["effects"][:4]).all()
    assert saved["pos"].tolist() == [*range(47, 59), 401, 402]
    assert saved["contig"].tolist() == ["chr1"] * 12 + ["chr2"] * 2
    letters = GENOME["chr1"][46:58] + GENOME["chr2"][400:402]
    assert saved["codes"].tolist() == ["ACGTN".index(letter) for letter in letters]
    assert saved["tracks"].tolist() == [f"human_{track}" for track in range(5)]
    deleted = one[(one["pos"] == 54) & (one["ref"].str.len() == 3)]
    np.testing.assert_array_equal(saved["deletions"][8, 1], deleted[HUMAN].to_numpy()[0])  # of 55 and 56
    # The first base that is not N has N before it: its deletion stands with the base behind.
    with_next = one[(one["pos"] == 51) & (one["ref"] == GENOME["chr1"][50:52]) & (one["alt"] == GENOME["chr1"][51])]
    np.testing.assert_array_equal(saved["deletions"][4, 0], with_next[HUMAN].to_numpy()[0])
    assert np.isnan(saved["deletions"][[0, 11, 13], 1]).all()
    described = attributes(out)
    assert (described["statistic"], described["mean_of"]) == ("SAD", None)
    assert described["enformer_vep.run"] == json.loads(
        pyarrow.parquet.read_schema(tmp_path / "out.parquet").metadata[b"enformer_vep.run"]
    )
    record = json.loads((tmp_path / f"out{suffix}.run.json").read_text())
    assert record["saturation"]["num_unknown_bases"] == 4
    assert record["saturation"]["num_bases"] == 14
    assert record["saturation"]["num_deletions_left_out"] == 8  # of 1 and 2 bp, at each N
    assert record["counts"]["alleles_scored"] == len(table)
    assert (tmp_path / f"out{suffix}.tracks.tsv").exists()
    assert not (tmp_path / f"out{suffix}.parts").exists()


def test_changes_without_a_score_are_listed_and_nan(folder: Path, tmp_path: Path) -> None:
    words = ("chr1:5990-5993", "chr1:100-101", "--bins", "chr1:5800-6000")
    assert saturate(folder, tmp_path / "out.npz", *words) == 0
    saved = arrays(tmp_path / "out.npz")
    assert saved["pos"].tolist() == [100, 101, *range(5990, 5994)]
    assert np.isnan(saved["effects"][:2]).sum() == 2 * 3 * 5  # all but their own letters, which are 0
    assert np.isfinite(saved["effects"][2:]).all()
    skipped = pd.read_csv(tmp_path / "out.npz.skipped.tsv", sep="\t")
    assert list(skipped["reason"]) == ["outside_bins"] * 6


@pytest.mark.parametrize("suffix", [pytest.param(".npz", marks=pytest.mark.slow), ZARR])
def test_a_resumed_run_writes_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, suffix: str
) -> None:
    words = ("chr1:3000-3009", "--part-size", "7")
    (tmp_path / "whole").mkdir()
    out = tmp_path / f"out{suffix}"
    assert saturate(folder, tmp_path / "whole" / out.name, *words) == 0
    calls = []

    def stop_after_two(scorer: VariantScorer, *arguments: object, **more: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return scored(scorer, *arguments, **more)

    scored = VariantScorer.score_with_genes
    monkeypatch.setattr(VariantScorer, "score_with_genes", stop_after_two)
    assert saturate(folder, out, *words) == 130
    monkeypatch.setattr(VariantScorer, "score_with_genes", scored)
    assert len(list((tmp_path / f"{out.name}.parts").glob("part-*.arrow"))) == 2
    assert not out.exists()
    assert saturate(folder, out, *words) == 2  # an unfinished run is there
    (tmp_path / f"{out.name}.parts" / "whole-out.zarr").mkdir()  # what a run leaves that is killed as it writes
    assert saturate(folder, out, *words, "--resume") == 0
    assert contents(out) == contents(tmp_path / "whole" / out.name)
    assert saturate(folder, out, *words, "--resume") == 0  # which finds it done
    assert saturate(folder, out, *words) == 2
    assert saturate(folder, out, "chr1:3000-3001", "--resume") == 2
    assert "had saturation.num_bases 10, this one has 2; use the same options" in capsys.readouterr().err
    assert saturate(folder, out, "chr1:3000-3001", "--overwrite") == 0
    assert contents(out) != contents(tmp_path / "whole" / out.name)


def contents(path: Path) -> dict[str, bytes]:
    files = path.rglob("*") if path.is_dir() else [path]
    return {str(file.relative_to(path)): file.read_bytes() for file in files if file.is_file()}


def test_shards_merge_to_the_bytes_of_a_single_run(folder: Path, tmp_path: Path) -> None:
    words = ("chr1:3000-3006", "--deletions", "1")
    assert saturate(folder, tmp_path / "single.parquet", *words) == 0
    parts = [tmp_path / f"part{number}.parquet" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        assert saturate(folder, part, *words, "--shard", f"{number}/3") == 0
    assert main(["merge", str(tmp_path / "merged.parquet"), *map(str, parts), "-q"]) == 0
    assert (tmp_path / "merged.parquet").read_bytes() == (tmp_path / "single.parquet").read_bytes()


BAD = {
    "outside": (("chr1:9000-9100",), "lies outside chr1"),
    "unknown": (("chr9:1-10",), "the FASTA has no contig chr9"),
    "n_alone": (("chr1:1-50",), "chr1:1-50 has no base but N, which cannot be changed"),
    "tracks": (("chr1:60-61", "--tracks", "7"), "human"),
    "too_many": (
        ("chr1:100-299", "--max-alleles", "599"),
        "takes 600 alleles, which take the official model about 22 min on two CPU cores: expected at most 599 alleles",
    ),
    "several": (("chr1:60-61", "--stat", "SAD,SAR"), "expected one statistic, found 2"),
    "prediction": (("chr1:60-61", "--stat", "REF"), "--stat REF is a prediction, not the effect of a change"),
    "backwards": (("chr1:61-60",), "before its start"),
    "bins": (("chr1:60-61", "--bins", "chr1:5000-5100"), "--bins chr1:5000-5100 lies outside the bins of every window"),
    "shared": (("chr1:60-61", "--window", "shared:2000"), "the distance of shared:BP must be 128 to 1024 bp"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, name: str) -> None:
    words, message = BAD[name]
    assert saturate(folder, tmp_path / "out.npz", *words) == 2
    error = capsys.readouterr().err
    assert error.startswith("enformer-vep: error: ")
    assert error.count("\n") == 1
    assert message in error
    assert list(tmp_path.iterdir()) == []


def test_regions_that_are_too_long_to_list_say_what_they_would_cost(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("enformer_vep.run.explain.saturate.MAX_BASES", 6000)
    assert saturate(folder, tmp_path / "out.npz", "chr1", "chr2:1-5", "--max-alleles", "100000") == 2
    error = capsys.readouterr().err
    cost = "18,387 alleles, which take the official model about 11 h 14 min on two CPU cores"
    assert f"chr1, chr2:1-5 (6,129 bp) takes {cost}: expected at most 6,000 bp; choose smaller regions" in error


@pytest.mark.parametrize(
    ("out", "more", "message"),
    [
        ("out.tsv", (), "expected a name that ends in .parquet, .npz, .zarr"),
        ("-", (), "cannot be written to standard output"),
        ("out.npz", ("--shard", "1/2"), "make arrays of the result with 'derive --effects'"),
        ("none/out.npz", (), "does not exist"),
        pytest.param("foreign.zarr", ("--overwrite",), "has other files than this command writes", marks=needs_zarr),
    ],
)
def test_outputs_that_cannot_be_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, out: str, more: tuple[str, ...], message: str
) -> None:
    (tmp_path / "foreign.zarr").mkdir()
    (tmp_path / "foreign.zarr" / "photo").write_text("keep")
    arguments = command(folder, tmp_path / "x", "chr1:60-61", *more)
    arguments[arguments.index(str(tmp_path / "x"))] = out if out == "-" else str(tmp_path / out)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert (tmp_path / "foreign.zarr" / "photo").read_text() == "keep"


def test_what_it_costs_is_said_first(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = command(folder, tmp_path / "out.parquet", "chr1:49-54", "--deletions", "1", "--shard", "2/2")
    assert main([word for word in arguments if word != "-q"]) == 0
    lines = capsys.readouterr().err.splitlines()
    # Four bases have three substitutions and a deletion each; this is half of them.
    cost = "8 alleles, which take the official model about 18 s on two CPU cores"
    assert lines[:3] == [
        f"enformer-vep: chr1:49-54 (6 bp): {cost}",
        "enformer-vep: 2 of them are N, which have no substitutions",
        "enformer-vep: 2 deletions left out: they would delete N, or have N on both sides",
    ]
