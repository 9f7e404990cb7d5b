"""Pages of finished runs: what they show, of every form of table, and what is refused."""

import json
import os
import re
import signal
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import InputError, OutputError
from enformer_vep.run.progress import StoppedError
from enformer_vep.run.report import course as report
from enformer_vep.run.report.course import make_report
from enformer_vep.run.report.settings import ReportSettings
from enformer_vep.run.score.results import SKIPPED_COLUMNS
from tests.score_tables import LAYOUTS, alleles, random_scores, write_scores
from tests.support import named_tracks

TRACKS = named_tracks(
    {
        "D1": "DNASE:liver",
        "D2": "DNASE:brain",
        "H1": "CHIP:H3K27ac:liver",
        "C1": "CAGE:liver",
        "C2": "CAGE:brain",
        "C3": "CAGE:lung",
    }
)


def page_of(scores: str, folder: Path, **settings: Any) -> str:
    out = folder / "report.html"
    make_report(ReportSettings(scores, str(out), overwrite=True, quiet=True, **settings))
    return out.read_text(encoding="utf-8")


def data_of(page: str) -> Any:
    """The data that the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_the_strongest_track_of_each_group_is_shown(tmp_path: Path, name: str, layout: str) -> None:
    scores = random_scores(7)
    data = data_of(page_of(write_scores(tmp_path / name, scores, table=TRACKS, layout=layout), tmp_path))
    assert data["groups"] == ["DNASE", "CHIP:HISTONE", "CAGE"]
    assert data["pos"] == list(range(100, 107))
    for row, of_allele in enumerate(scores):
        places = [np.abs(of_allele[:2]).argmax(), 2, 3 + np.abs(of_allele[3:]).argmax()]
        assert [data["tracks"][track][0] for track in data["track"][row]] == [TRACKS.identifiers[i] for i in places]
        np.testing.assert_allclose(data["score"][row], of_allele[places], rtol=1e-4)


def test_the_strongest_alleles_are_shown_in_detail(tmp_path: Path) -> None:
    scores = random_scores(3000)
    data = data_of(page_of(write_scores(tmp_path / "s.parquet", scores, table=TRACKS), tmp_path, top=4))
    strongest = np.argsort(-np.abs(scores).max(axis=1), kind="stable")[:4]
    assert [one["place"] for one in data["detailed"]] == strongest.tolist()
    of_first = scores[strongest[0]]
    rows = data["detailed"][0]["heat"]["rows"]
    cells = {data["tracks"][cell[0]][0]: cell[1] for _, row in rows for cell in row if cell}
    assert cells == pytest.approx(dict(zip(TRACKS.identifiers, of_first.tolist(), strict=True)), rel=1e-4)
    biosamples = [name for name, _ in rows]
    assert biosamples[0] == TRACKS.table["biosample"][int(np.abs(of_first).argmax())]


def test_only_the_strongest_are_listed_and_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_ALLELES", 50)
    scores = random_scores(2500)  # in three batches
    page = page_of(write_scores(tmp_path / "s.parquet", scores, table=TRACKS), tmp_path, top=3)
    strength = np.abs(scores).max(axis=1)
    kept = np.sort(np.argsort(-strength, kind="stable")[:50])
    data = data_of(page)
    assert data["record"] == kept.tolist()
    assert [data["record"][one["place"]] for one in data["detailed"]] == np.argsort(-strength)[:3].tolist()
    assert "Only the strongest 50 of 2,500" in " ".join(page.split())
    # The distribution is that of all alleles: each is in one class of each group, or changes nothing.
    counts, zeros = np.array(data["histogram"]["counts"]), np.array(data["histogram"]["zeros"])
    assert (counts.sum(axis=1) + zeros).tolist() == [2500] * 3
    largest = np.abs(scores[:, 2])
    assert zeros[1] == (largest == 0).sum()
    of_decade = [count for lower, count in zip(data["histogram"]["lower"], counts[1], strict=True) if 0 <= lower < 0.99]
    assert sum(of_decade) == ((largest >= 1) & (largest < 10)).sum()


def test_the_statistic_is_the_comparable_one_or_the_chosen(tmp_path: Path) -> None:
    scores = random_scores(5, 12)
    table = write_scores(tmp_path / "s.parquet", scores, table=TRACKS, statistics=("SAD", "SADR"))
    data = data_of(page_of(table, tmp_path))
    assert data["statistic"] == "SADR"
    np.testing.assert_allclose([row[1] for row in data["score"]], scores[:, 8], rtol=1e-4)
    assert data_of(page_of(table, tmp_path, statistic="SAD"))["statistic"] == "SAD"
    with pytest.raises(InputError, match=r"has no scores SAR: expected SAD, SADR"):
        page_of(table, tmp_path, statistic="SAR")


def test_scores_too_large_for_float16_are_shown_as_the_largest(tmp_path: Path) -> None:
    scores = random_scores(3)
    scores[1, 0] = -1e6
    page = page_of(write_scores(tmp_path / "s.parquet", scores, table=TRACKS, dtype="float16"), tmp_path)
    assert data_of(page)["score"][1][0] == -65504
    assert "1 allele of this run have" not in page
    assert "too large for the numbers" in page


def test_a_run_without_scored_alleles_has_a_page(tmp_path: Path) -> None:
    page = page_of(write_scores(tmp_path / "s.parquet", np.zeros((0, 6), np.float32), table=TRACKS), tmp_path)
    assert data_of(page)["pos"] == []
    assert 'id="strongest"' not in page


def test_hostile_texts_are_text(tmp_path: Path) -> None:
    hostile = [
        "<script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        "\"'><b>&amp;",
        "]]><!--",
        "x" * 10_000,
        "a\u202egnp.exe",
        "\u2028\u2029",
    ]
    rows = alleles(len(hostile), ids=dict(enumerate(hostile)))
    tracks = named_tracks({f"T{i}<i>": f"DNASE:{text}" for i, text in enumerate(hostile)})
    table = write_scores(tmp_path / "s.parquet", random_scores(7, 7), table=tracks, rows=rows)
    skipped = Path(f"{table}.skipped.tsv")
    page = page_of(table, tmp_path)
    plain = page_of(write_scores(tmp_path / "p.parquet", random_scores(7, 7), table=TRACKS_OF_7), tmp_path)
    assert skipped.exists()
    of_data = page[page.index('id="data">') + 10 :].split("</script>", 1)[0]
    assert "<" not in of_data
    # No text of the input made or ended an element.
    tags = r"</?(?:script|style|img|b|i)\b"
    assert len(re.findall(tags, page)) == len(re.findall(tags, plain))
    data = data_of(page)
    assert data["id"][:4] == hostile[:4]
    assert data["id"][4] == f"{'x' * 60}… (10,000 characters)"
    assert data["id"][5:] == hostile[5:]


TRACKS_OF_7 = named_tracks({f"T{i}": f"DNASE:{i}" for i in range(7)})


def test_skipped_alleles_are_listed_by_reason(tmp_path: Path) -> None:
    table = write_scores(tmp_path / "s.tsv", random_scores(3), table=TRACKS)
    skipped = Path(f"{table}.skipped.tsv")
    rows = [("9", "1", "chr1", "5", f"<b>{i}", "A", "<DEL>", "symbolic_alt", "symbolic & more") for i in range(25)]
    rows.append(("9", "1", "chr1", "5", ".", "A", ".", "no_alt", "the record has no ALT allele"))
    skipped.write_text("\n".join("\t".join(row) for row in (SKIPPED_COLUMNS, *rows)) + "\n")
    run = Path(f"{table}.run.json")
    record = json.loads(run.read_text())
    record["counts"]["skipped_by_reason"] = {"no_alt": 1, "symbolic_alt": 25}
    record["counts"] |= {"alleles_read": 29, "alleles_skipped": 26}
    run.write_text(json.dumps(record))
    page = " ".join(page_of(table, tmp_path).split())
    assert page.index("symbolic_alt: 25") < page.index("no_alt: 1")
    assert "&lt;b&gt;19" in page
    assert "&lt;b&gt;20" not in page
    assert "These are the first 20" in page
    assert "<dt>Alleles read</dt><dd>29</dd>" in page
    skipped.write_text("\t".join(SKIPPED_COLUMNS) + "\n")
    with pytest.raises(InputError, match="has other alleles than the run record"):
        page_of(table, tmp_path)


@pytest.mark.parametrize("suffix", ["run.json", "skipped.tsv"])
def test_what_belongs_to_the_table_must_be_there(tmp_path: Path, suffix: str) -> None:
    table = write_scores(tmp_path / "s.parquet", random_scores(3), table=TRACKS)
    Path(f"{table}.{suffix}").unlink()
    with pytest.raises(InputError, match=rf"no such file: .*{suffix}: it goes with"):
        page_of(table, tmp_path)


def test_an_existing_page_is_kept_and_half_a_page_is_never_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_scores(tmp_path / "s.parquet", random_scores(3), table=TRACKS)
    out = tmp_path / "r.html"
    make_report(ReportSettings(table, str(out), quiet=True))
    before = out.read_bytes()
    with pytest.raises(OutputError, match="exists: choose another output, or use --overwrite"):
        make_report(ReportSettings(table, str(out), quiet=True))

    def stop(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("os.fsync", stop)  # all is written, but not under its name
    names = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(StoppedError, match="stopped by SIGTERM"):
        make_report(ReportSettings(table, str(out), overwrite=True, quiet=True))
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_the_command_makes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_scores(tmp_path / "s.parquet", random_scores(3), table=TRACKS)
    out = tmp_path / "r.html"
    assert main(["report", table, "-o", str(out), "--top", "2"]) == 0
    assert "wrote a page of 3 alleles" in capsys.readouterr().err
    page = out.read_text(encoding="utf-8")
    assert len(data_of(page)["detailed"]) == 2
    assert "enformer-vep report SCORES -o report.html -f FASTA -m MODEL" in unescape(page)
    assert main(["report", table, "-o", str(tmp_path / "q.html"), "-f", "genome.fa"]) == 2
    assert "profiles require both -f and -m" in capsys.readouterr().err
