"""Scores of finished runs are read back as they were written."""

from pathlib import Path

import numpy as np
import pytest

from enformer_vep.errors import InputError
from enformer_vep.run import score_table
from enformer_vep.run.score_table import ScoreTable
from tests.score_tables import alleles, tracks, write_scores

SCORES = np.random.default_rng(1).normal(size=(25, 6)).astype(np.float32)
FORMS = [("s.parquet", "wide"), ("s.parquet", "list"), ("s.tsv", "wide"), ("s.tsv.gz", "wide")]


@pytest.mark.parametrize(("name", "layout"), FORMS)
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_every_form_is_read_in_batches(
    name: str, layout: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_table, "BATCH_ROWS", rows)
    path = write_scores(tmp_path / name, SCORES, statistics=("SAR", "SAD"), layout=layout)
    table = ScoreTable(path)
    assert table.identifiers == ["ENC0", "ENC1", "ENC2"]
    batches = list(table.batches("SAD", [2, 0]))
    assert max(len(batch.alleles) for batch in batches) <= rows
    np.testing.assert_array_equal(np.concatenate([batch.scores for batch in batches]), SCORES[:, [5, 3]])
    found = [allele for batch in batches for allele in batch.alleles]
    expected = alleles(25)
    if name == "s.parquet":  # cannot hold what is not UTF-8
        assert found[1].id == "caf�"
        del found[1], expected[1]
    assert found == expected


@pytest.mark.parametrize(("name", "layout"), FORMS)
def test_tables_without_alleles(name: str, layout: str, tmp_path: Path) -> None:
    table = ScoreTable(write_scores(tmp_path / name, SCORES[:0], layout=layout))
    assert sum(len(batch.alleles) for batch in table.batches("SAD", [0])) == 0


@pytest.mark.parametrize(("name", "layout"), FORMS)
def test_float16(name: str, layout: str, tmp_path: Path) -> None:
    scores = SCORES.copy()
    scores[3, 1] = 1e6
    table = ScoreTable(write_scores(tmp_path / name, scores, layout=layout, dtype="float16"))
    (batch,) = table.batches("SAD", range(6))
    with np.errstate(over="ignore"):
        expected = scores.astype(np.float16)
    if ".tsv" in name:
        np.testing.assert_array_equal(batch.scores.astype(np.float16), expected)
    else:
        np.testing.assert_array_equal(batch.scores, expected)


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("chrom")
    write_scores(tmp_path / "long.parquet", SCORES, layout="long")
    write_scores(tmp_path / "summary.parquet", SCORES, summary="only")
    write_scores(tmp_path / "alone.tsv", SCORES)
    (tmp_path / "alone.tsv.tracks.tsv").unlink()
    for name, message in {
        "none.parquet": "no such file: .*expected a table that 'score' wrote",
        "text.parquet": "is not a Parquet file, or is damaged",
        "long.parquet": "has the layout long: expected one row per allele; score with --layout wide or list",
        "summary.parquet": "is a summary: score without --summary-only",
        "alone.tsv": r"no such file: .*alone\.tsv\.tracks\.tsv: it goes with",
        "scores.h5": "cannot tell the format",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            ScoreTable(str(tmp_path / name))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read from standard input"):
        ScoreTable("-")


def read(path: Path) -> None:
    for _ in ScoreTable(str(path)).batches("SAD", [0, 1]):
        pass


def test_damaged_tables(tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    write_scores(path, SCORES)
    lines = path.read_bytes().splitlines(keepends=True)
    for content, message in (
        (lines[:-1], "has 24 alleles, but its run record says 25: score again"),
        ([*lines[:-1], lines[-1][:20]], "is damaged: "),
        ([lines[0].replace(b"SAD:ENC1", b"SAD:ENC9"), *lines[1:]], "is damaged: .*SAD:ENC1"),
        ([*lines[:5], lines[5].rsplit(b"\t", 1)[0] + b"\tx\n", *lines[6:]], None),  # not among the tracks that are read
        ([*lines[:5], lines[5].replace(b"\t1\t", b"\tx\t"), *lines[6:]], "is damaged: "),
    ):
        path.write_bytes(b"".join(content))
        if message is None:
            read(path)
            continue
        with pytest.raises(InputError, match=message) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    write_scores(tmp_path / "s.tsv.gz", SCORES)
    whole = (tmp_path / "s.tsv.gz").read_bytes()
    (tmp_path / "s.tsv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is damaged: "):
        read(tmp_path / "s.tsv.gz")
    write_scores(tmp_path / "s.parquet", SCORES)
    whole = (tmp_path / "s.parquet").read_bytes()
    (tmp_path / "s.parquet").write_bytes(whole[:4] + bytes(200) + whole[204:])
    with pytest.raises(InputError, match="is damaged: "):
        read(tmp_path / "s.parquet")


def test_a_track_table_that_does_not_fit(tmp_path: Path) -> None:
    write_scores(tmp_path / "s.tsv", SCORES)
    (tmp_path / "s.tsv.tracks.tsv").write_bytes(tracks(4).to_tsv())
    with pytest.raises(InputError, match="its track table has 4 tracks, and its run record 6"):
        ScoreTable(str(tmp_path / "s.tsv"))
    (tmp_path / "s.tsv.tracks.tsv").write_text("index\tname\n0\ta\n")
    with pytest.raises(InputError, match="is not a track table: the track table has no column identifier"):
        ScoreTable(str(tmp_path / "s.tsv"))
