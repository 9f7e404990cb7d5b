import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from enformer_vep.errors import EnformerVepError, SkipReason
from enformer_vep.genome.variant import Variant
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tracks.table import unnamed_tracks
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.parts import Part, SkippedAllele
from enformer_vep.run.score.results import RUN_METADATA, TRACKS_METADATA, ResultWriter, WholeFiles
from tests.run_records import RECORD

SETTINGS = TableSettings(("SAD",), unnamed_tracks("human", 2, description="x"))
SKIPPED = SkippedAllele(
    VcfAllele(Variant("chr1", 10, "A", "<DEL>"), 0, 2, "rs1"), SkipReason.SYMBOLIC_ALT, "no sequence"
)
PART = Part([VcfAllele(Variant("chr1", 10, "A", "C"), 0, 1, "rs1")], np.array([[0.1, 70_000]], np.float32), [SKIPPED])


def write(out: str, settings: TableSettings = SETTINGS) -> None:
    paths = OutputPaths(out, default_stem="input")
    paths.work.mkdir()
    before = [path.exists() for path in paths.all]
    with WholeFiles(paths) as files:
        writer = ResultWriter(files, paths, settings, replace(RECORD, course=None))
        writer.write(PART)
        assert [path.exists() for path in paths.all] == before
        writer.finish(RECORD)
    paths.work.rmdir()  # and nothing is left in it


def test_everything_stands_beside_text(tmp_path: Path) -> None:
    write(str(tmp_path / "out.tsv"))
    assert (tmp_path / "out.tsv").read_text().splitlines()[1] == "chr1\t10\trs1\tA\tC\t0\t1\t0.1\t70000"
    assert (tmp_path / "out.tsv.skipped.tsv").read_text().splitlines() == [
        "record\tallele\tchrom\tpos\tid\tref\talt\treason\tdetail",
        "0\t2\tchr1\t10\trs1\tA\t<DEL>\tsymbolic_alt\tno sequence",
    ]
    expected = "index\tidentifier\tdescription\tassay\ttarget\tbiosample\n0\thuman_0\tx\t\t\t\n1\thuman_1\tx\t\t\t\n"
    assert (tmp_path / "out.tsv.tracks.tsv").read_text() == expected
    assert json.loads((tmp_path / "out.tsv.run.json").read_text()) == RECORD.to_dict()


def test_parquet_carries_tracks_and_what_was_run(tmp_path: Path) -> None:
    write(str(tmp_path / "out.parquet"))
    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert metadata == pq.ParquetFile(tmp_path / "out.parquet").schema_arrow.metadata
    tracks = pd.DataFrame(json.loads(metadata[TRACKS_METADATA]))
    pd.testing.assert_frame_equal(tracks, SETTINGS.tracks.table, check_dtype=False)
    assert json.loads(metadata[RUN_METADATA]) == replace(RECORD, course=None).to_dict()
    assert not (tmp_path / "out.parquet.tracks.tsv").exists()


def test_a_death_amid_the_renaming_leaves_no_table_beside_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(str(tmp_path / "out.tsv"))
    replace = os.replace

    def die_at_the_table(source: Path, target: Path) -> None:
        if Path(target).name == "out.tsv":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", die_at_the_table)
    with pytest.raises(KeyboardInterrupt):
        write(str(tmp_path / "out.tsv"))
    assert not (tmp_path / "out.tsv").exists()


def test_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    write("-")
    assert capfdbinary.readouterr().out.splitlines()[1] == b"chr1\t10\trs1\tA\tC\t0\t1\t0.1\t70000"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "input.tsv.run.json",
        "input.tsv.skipped.tsv",
        "input.tsv.tracks.tsv",
    ]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    paths = OutputPaths(str(tmp_path / "out.tsv"))
    paths.work.mkdir()
    with pytest.raises(KeyboardInterrupt), WholeFiles(paths) as files:
        ResultWriter(files, paths, SETTINGS, RECORD).write(PART)
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [paths.work]


@pytest.mark.parametrize("name", ["out.tsv", "out.tsv.gz", "out.parquet"])
def test_a_full_disk_is_one_line_and_leaves_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    paths = OutputPaths(str(tmp_path / name))
    paths.work.mkdir()
    open_file = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: open_file(Path("/dev/full"), mode))
    with pytest.raises(EnformerVepError, match=r"cannot write .*No space left"), WholeFiles(paths) as files:
        writer = ResultWriter(files, paths, SETTINGS, RECORD)
        writer.write(PART)
        writer.finish(RECORD)
    assert list(tmp_path.rglob("*")) == [paths.work]
