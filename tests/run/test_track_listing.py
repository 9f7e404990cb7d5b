"""The command `tracks`: which table it reads, and what it prints."""

import sys
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.errors import TrackError, WeightsError
from enformer_vep.fetch.cache import Cache
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.tracks.table import TrackTable, read_track_table
from enformer_vep.run.track_listing import find_tracks, to_terminal, to_tsv

TABLE = """\
index\tidentifier\tdescription
0\tA\tCHIP:CTCF:K562 and its relatives
1\tB2\tCAGE:liver
2\tC\tmade-up, for tests
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    (tmp_path / "tracks.txt").write_text(TABLE)
    return str(tmp_path / "tracks.txt")


@pytest.fixture
def tracks(table: str) -> TrackTable:
    return read_track_table(table, "mouse")


def write_published(cache: Path, head: str, num_tracks: int) -> None:
    path = cache / "tracks" / f"targets_{head}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{i}\tENC{i}\tDNASE:{head} {i}\n" for i in range(num_tracks))
    path.write_text(f"index\tidentifier\tdescription\n{rows}")


def test_text_for_programs(tracks: TrackTable) -> None:
    assert to_tsv(tracks.select(TrackChoice.parse("2,0"))) == (
        "head\tindex\tidentifier\tassay\ttarget\tbiosample\tdescription\n"
        "mouse\t2\tC\t\t\t\tmade-up, for tests\n"
        "mouse\t0\tA\tCHIP\tCTCF\tK562 and its relatives\tCHIP:CTCF:K562 and its relatives\n"
    )


def test_text_for_people_fits_the_terminal(tracks: TrackTable) -> None:
    assert to_terminal(tracks, 65).splitlines() == [
        "head   index  identifier  assay  target  biosample",
        "mouse  0      A           CHIP   CTCF    K562 and its relatives",
        "mouse  1      B2          CAGE           liver",
        "mouse  2      C                          made-up, for tests",
    ]
    narrow = to_terminal(tracks, 61).splitlines()
    assert narrow[1] == "mouse  0      A           CHIP   CTCF    K562 and its rela..."
    assert max(map(len, narrow)) == 61
    assert to_terminal(tracks, 1).splitlines() == narrow


def test_the_fetched_table_is_read(tmp_path: Path) -> None:
    write_published(tmp_path, "human", 5313)
    write_published(tmp_path, "mouse", 3)
    assert find_tracks("human", "enformer", cache=str(tmp_path)).identifiers[5312] == "ENC5312"
    with pytest.raises(TrackError, match="names 3 tracks, but the mouse head has 1,643"):
        find_tracks("mouse", "enformer", cache=str(tmp_path))


def test_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = Cache.at(None).track_table("mouse")
    assert path.is_relative_to(tmp_path)
    assert path.parts[-3:] == ("enformer-vep", "tracks", "targets_mouse.txt")
    assert Cache.at("~/c").track_table("human") == tmp_path / "c" / "tracks" / "targets_human.txt"


def test_the_table_beside_a_model(tmp_path: Path) -> None:
    for name in ("model.index", "config.json"):
        (tmp_path / name).touch()
    with pytest.raises(TrackError, match=r"expected tracks_human\.tsv beside "):
        find_tracks("human", str(tmp_path))
    (tmp_path / "tracks_human.tsv").write_text(TABLE)
    assert find_tracks("human", str(tmp_path)).identifiers == ["A", "B2", "C"]


def test_official_weights_anywhere_have_the_fetched_table(tmp_path: Path) -> None:
    (tmp_path / "model.index").touch()
    write_published(tmp_path, "mouse", 1643)
    assert len(find_tracks("mouse", str(tmp_path), cache=str(tmp_path)).table) == 1643


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrackError, match="fetch it with 'enformer-vep fetch tracks', or name one with --track-table"):
        find_tracks("human", "enformer", cache=str(tmp_path))
    with pytest.raises(TrackError, match="the official model has human, mouse; did you mean mouse"):
        find_tracks("mosue", "enformer", cache=str(tmp_path))
    with pytest.raises(WeightsError, match="no model at 'none'"):
        find_tracks("human", "none", cache=str(tmp_path))


def test_the_command(table: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["tracks", "assay:cage,!0", "--track-table", table]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1:] == ["human\t1\tB2\tCAGE\t\tliver\tCAGE:liver"]
    assert captured.err == "enformer-vep: 1 of 3 tracks of the human head\n"
    assert main(["tracks", "--track-table", table, "--head", "mouse", "-q"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 4
    assert captured.err == ""


def test_the_command_on_a_terminal(table: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["tracks", "1", "--track-table", table]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "human  1      B2          CAGE           liver"
    assert main(["tracks", "1", "--track-table", table, "--tsv"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "human\t1\tB2\tCAGE\t\tliver\tCAGE:liver"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("/(/", "Invalid value for '[EXPR]': the regular expression /(/ does not compile: "),
        ("@none.txt", "cannot read the list of tracks 'none.txt': No such file or directory"),
        ("b2", "no track 'b2' in the human head: expected numbers from 0 to 2, "),
        ("/HepG2/", "no description of a track of the human head matches /HepG2/"),
    ],
)
def test_the_command_refuses(expression: str, message: str, table: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["tracks", expression, "--track-table", table]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
