"""What a run writes: its table in every format, the tracks in it, and its record."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from enformer_vep.errors import InputError
from enformer_vep.run.score.course import score_vcf
from enformer_vep.run.score.results import RUN_METADATA, TRACKS_METADATA
from enformer_vep.run.settings import ScoreSettings
from tests.pipeline_runs import HUMAN, SCORED, run
from tests.support import write_vcf


def test_text_and_parquet_hold_the_same(folder: Path, tmp_path: Path) -> None:
    tables = [run(folder, tmp_path / f"out{suffix}", SCORED[:3]) for suffix in (".parquet", ".tsv", ".tsv.gz")]
    for table in tables[1:]:
        assert np.array_equal(table[HUMAN].to_numpy(np.float32), tables[0][HUMAN].to_numpy(np.float32))
        assert list(table["chrom"]) == ["chr1", "chr1", "1"]


def test_statistics_head_and_tracks(folder: Path, tmp_path: Path) -> None:
    whole = run(folder, tmp_path / "a.tsv", SCORED[:2], statistics="SAR,SAD,SADR", head="mouse")
    assert list(whole.columns[7:]) == [f"{stat}:mouse_{i}" for stat in ("SAR", "SAD", "SADR") for i in range(3)]
    some = run(folder, tmp_path / "b.tsv", SCORED[:2], statistics="SAD", head="mouse", tracks="2,mouse_0")
    assert list(some.columns[7:]) == ["SAD:mouse_2", "SAD:mouse_0"]
    np.testing.assert_allclose(some["SAD:mouse_2"], whole["SAD:mouse_2"], rtol=1e-3)
    tracks = pd.read_csv(tmp_path / "b.tsv.tracks.tsv", sep="\t")
    assert list(tracks["index"]) == [2, 0]


def test_a_track_table_names_the_columns(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"{5313 + i}\tENC{i}\tDNASE:{i}\n" for i in range(3))
    (tmp_path / "tracks.txt").write_text(f"index\tidentifier\tdescription\n{rows}")
    options = {"head": "mouse", "track_table": str(tmp_path / "tracks.txt"), "tracks": "ENC1"}
    table = run(folder, tmp_path / "out.parquet", SCORED[:1], **options)
    assert list(table.columns[7:]) == ["SAD:ENC1"]
    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert json.loads(metadata[TRACKS_METADATA]) == {
        "index": [1],
        "identifier": ["ENC1"],
        "description": ["DNASE:1"],
        "assay": ["DNASE"],
        "target": [""],
        "biosample": ["1"],
    }


@pytest.mark.slow
def test_a_model_may_have_its_own_track_table(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "model"
    shutil.copytree(folder / "model", own)
    rows = "".join(f"{i}\tOWN:{i}\tCAGE:{i}\n" for i in range(3))
    (own / "tracks_mouse.tsv").write_text(f"index\tidentifier\tdescription\n{rows}")
    options = {"model": str(own), "head": "mouse"}
    assert list(run(folder, tmp_path / "a.tsv", SCORED[:1], **options).columns[7:]) == [
        f"SAD:OWN:{i}" for i in range(3)
    ]
    assert list(run(folder, tmp_path / "b.tsv", SCORED[:1], model=str(own)).columns[7:]) == HUMAN
    named = tmp_path / "tracks.txt"
    named.write_text((own / "tracks_mouse.tsv").read_text().replace("OWN", "GIVEN"))
    table = run(folder, tmp_path / "c.tsv", SCORED[:1], **options, track_table=str(named))
    assert list(table.columns[7:]) == [f"SAD:GIVEN:{i}" for i in range(3)]


def test_the_run_record_says_what_was_run_on_what(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out.parquet", SCORED[:3], command="enformer-vep score x", statistics="SAD,SAR")
    record = json.loads((tmp_path / "out.parquet.run.json").read_text())
    in_parquet = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[RUN_METADATA])
    assert in_parquet["counts"]["alleles_scored"] == 3
    assert in_parquet == {name: record[name] for name in in_parquet}
    assert set(record) - set(in_parquet) == {  # how it went, which is not the same each time
        "command",
        "paths",
        "started",
        "seconds_scoring",
        "seconds_total",
        "peak_memory_bytes",
        "alleles_of_earlier_runs",
        "transformer_passes",
        "tower_bins",
        "batch_size_at_end",
        "device_name",
    }
    assert record["command"] == "enformer-vep score x"
    assert record["versions"]["tensorflow"][0].isdigit()
    assert len(record["vcf"]["sha256"]) == len(record["fasta"]["index"]["sha256"]) == 64
    assert len(record["fasta"]["sha256"]) == len(record["model"]["tensors_sha256"]) == 64
    assert record["model"]["is_published"] is False
    assert record["model"]["config"]["channels"] == 24
    assert (record["placement"], record["precision"], record["device"]) == ("centred", "float32", "CPU")
    assert record["transformer_passes"] == 5  # of three alleles two share their reference window
    assert record["seconds_total"] >= record["seconds_scoring"] >= 0
    assert record["peak_memory_bytes"] > 1e8


def test_a_vcf_without_records_gives_a_table_without_rows(folder: Path, tmp_path: Path) -> None:
    for suffix in (".parquet", ".tsv"):
        table = run(folder, tmp_path / f"out{suffix}", [])
        assert len(table) == 0
        assert list(table.columns[7:]) == HUMAN
        assert (tmp_path / f"out{suffix}.skipped.tsv").read_text().count("\n") == 1


def test_a_selection_of_nothing_is_a_warning_and_an_empty_table(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = run(folder, tmp_path / "out.tsv", SCORED, regions=("chr1:1-10",))
    assert len(table) == 0
    assert list(table.columns[-5:]) == HUMAN
    assert "no record of" in caplog.text
    assert json.loads((tmp_path / "out.tsv.run.json").read_text())["counts"]["records_left_out"] == len(SCORED)


def test_the_output_is_named_by_the_vcf(folder: Path, tmp_path: Path) -> None:
    vcf = write_vcf(tmp_path / "input.vcf", SCORED[:1])
    summary = score_vcf(ScoreSettings.of(vcf=vcf, fasta=str(folder / "genome.fa"), model=str(folder / "model")))
    assert summary.table == tmp_path / "input.model.parquet"
    assert summary.table.exists()


def test_a_summary_stands_beside_the_scores_or_is_the_output(folder: Path, tmp_path: Path) -> None:
    scores = run(folder, tmp_path / "a.parquet", SCORED[:3], summary="beside", tracks="3,1")
    beside = pd.read_csv(tmp_path / "a.parquet.summary.tsv", sep="\t", dtype={"chrom": str}, keep_default_na=False)
    columns = [column for column in scores if column.startswith("SAD:")]
    strongest = scores[columns].abs().idxmax(axis=1).str.removeprefix("SAD:")
    assert list(beside["SAD:OTHER:track"]) == list(strongest)
    np.testing.assert_allclose(beside["SAD:OTHER:norm"], np.linalg.norm(scores[columns], axis=1), rtol=1e-6)
    only = run(folder, tmp_path / "b.parquet", SCORED[:3], summary="only", tracks="3,1")
    pd.testing.assert_frame_equal(only, beside, check_dtype=False, rtol=1e-6)
    assert not (tmp_path / "b.parquet.summary.tsv").exists()
    assert json.loads(pq.read_schema(tmp_path / "b.parquet").metadata[RUN_METADATA])["summary"] == "only"


@pytest.mark.parametrize("setting", [{"layout": "long"}, {"dtype": "float16"}])
def test_what_a_summary_does_not_have_is_refused(setting: dict[str, str], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no effect on a summary: remove it, or use --summary"):
        run(folder, tmp_path / "a.parquet", SCORED[:1], summary="only", **setting)
