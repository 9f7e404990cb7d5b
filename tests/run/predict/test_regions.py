"""Predicted tracks of regions: the full engine's numbers on every bin, in files that are whole or not there."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyBigWig
import pytest

from enformer_vep.cli import main
from enformer_vep.model.enformer import Enformer
from enformer_vep.run.predict import regions
from tests.pipeline_runs import GENOME
from tests.run.predict.predict_runs import LENGTHS, expected_bins, full, predict, read, tolerance


@pytest.mark.parametrize("engine", ["reusing", "full"])
def test_every_bin_of_the_genome_is_the_full_engines(
    folder: Path, tmp_path: Path, model: Enformer, engine: str
) -> None:
    assert predict(folder, tmp_path / "out", *GENOME, "--tracks", "3,0", "--engine", engine) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "human_0.bw",
        "human_3.bw",
        "tracks.tsv",
        "run.json",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    for contig, length in LENGTHS.items():
        values = expected_bins(model, contig)
        for track in (3, 0):
            lines = read(tmp_path / "out", track, contig)
            assert [line[:2] for line in lines] == [(at, min(at + 128, length)) for at in range(0, length, 128)]
            given = np.float32([line[2] for line in lines])
            allowed = tolerance(values) if engine == "reusing" else {"rtol": 0}
            np.testing.assert_allclose(given, values[:, track], **allowed)
    with pyBigWig.open(str(tmp_path / "out" / "human_0.bw")) as file:
        assert file.chroms() == LENGTHS
    tracks = pd.read_csv(tmp_path / "out" / "tracks.tsv", sep="\t")
    assert list(tracks["identifier"]) == ["human_3", "human_0"]


def test_the_table_has_the_same_numbers_and_says_what_was_run(folder: Path, tmp_path: Path, model: Enformer) -> None:
    bed = tmp_path / "some.bed"
    bed.write_text("chr2\t600\t700\nchr1\t1000\t3000\tname\nchr1\t2900\t4200\nchr1\t10\t20\nchr1\t5\t5\n")
    assert predict(folder, tmp_path / "out.parquet", str(bed), "1:4097-4097") == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert list(table.columns) == ["chrom", "start", "end", *(f"human_{track}" for track in range(5))]
    # 10-20 is in bin 0; 1,000-4,200 is in bins 7 to 32, of three windows; 600-700 is in bins 4 and 5.
    wanted = [("chr1", number) for number in (0, *range(7, 33))] + [("chr2", 4), ("chr2", 5)]
    assert list(zip(table["chrom"], table["start"], strict=True)) == [(name, 128 * number) for name, number in wanted]
    assert list(table["end"] - table["start"]) == [128] * 28 + [700 - 5 * 128]
    known = {contig: expected_bins(model, contig) for contig in ("chr1", "chr2")}
    expected = np.stack([known[contig][number] for contig, number in wanted])
    np.testing.assert_allclose(table.iloc[:, 3:].to_numpy(), expected, **tolerance(expected))
    assert {str(kind) for kind in table.dtypes[3:]} == {"float32"}

    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert json.loads(metadata[b"enformer_vep.tracks"])["identifier"] == [f"human_{track}" for track in range(5)]
    run = json.loads(metadata[b"enformer_vep.run"])
    course = json.loads((tmp_path / "out.parquet.run.json").read_text())
    assert run.items() <= course.items()
    assert (run["kind"], run["num_windows"], run["bins"]["num_bins"]) == ("predict", 4, 29)
    assert (run["tracks"]["num_tracks"], run["views"]) == (5, {"reverse_complement": False, "shifts": [0]})
    assert course["transformer_passes"] == 4
    assert course["command"].startswith(f"enformer-vep predict {bed}")


def test_a_bin_does_not_depend_on_the_region(folder: Path, tmp_path: Path) -> None:
    assert predict(folder, tmp_path / "all", "chr1", "--tracks", "2") == 0
    assert predict(folder, tmp_path / "some", "chr1:2,400-2,500", "--tracks", "2") == 0
    some = read(tmp_path / "some", 2, "chr1")
    assert [line[:2] for line in some] == [(2304, 2432), (2432, 2560)]
    assert some == read(tmp_path / "all", 2, "chr1")[18:20]
    assert read(tmp_path / "some", 2, "chr2") == []


@pytest.mark.slow
def test_the_mean_over_strands_and_shifts(folder: Path, tmp_path: Path, model: Enformer) -> None:
    words = ["chr1:2049-4096", "--reverse-complement", "--shifts", "-1,0,3"]
    assert predict(folder, tmp_path / "out.parquet", *words) == 0
    views = []
    for shift_bp in (-1, 0, 3):  # the sequence moves to the right, so its window begins further left
        start = 2048 - 512 - shift_bp
        views += [full(model, "chr1", start), full(model, "chr1", start, strand="-")[::-1]]
    table = pd.read_parquet(tmp_path / "out.parquet")
    mean = np.mean(views, axis=0)
    np.testing.assert_allclose(table.iloc[:, 3:].to_numpy(), mean, **tolerance(*views))
    assert not np.allclose(views[2], mean, **tolerance(*views))
    assert json.loads((tmp_path / "out.parquet.run.json").read_text())["transformer_passes"] == 6


def test_what_reaches_beyond_a_contig_is_cut_and_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    command = ["predict", "chr2:650-9000", "-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "--tracks", "0"]
    assert main([*command, "-o", str(tmp_path / "out")]) == 0
    assert [line[:2] for line in read(tmp_path / "out", 0, "chr2")] == [(640, 700)]
    lines = capsys.readouterr().err.splitlines()
    assert "enformer-vep: chr2:650-9000 reaches beyond the end of a contig: only its part up to there counts" in lines
    assert lines[-1].startswith("enformer-vep: predicted 1 bin of 1 track from 1 window in ")
    assert main([*command, "-o", str(tmp_path / "open"), "-q"]) == 0
    assert capsys.readouterr().err == ""


ERRORS = {
    "unknown contig": (
        ["chr3:5-9"],
        "region 'chr3:5-9': the FASTA has no contig chr3: expected one of chr1, chr2, chrM",
    ),
    "outside": (["chr2:701-800"], "region 'chr2:701-800' lies outside chr2, which has 700 bp: expected positions"),
    "in a BED file": (["{bed}"], "outside.bed': its interval chr2:701-710 lies outside chr2, which has 700 bp"),
    "no base": (["{empty}"], "empty.bed has no base: every interval ends where it starts"),
    "not a region": (["chr1:9-5"], "region 'chr1:9-5': it ends at 5, before its start 9"),
    "no BED file": (["none.bed"], "no such BED file: none.bed"),
    "too long": (
        ["chr1", "chr2", "--max-windows", "3", "--reverse-complement"],
        "4 windows, of which the official model predicts all in about 1 min on two CPU cores: expected at most 3; ",
    ),
    "no tracks": (["chr1", "--tracks", "9"], "no track '9' in the human head"),
    "other format": (["chr1", "-o", "x.bw"], "cannot write 'x.bw': expected the name of a folder"),
    "parent": (["chr1", "-o", "none/x"], "the output folder none does not exist: create it first"),
    "precision": (["chr1", "--precision", "mixed"], "'mixed' is not one of 'float32', 'tf32'"),
    "shift": (["chr1", "--shifts", "2000"], "a shift must be at most 768 bp"),
    "head": (["chr1", "--head", "rat"], "unknown head 'rat'"),
}


@pytest.mark.parametrize(("words", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_are_one_line_and_leave_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str], message: str
) -> None:
    files = {"bed": tmp_path / "outside.bed", "empty": tmp_path / "empty.bed"}
    files["bed"].write_text("chr1\t5\t10\nchr2\t700\t710\n")
    files["empty"].write_text("chr1\t5\t5\n")
    given = ["--tracks", "0", "-o", str(tmp_path / "out"), *(word.format(**files) for word in words)]
    command = ["predict", *given[4:5], *given[:4], *given[5:], "-f", f"{folder}/genome.fa", "-m", f"{folder}/model"]
    assert main(command) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("enformer-vep: error: ")
    assert message in error
    assert {path.name for path in tmp_path.iterdir()} == {"outside.bed", "empty.bed"}


def test_bigwigs_need_a_choice_of_tracks(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert predict(folder, tmp_path / "out", "chr1") == 2
    assert "which tracks? Each becomes a bigWig file: choose some with --tracks" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_tracks_that_cannot_name_a_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    names = ["a", "b/c", "start", "d", "e"]
    table = pd.DataFrame({"index": range(5), "identifier": names, "description": "DNASE:x"})
    table.to_csv(tmp_path / "tracks.txt", sep="\t", index=False)
    words = ["chrM", "--track-table", str(tmp_path / "tracks.txt")]
    assert predict(folder, tmp_path / "out", *words, "--tracks", "0,1") == 2
    assert "the track 'b/c' cannot name a file" in capsys.readouterr().err
    assert predict(folder, tmp_path / "out.parquet", *words) == 2
    assert "a track is named 'start', as a column of the table is" in capsys.readouterr().err
    assert predict(folder, tmp_path / "out", *words, "--tracks", "0,2") == 0
    assert (tmp_path / "out" / "start.bw").is_file()


def test_only_its_own_output_is_overwritten(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["chrM", "--tracks", "0"]
    assert predict(folder, tmp_path / "out", *words) == 0
    first = (tmp_path / "out" / "human_0.bw").read_bytes()
    assert predict(folder, tmp_path / "out", *words) == 2
    assert "exists: choose another output, or use --overwrite" in capsys.readouterr().err
    assert predict(folder, tmp_path / "out", "chrM", "--tracks", "1", "--overwrite") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"human_1.bw", "tracks.tsv", "run.json"}
    (tmp_path / "out" / "mine.txt").touch()
    assert predict(folder, tmp_path / "out", *words, "--overwrite") == 2
    assert "has other files than this command writes" in capsys.readouterr().err
    assert (tmp_path / "out" / "human_1.bw").exists()
    assert predict(folder, tmp_path / "again", *words) == 0
    assert (tmp_path / "again" / "human_0.bw").read_bytes() == first
    assert predict(folder, tmp_path / "a.parquet", *words) == 0
    assert predict(folder, tmp_path / "a.parquet", *words) == 2
    assert predict(folder, tmp_path / "a.parquet", *words, "--overwrite") == 0


@pytest.mark.parametrize("out", ["out", "out.parquet"])
def test_a_failure_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, out: str
) -> None:
    monkeypatch.setattr("enformer_vep.run.predict.regions._mean", lambda _: np.full((16, 1), np.nan, np.float32))
    assert predict(folder, tmp_path / out, "chr1", "--tracks", "4") == 1
    assert (
        "the model predicts NaN or infinity for human_4 in the window chr1:-511-2560: its weights may be damaged"
        in capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["out", "out.parquet"])
def test_a_signal_leaves_the_earlier_output(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, out: str
) -> None:
    assert predict(folder, tmp_path / out, "chr1", "--tracks", "4") == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    asked, mean = [], regions._mean

    def stop_at_the_second(views: Any) -> np.ndarray:
        asked.append(views)
        if len(asked) == 2:
            assert len(list(tmp_path.iterdir())) > len({path.parts[len(tmp_path.parts)] for path in before})
            os.kill(os.getpid(), signal.SIGTERM)
        return mean(views)

    monkeypatch.setattr(regions, "_mean", stop_at_the_second)
    assert predict(folder, tmp_path / out, "chr1", "--tracks", "3", "--overwrite") == 143
    assert capsys.readouterr().err == "enformer-vep: error: stopped by SIGTERM\n"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
