from pathlib import Path

import pytest

from enformer_vep.errors import TrackError
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.tracks.table import TrackTable, read_track_table, unnamed_tracks

HEADER = "index\tgenome\tidentifier\tfile\tdescription\n"


def write_table(path: Path, first: int = 0, num: int = 12) -> str:
    rows = [f"{first + i}\t0\tENC{i}\tx\tDNASE:tissue {i}\n" for i in range(num)]
    path.write_text(HEADER + "".join(rows))
    return str(path)


@pytest.fixture
def tracks(tmp_path: Path) -> TrackTable:
    return read_track_table(write_table(tmp_path / "t.txt"), "human", 12)


def test_unnamed_tracks() -> None:
    assert unnamed_tracks("mouse", 3).identifiers == ["mouse_0", "mouse_1", "mouse_2"]
    assert unnamed_tracks("human", 1, prefix="demo_").identifiers == ["demo_human_0"]


def test_a_table_that_counts_from_5313(tmp_path: Path) -> None:
    tracks = read_track_table(write_table(tmp_path / "t.txt", first=5313), "mouse", 12)
    assert tracks.indices == list(range(12))
    assert tracks.identifiers[0] == "ENC0"
    assert tracks.table["description"][11] == "DNASE:tissue 11"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0", [0]),
        ("0-2,11", [0, 1, 2, 11]),
        ("ENC3, 1", [3, 1]),
        ("5,5,4-6", [5, 4, 6]),
    ],
)
def test_select(tracks: TrackTable, expression: str, expected: list[int]) -> None:
    chosen = tracks.select(TrackChoice.parse(expression))
    assert chosen.indices == expected
    assert chosen.identifiers == [f"ENC{index}" for index in expected]


@pytest.mark.parametrize("expression", ["12", "0-12", "5-4", "ENC99", "-1", "1.5", "9" * 5000])
def test_what_is_no_track_is_refused(tracks: TrackTable, expression: str) -> None:
    with pytest.raises(TrackError, match="expected numbers from 0 to 11"):
        tracks.select(TrackChoice.parse(expression))


def test_entries_of_a_choice() -> None:
    choice = TrackChoice.parse("0-9, 4799,ENCFF833POA,5-4")
    assert choice.entries == (range(10), 4799, "ENCFF833POA", "5-4")
    assert str(choice) == "0-9,4799,ENCFF833POA,5-4"


@pytest.mark.parametrize("text", ["", "0,,1", " ", "1,"])
def test_an_empty_entry_is_refused(text: str) -> None:
    with pytest.raises(TrackError, match="expected numbers from 0, ranges of them"):
        TrackChoice.parse(text)


def test_an_identifier_comes_before_a_number(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(HEADER + "0\t0\t1\tx\td\n1\t0\t0-1\tx\td\n2\t0\tA\tx\td\n")
    tracks = read_track_table(str(tmp_path / "t.txt"), "human", 3)
    assert tracks.select(TrackChoice((1, range(2), 2))).indices == [0, 1, 2]
    with pytest.raises(TrackError, match="no track '-1'"):
        tracks.select(TrackChoice((-1,)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a track table"),
        ("index\tidentifier\n0\tA\n", "no column description"),
        (HEADER + "0\t0\tA\tx\td\n", "names 1 track, but the human head has 2"),
        (HEADER + "0\t0\tA\tx\td\n2\t0\tB\tx\td\n", "line 3: expected index 1, found '2'"),
        (HEADER + "a\t0\tA\tx\td\nb\t0\tB\tx\td\n", "line 2: expected a number as index"),
        (HEADER + "0\t0\tA\tx\td\n1\t0\tA\tx\td\n", "found A more than once"),
    ],
)
def test_what_is_not_a_table_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(content)
    with pytest.raises(TrackError, match=message):
        read_track_table(str(tmp_path / "t.txt"), "human", 2)


def test_a_table_without_a_model_may_have_any_number_of_tracks(tmp_path: Path) -> None:
    assert len(read_track_table(write_table(tmp_path / "t.txt", num=5), "human").table) == 5
    with pytest.raises(TrackError, match="it names no track"):
        read_track_table(write_table(tmp_path / "t.txt", num=0), "human")


def test_no_such_table() -> None:
    with pytest.raises(TrackError, match="no such file"):
        read_track_table("none.txt", "human", 2)


@pytest.mark.parametrize(
    ("head", "num_tracks", "first"), [("human", 5313, "ENCFF833POA"), ("mouse", 1643, "ENCFF866ZTV")]
)
def test_the_published_tables(shared_data: Path, head: str, num_tracks: int, first: str) -> None:
    tracks = read_track_table(str(shared_data / "tracks" / f"targets_{head}.txt"), head, num_tracks)
    assert tracks.identifiers[0] == first
    assert tracks.indices == list(range(num_tracks))
    other = {"human": "mouse", "mouse": "human"}[head]
    with pytest.raises(TrackError, match="use the track table of this head"):
        read_track_table(str(shared_data / "tracks" / f"targets_{other}.txt"), head, num_tracks)
