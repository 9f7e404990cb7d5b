"""Backgrounds of outputs of `score`: from every layout, and not of scores that mean different things."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import InputError
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.io.tables import score_rows
from enformer_vep.io.tables.background_file import BackgroundFile
from enformer_vep.run.background import course
from enformer_vep.run.background.course import make_background
from enformer_vep.run.background.distribution import point_ranks
from enformer_vep.run.background.record import OpenBackground
from enformer_vep.run.identities import FileIdentity, ModelIdentity, TracksIdentity
from enformer_vep.run.run_record import GenesIdentity
from enformer_vep.run.settings import GeneSettings
from tests import score_tables
from tests.run_records import IDENTITY
from tests.score_tables import LAYOUTS, alleles, random_scores, views
from tests.support import named_tracks

TRACKS = named_tracks({"T.0": "DNASE:lung", "T1": "CAGE:K562", "T2": "CHIP:CTCF:liver"})
SCORES = random_scores(300)
MIXED = alleles(300, (("A", "C"), ("A", "G"), ("A", "AT"), ("CAT", "C"), ("AT", "GC")))

write_scores = partial(score_tables.write_scores, table=TRACKS, statistics=("SAD", "SAR"))
identity_of = partial(score_tables.identity_of, TRACKS)


def points(path: str) -> dict[tuple[str, str], np.ndarray]:
    file = BackgroundFile(path)
    return {file.keys[row]: values.copy() for row, values in file.points(range(len(file.keys)))}


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_every_layout_gives_the_same_background(
    name: str, layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_rows, "BATCH_BYTES", 70 * 24)  # some alleles at a time
    monkeypatch.setattr(course, "BLOCK_BYTES", 2 * 300 * 4)  # two tracks at a time
    scores = write_scores(tmp_path / name, SCORES, layout=layout, rows=MIXED)
    out = tmp_path / "background.parquet"
    summary = make_background([scores], str(out))
    assert "300 alleles (120 SNVs, 60 insertions, 60 deletions, 60 others)" in str(summary)
    found = points(str(out))
    assert list(found) == [(stat, track) for stat in ("SAD", "SAR") for track in TRACKS.identifiers]
    for column, values in enumerate(found.values()):
        assert np.array_equal(values, np.sort(SCORES[:, column]))
    table = pd.read_parquet(out)
    assert table["num_values"].tolist() == [300] * 6
    assert table["q75"].to_numpy() == pytest.approx(np.quantile(SCORES, 0.75, axis=0), rel=1e-6)
    assert table["standard_deviation"].to_numpy() == pytest.approx(SCORES.std(axis=0), rel=1e-5)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("name", "layout"), [LAYOUTS[0], LAYOUTS[1], LAYOUTS[2], LAYOUTS[3]])
def test_float16_scores(name: str, layout: str, tmp_path: Path) -> None:
    scores = write_scores(tmp_path / name, SCORES, layout=layout, dtype="float16")
    make_background([scores], str(tmp_path / "background.parquet"))
    found = points(str(tmp_path / "background.parquet"))["SAR", "T1"]
    assert np.array_equal(found, np.sort(SCORES[:, 4].astype(np.float16)))


GENES = GenesIdentity(FileIdentity(1, sha256="g"), TracksIdentity(1, "t"), GeneSettings())


def test_many_alleles_of_several_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = random_scores(12_000)
    parts = [
        write_scores(tmp_path / "a.parquet", scores[:7_000]),
        # How scores are written does not matter, nor whether genes are scored too.
        write_scores(tmp_path / "b.tsv", scores[7_000:], layout="long", genes=GENES),
    ]
    out = str(tmp_path / "background.parquet")
    make_background(parts, out)
    for column, values in enumerate(points(out).values()):
        assert np.array_equal(values, np.sort(scores[:, column])[point_ranks(12_000)])
    whole = tmp_path / "again.parquet"
    monkeypatch.setattr(course, "BLOCK_BYTES", 1)
    make_background(parts, str(whole))
    assert whole.read_bytes() == Path(out).read_bytes()


def test_the_record_says_what_it_is_made_of(tmp_path: Path) -> None:
    scores = write_scores(tmp_path / "a.parquet", SCORES, rows=MIXED)
    out = str(tmp_path / "background.parquet")
    record = make_background([scores], out).record
    assert OpenBackground.open(out).record == record
    assert (record.weights, record.scoring.head, str(record.scoring.placement), record.precision) == (
        "e",
        "human",
        "shared:500",
        "mixed",
    )
    assert record.alleles.total == 300
    assert record.tracks_sha256 == TRACKS.record()["sha256"]


OTHER_MODEL = ModelIdentity("other", IDENTITY.model.file, "checkpoint", "other", False, {})


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({"model": OTHER_MODEL}, "model.name is other, not enformer"),
        ({"head": "mouse"}, "head is mouse, not human"),
        ({"statistics": ("SAR", "SAD")}, "statistics is"),
        ({"placement": "grid"}, "placement is grid, not shared:500"),
        ({"bins": "centre:501"}, "bins is centre:501, not all"),
        (
            {"views": views(reverse_complement=True, shifts=(0,), indels=IndelPolicy.LEFT)},
            "views.reverse_complement is True, not False",
        ),
        ({"precision": "float32"}, "precision is float32, not mixed"),
    ],
)
def test_scores_of_different_runs_are_refused_by_name(changes: dict[str, Any], item: str, tmp_path: Path) -> None:
    files = [
        write_scores(tmp_path / "a.parquet", SCORES),
        write_scores(tmp_path / "b.parquet", SCORES, **changes),
    ]
    with pytest.raises(InputError, match=f"b.parquet belongs to a different run than .*a.parquet: {item}"):
        make_background(files, str(tmp_path / "background.parquet"))
    assert not (tmp_path / "background.parquet").exists()


def test_other_tracks_are_refused(tmp_path: Path) -> None:
    other = named_tracks({"T.0": "DNASE:lung", "T1": "CAGE:K562", "T3": ""})
    files = [write_scores(tmp_path / "a.tsv", SCORES), write_scores(tmp_path / "b.tsv", SCORES, table=other)]
    with pytest.raises(InputError, match=r"tracks\.sha256 is"):
        make_background(files, str(tmp_path / "background.parquet"))


def command(tmp_path: Path, *more: str) -> list[str]:
    return ["background", "-o", str(tmp_path / "background.parquet"), *more]


def refuse(arguments: list[str], message: str, capsys: pytest.CaptureFixture, exit_code: int = 2) -> None:
    capsys.readouterr()
    assert main(arguments) == exit_code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_what_cannot_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    good = write_scores(tmp_path / "a.parquet", SCORES)
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(Path(good).read_bytes())
    refuse(command(tmp_path, good, str(copy)), "has the same alleles as", capsys)
    refuse(command(tmp_path, str(tmp_path / "none.parquet")), "no such file", capsys)
    refuse(command(tmp_path, str(tmp_path / "a.txt")), "cannot tell the format", capsys)
    refuse(command(tmp_path, good, "--scale", "sum"), "--scale requires --from-1000g", capsys)
    refuse(command(tmp_path, good, "-f", "hg19.fa"), "--fasta requires --from-1000g", capsys)
    refuse(["background", good], "Missing option '-o'", capsys)
    refuse(["background", good, "-o", str(tmp_path / "no" / "b.parquet")], "does not exist: create it first", capsys)
    refuse(["background", good, "-o", str(tmp_path)], "is a folder", capsys)
    refuse(["background", good, "-o", good], "exists: choose another output, or use --overwrite", capsys)
    (tmp_path / "damaged.parquet").write_bytes(Path(good).read_bytes()[:5000])
    refuse(command(tmp_path, str(tmp_path / "damaged.parquet")), "is not a Parquet file, or is damaged", capsys)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "foreign.parquet")
    refuse(command(tmp_path, str(tmp_path / "foreign.parquet")), "has no run record in its metadata", capsys)
    text = Path(write_scores(tmp_path / "b.tsv", SCORES))
    lines = text.read_text().splitlines(keepends=True)
    text.write_text("".join(lines[:-1]))
    refuse(command(tmp_path, str(text)), "has 299 alleles, but its run record says 300", capsys)
    text.write_text(lines[0].replace("SAR:T1", "other") + "".join(lines[1:]))
    refuse(command(tmp_path, str(text)), "has no column SAR:T1", capsys)
    text.write_text("".join(lines[:5]) + "too\tshort\n")
    refuse(command(tmp_path, str(text)), "cannot be read", capsys)
    (tmp_path / "b.tsv.tracks.tsv").unlink()
    refuse(command(tmp_path, str(text)), "no such file", capsys)
    empty = write_scores(tmp_path / "empty.parquet", SCORES[:0])
    refuse(command(tmp_path, empty), "has no scored alleles", capsys)
    assert not (tmp_path / "background.parquet").exists()
    assert list(tmp_path.glob(".*")) == []


def test_a_table_that_breaks_amid_the_writing_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    good = Path(write_scores(tmp_path / "a.parquet", SCORES))
    file = pq.ParquetFile(good)
    number = file.schema_arrow.names.index("SAR:T2")
    offset = file.metadata.row_group(0).column(number).data_page_offset
    content = bytearray(good.read_bytes())
    content[offset : offset + 40] = bytes(40)
    good.write_bytes(content)
    refuse(command(tmp_path, str(good), "-q"), "cannot be read", capsys)
    assert [path.name for path in tmp_path.iterdir() if "background" in path.name] == []


def test_a_summary_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    summary = write_scores(tmp_path / "a.parquet", SCORES, summary="only")
    refuse(command(tmp_path, summary), "is a summary, which has no scores", capsys)


def test_a_long_table_in_another_order_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    text = Path(write_scores(tmp_path / "a.tsv", SCORES[:5], layout="long"))
    header, first, second, *rest = text.read_text().splitlines(keepends=True)
    text.write_text("".join([header, second, first, *rest]))
    refuse(command(tmp_path, str(text)), "expected all tracks of each allele in the order of the run", capsys)
    text.write_text("".join([header, first, second, *rest[:-1]]))
    refuse(command(tmp_path, str(text)), "its last allele lacks tracks", capsys)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    scores = write_scores(tmp_path / "a.parquet", SCORES)
    assert main(command(tmp_path, scores)) == 0
    assert "background of 300 alleles (300 SNVs); SAD, SAR of 3 tracks: " in capsys.readouterr().err
    assert main(command(tmp_path, scores, "--overwrite", "-q")) == 0
    assert capsys.readouterr().err == ""


@pytest.fixture
def opened(tmp_path: Path) -> OpenBackground:
    make_background([write_scores(tmp_path / "a.parquet", SCORES, rows=MIXED)], str(tmp_path / "background.parquet"))
    return OpenBackground.open(str(tmp_path / "background.parquet"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": OTHER_MODEL}, r"its weights are e\.\.\., this run has other"),
        ({"head": "mouse"}, "its head is human, this run has mouse"),
        ({"bins": "centre:501"}, "its bins are all, this run has centre:501"),
        ({"placement": "centred"}, "its placement is shared:500, this run has centred"),
        (
            {"views": views(reverse_complement=True, shifts=(0,), indels=IndelPolicy.LEFT)},
            "its views.reverse_complement is False, this run has True",
        ),
        (
            {"views": views(reverse_complement=False, shifts=(0, 1), indels=IndelPolicy.LEFT)},
            r"its views.shifts are \(0,\), this run has \(0, 1\)",
        ),
        (
            {"views": views(reverse_complement=False, shifts=(0,), indels=IndelPolicy.TOWER)},
            "its views.indels are left, this run has tower",
        ),
        ({"statistics": ("SAD", "D2")}, "has no D2: it has SAD, SAR"),
    ],
)
def test_a_background_of_something_else_is_refused_by_name(
    changes: dict[str, Any], message: str, opened: OpenBackground
) -> None:
    with pytest.raises(InputError, match=message):
        opened.check(identity_of(**changes), TRACKS.identifiers)


def test_some_of_its_tracks_and_statistics_are_fine(opened: OpenBackground, caplog: pytest.LogCaptureFixture) -> None:
    opened.check(identity_of(statistics=("SAR",)), ["T2", "T.0"])
    assert not caplog.records
    with pytest.raises(
        InputError, match=r"lacks 1 track of this run: human_1; it has 3 tracks, such as T\.0, T1 and 1"
    ):
        opened.check(identity_of(), ["T1", "human_1"])


def test_another_precision_is_a_warning(opened: OpenBackground, caplog: pytest.LogCaptureFixture) -> None:
    opened.check(identity_of(precision="float32"), ["T1"])
    assert "was computed in mixed, this run is in float32" in caplog.text


def test_of_snvs_alone_the_policy_for_indels_does_not_matter(tmp_path: Path) -> None:
    out = str(tmp_path / "background.parquet")
    make_background([write_scores(tmp_path / "a.parquet", SCORES)], out)
    OpenBackground.open(out).check(
        identity_of(views=views(reverse_complement=False, shifts=(0,), indels=IndelPolicy.TOWER)), ["T1"]
    )


def test_what_is_no_background_is_refused(tmp_path: Path, opened: OpenBackground) -> None:
    with pytest.raises(InputError, match="no such file"):
        OpenBackground.open(str(tmp_path / "none"))
    with pytest.raises(InputError, match="is not a background: expected"):
        OpenBackground.open(str(tmp_path / "a.parquet"))
    (tmp_path / "text").write_text("text")
    with pytest.raises(InputError, match="is not a background, or is damaged"):
        OpenBackground.open(str(tmp_path / "text"))
    newer = replace(opened.record, format=2)
    opened.file.record.update(newer.to_dict())
    with pytest.raises(InputError, match="is a background of format 2, and this version of enformer-vep reads 1"):
        type(opened.record).of(opened.file)
