"""Scores of finished runs are read back as they were written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from enformer_vep.errors import InputError
from enformer_vep.io.tables import row_reader, row_writer
from enformer_vep.io.tables.formats import open_table
from enformer_vep.run import score_table
from enformer_vep.run.score_table import ScoreTable
from tests.score_tables import LAYOUTS, alleles, random_scores, tracks, write_scores

SCORES = np.random.default_rng(1).normal(size=(25, 6)).astype(np.float32)
ODD = alleles(25, (("A", "NA"), ("A", "C")), {0: '"quoted', 1: "caf\udce9", 2: "NA"})


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_every_form_is_read_in_batches(
    name: str, layout: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_table, "BATCH_ALLELES", rows)
    monkeypatch.setattr(row_reader, "TEXT_BLOCK_BYTES", 500)  # some lines, that end amid an allele
    path = write_scores(tmp_path / name, SCORES, statistics=("SAR", "SAD"), rows=ODD, layout=layout)
    table = ScoreTable.find(path)
    assert table.tracks.identifiers == ["ENC0", "ENC1", "ENC2"]
    batches = list(table.batches("SAD", [2, 0]))
    assert 0 < max(len(batch.alleles) for batch in batches) <= rows
    np.testing.assert_array_equal(np.concatenate([batch.scores for batch in batches]), SCORES[:, [5, 3]])
    found = [allele for batch in batches for allele in batch.alleles]
    expected = list(ODD)
    if name == "s.parquet":  # cannot hold what is not UTF-8
        assert found[1].id == "caf�"
        del found[1], expected[1]
    assert found == expected


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_tables_without_alleles(name: str, layout: str, tmp_path: Path) -> None:
    table = ScoreTable.find(write_scores(tmp_path / name, SCORES[:0], layout=layout))
    assert sum(len(batch.alleles) for batch in table.batches("SAD", [0])) == 0


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_float16(name: str, layout: str, tmp_path: Path) -> None:
    scores = SCORES.copy()
    scores[3, 1] = 1e6
    table = ScoreTable.find(write_scores(tmp_path / name, scores, layout=layout, dtype="float16"))
    (batch,) = table.batches("SAD", range(6))
    with np.errstate(over="ignore"):
        expected = scores.astype(np.float16)
    np.testing.assert_array_equal(batch.scores, expected)


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("chrom")
    write_scores(tmp_path / "summary.parquet", SCORES, summary="only")
    write_scores(tmp_path / "alone.tsv", SCORES)
    (tmp_path / "alone.tsv.tracks.tsv").unlink()
    for name, message in {
        "none.parquet": "no such file: .*expected an output of 'enformer-vep score'",
        "text.parquet": "is not a Parquet file, or is damaged",
        "summary.parquet": "is a summary, which has no scores: score without --summary-only",
        "alone.tsv": r"no such file: .*alone\.tsv\.tracks\.tsv: it goes with",
        "scores.h5": "cannot tell the format",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            ScoreTable.find(str(tmp_path / name))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read from standard input"):
        ScoreTable.find("-")


def read(path: Path) -> None:
    for _ in ScoreTable.find(str(path)).batches("SAD", [0, 1]):
        pass


def test_damaged_tables(tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    write_scores(path, SCORES)
    lines = path.read_bytes().splitlines(keepends=True)
    for content, message in (
        (lines[:-1], "has 24 alleles, but its run record says 25: use the table as it was written"),
        ([*lines[:-1], lines[-1][:20]], "is damaged: "),
        (
            [lines[0].replace(b"SAD:ENC1", b"SAD:ENC9"), *lines[1:]],
            "has no column SAD:ENC1, which its run record names",
        ),
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
        ScoreTable.find(str(tmp_path / "s.tsv"))
    for content, message in (
        ("index\tname\n0\ta\n", "has no column identifier"),
        ("index\tidentifier\n0\ta\n", "has no column description"),
        ("index\tidentifier\tdescription\nx\ta\tb\n", "invalid literal"),
    ):
        (tmp_path / "s.tsv.tracks.tsv").write_text(content)
        with pytest.raises(InputError, match=f"is not a track table: .*{message}"):
            ScoreTable.find(str(tmp_path / "s.tsv"))


def test_a_damaged_long_table(tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    write_scores(path, SCORES, layout="long")
    header, first, second, *rest = path.read_bytes().splitlines(keepends=True)
    for lines, message in (
        ([header, second, first, *rest], "expected all tracks of each allele in the order of the run"),
        ([header, first, second, *rest[:-1]], "is incomplete: its last allele lacks tracks"),
        ([header, first, second, *rest[:-6]], "has 24 alleles, but its run record says 25"),
        ([header.replace(b"track", b"name"), first, second, *rest], "has no column track"),
    ):
        path.write_bytes(b"".join(lines))
        with pytest.raises(InputError, match=message):
            read(path)


def test_lists_of_another_length(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "s.parquet", SCORES, layout="list")
    table = pq.read_table(path)
    short = pa.array([row[:5] for row in table["SAD"].to_pylist()])
    pq.write_table(table.drop_columns("SAD").append_column("SAD", short), path)
    with pytest.raises(InputError, match="expected 6 scores in every SAD"):
        read(Path(path))


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_columns_between_the_scores_are_left_out(name: str, layout: str, tmp_path: Path) -> None:
    scores = SCORES[:, :2]
    table = ScoreTable.find(write_scores(tmp_path / name, scores, layout=layout))
    settings = replace(table.settings, has_percentiles=True)
    metadata = pq.read_schema(tmp_path / name).metadata if table.paths.is_parquet else {}
    with (tmp_path / name).open("wb") as stream:
        file = open_table(stream, table.paths, settings, metadata)
        file.write(alleles(len(scores)), scores, -scores)
        file.close()
    (batch,) = ScoreTable.find(str(tmp_path / name)).batches("SAD", [0, 1])
    np.testing.assert_array_equal(batch.scores, scores)


def test_a_table_is_read_without_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", 500)
    path = write_scores(tmp_path / "s.parquet", random_scores(20_000, 20), layout="list")
    found = ScoreTable.find(path)
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in found.batches("SAD", range(20))]
    assert len(held) == 20
    assert max(held) < Path(path).stat().st_size / 2
