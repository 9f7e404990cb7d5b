import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from enformer_vep.errors import EnformerVepError, OutputError, SkipReason
from enformer_vep.io import table
from enformer_vep.io.table import RUN_METADATA, TRACKS_METADATA, OutputPaths, ResultWriter
from enformer_vep.io.tracks import unnamed_tracks
from enformer_vep.variant import Variant

TRACKS = unnamed_tracks("human", 2, description="x")
VARIANTS = [
    Variant("chr1", 10, "rs1", "A", "C", 0, 1),
    Variant("chr1", 10, "rs1", "A", "<DEL>", 0, 2),
    Variant("chrX", 2_500_000_000, ".", "AC", "A", 1, 1),
]
SCORES = np.array([[0.1, -1e-20, 3, 1e30], [1 / 3, 0, -0.25, 7e-4]], np.float32)
COLUMNS = ["chrom", "pos", "id", "ref", "alt", "record", "allele"]
SCORE_COLUMNS = ["SAD:human_0", "SAD:human_1", "SAR:human_0", "SAR:human_1"]


def write(out: Path, record: dict | None = None) -> None:
    with ResultWriter(OutputPaths(str(out), default_stem="x"), ("SAD", "SAR"), TRACKS) as writer:
        writer.write_scores(VARIANTS[0], SCORES[0])
        writer.write_skip(VARIANTS[1], SkipReason.SYMBOLIC_ALT, "no sequence")
        writer.write_scores(VARIANTS[2], SCORES[1])
        assert sorted(path.name for path in out.parent.iterdir() if not path.name.startswith(".")) == []
        writer.finish(record or {"a": 1})
    assert not list(out.parent.glob(".*"))


def read(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out, sep="\t")


@pytest.mark.parametrize("name", ["out.parquet", "out.tsv", "out.tsv.gz"])
@pytest.mark.parametrize("block_rows", [1, 10_000])
def test_the_table_holds_every_row_and_exact_float32s(
    name: str, block_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_BLOCK_ROWS", block_rows)
    write(tmp_path / name)
    found = read(tmp_path / name)
    assert list(found.columns) == COLUMNS + SCORE_COLUMNS
    assert found[COLUMNS].values.tolist() == [
        ["chr1", 10, "rs1", "A", "C", 0, 1],
        ["chrX", 2_500_000_000, ".", "AC", "A", 1, 1],
    ]
    assert np.array_equal(found[SCORE_COLUMNS].to_numpy(np.float32), SCORES)


def test_text_is_written_with_the_fewest_digits(tmp_path: Path) -> None:
    write(tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text().splitlines()[1] == "chr1\t10\trs1\tA\tC\t0\t1\t0.1\t-1e-20\t3\t1e+30"


def test_what_is_skipped_stands_beside(tmp_path: Path) -> None:
    write(tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet.skipped.tsv").read_text().splitlines() == [
        "record\tallele\tchrom\tpos\tid\tref\talt\treason\tdetail",
        "0\t2\tchr1\t10\trs1\tA\t<DEL>\tsymbolic_alt\tno sequence",
    ]


def test_tracks_and_run_record(tmp_path: Path) -> None:
    write(tmp_path / "out.tsv", {"command": "x"})
    write_parquet = tmp_path / "p"
    write_parquet.mkdir()
    write(write_parquet / "out.parquet", {"command": "x"})
    expected = "index\tidentifier\tdescription\n0\thuman_0\tx\n1\thuman_1\tx\n"
    assert (tmp_path / "out.tsv.tracks.tsv").read_text() == expected
    assert json.loads((tmp_path / "out.tsv.run.json").read_text()) == {"command": "x"}
    metadata = pq.read_metadata(write_parquet / "out.parquet").metadata
    assert metadata[TRACKS_METADATA].decode() == expected
    assert json.loads(metadata[RUN_METADATA]) == {"command": "x"}
    assert not (write_parquet / "out.parquet.tracks.tsv").exists()


def test_rows_become_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_BLOCK_ROWS", 1)
    write(tmp_path / "out.parquet")
    assert pq.read_metadata(tmp_path / "out.parquet").num_row_groups == 2


def test_gzip_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / f"{name}.tsv.gz")
    assert (tmp_path / "a" / "a.tsv.gz").read_bytes() == (tmp_path / "b" / "b.tsv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a" / "a.tsv.gz").read_bytes()).startswith(b"chrom\tpos")


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        ResultWriter(OutputPaths(str(tmp_path / "out.tsv"), default_stem="x"), ("SAD",), TRACKS) as writer,
    ):
        writer.write_scores(VARIANTS[0], SCORES[0, :2])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.tsv", "out.tsv.gz", "out.parquet"])
def test_a_full_disk_is_one_line_and_leaves_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    paths = OutputPaths(str(tmp_path / name), default_stem="x")
    open_file = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: open_file(Path("/dev/full"), mode))
    with (
        pytest.raises(EnformerVepError, match=r"cannot write .*No space left"),
        ResultWriter(paths, ("SAD",), TRACKS) as writer,
    ):
        writer.write_scores(VARIANTS[0], SCORES[0, :2])
        writer.finish({})
    assert list(tmp_path.iterdir()) == []


def test_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    with ResultWriter(OutputPaths("-", default_stem="input.enformer"), ("SAD",), TRACKS) as writer:
        writer.write_scores(VARIANTS[0], SCORES[0, :2])
        writer.finish({})
    assert capfdbinary.readouterr().out.splitlines()[1] == b"chr1\t10\trs1\tA\tC\t0\t1\t0.1\t-1e-20"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "input.enformer.tsv.run.json",
        "input.enformer.tsv.skipped.tsv",
        "input.enformer.tsv.tracks.tsv",
    ]


def test_outputs_are_checked_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"ends in .parquet, .tsv, .tsv.gz"):
        OutputPaths("out.csv", default_stem="x")
    with pytest.raises(OutputError, match="does not exist"):
        OutputPaths(str(tmp_path / "none" / "out.tsv"), default_stem="x").check(overwrite=False)
    with pytest.raises(OutputError, match="does not exist"):
        (tmp_path / "file").touch()
        OutputPaths(str(tmp_path / "file" / "out.tsv"), default_stem="x").check(overwrite=False)
    paths = OutputPaths(str(tmp_path / "out.tsv"), default_stem="x")
    paths.check(overwrite=False)
    paths.skipped.touch()
    with pytest.raises(OutputError, match=r"out.tsv.skipped.tsv exists: .*--overwrite"):
        paths.check(overwrite=False)
    paths.check(overwrite=True)
    paths.table.mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        paths.check(overwrite=True)
