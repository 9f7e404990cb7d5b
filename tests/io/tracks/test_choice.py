"""Expressions that choose tracks, on a small table that can be checked by eye."""

from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from enformer_vep.errors import TrackError
from enformer_vep.io.tracks.choice import Described, Excluded, Listed, Measured, TrackChoice
from enformer_vep.io.tracks.table import TrackColumns, TrackTable, read_track_table

DESCRIPTIONS = [
    "DNASE:K562",
    "DNASE:liver, female adult (35 years)",
    "ATAC:K562",
    "CHIP:CTCF:K562",
    "CHIP:eGFP-CTCF:liver",
    "CHIP:H3K4me3:K562",
    "CHIP:POLR2A:B6NCrl/x #1",
    "CAGE:liver",
    "CAGE:K562, biol_",
    "an assay of one's own",
]


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> TrackTable:
    path = tmp_path_factory.mktemp("tracks") / "tracks.txt"
    rows = "".join(f"{i}\tT{i}\t{text}\n" for i, text in enumerate(DESCRIPTIONS))
    path.write_text(f"index\tidentifier\tdescription\n{rows}")
    return read_track_table(str(path), "human", len(DESCRIPTIONS))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


EXPRESSIONS = {
    "assay:DNASE": [0, 1],
    "assay:dnase,assay:Atac": [0, 1, 2],
    "assay:CHIP": [3, 4, 5, 6],
    "assay:CHIP:HISTONE": [5],
    "assay:chip:tf": [3, 4, 6],
    "assay:CTCF": [3, 4],
    "assay: CHIP:CTCF": [3, 4],
    "ASSAY:other": [9],
    "/k562/": [0, 2, 3, 5, 8],
    "/(?-i:k562)|liver$/": [4, 7],
    "/liver, female/,0": [1, 0],
    r"/crl\/x/": [6],
    r"/^CHIP:[^:,]{4,7}:/ , T9": [3, 5, 6, 9],
    "8,/K562/,0-2": [8, 0, 2, 3, 5, 1],
    "!assay:CHIP": [0, 1, 2, 7, 8, 9],
    "!0-8": [9],
    "! /K562/,!9": [1, 4, 6, 7],
    "0-4,!2": [0, 1, 3, 4],
    "!2,0-4": [0, 1, 3, 4],  # an exclusion holds wherever it stands
    "0-4,!2,2": [0, 1, 3, 4],
    "assay:CHIP,!assay:CTCF,!T5": [6],
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(tracks: TrackTable, expression: str) -> None:
    choice = TrackChoice.parse(expression)
    assert tracks.select(choice).indices == EXPRESSIONS[expression]
    # What it is written as means the same.
    assert TrackChoice.parse(str(choice)) == choice


def test_terms_and_their_text() -> None:
    choice = TrackChoice.parse(r"0-9, assay:ctcf ,/a,\/b/,! 7,!/x/")
    assert choice.entries == (range(10), Measured("ctcf"), Described(r"a,\/b"), Excluded(7), Excluded(Described("x")))
    assert str(choice) == r"0-9,assay:ctcf,/a,\/b/,!7,!/x/"


FILES = {
    "all kinds": ("0\n T3 \nassay:ATAC\n/liver, f/\n", [0, 3, 2, 1]),
    "comments": ("# of mine\n\n0 # the first\n  #2\n/B6NCrl.x #1/ # and this\n", [0, 6]),
    "several terms on a line": ("0,2, # and a comma, which ends the line\n,5", [0, 2, 5]),
    "exclusions": ("assay:CHIP\n!assay:CTCF\n", [5, 6]),
    "exclusions alone": ("!assay:CHIP\n!0-2", [7, 8, 9]),
    "line ends and a mark of other systems": ("\ufeff0\r\n2\r\n", [0, 2]),
}


@pytest.mark.parametrize("case", FILES)
def test_files(tracks: TrackTable, folder: Path, case: str) -> None:
    content, expected = FILES[case]
    (folder / "list.txt").write_bytes(content.encode())
    choice = TrackChoice.parse("@list.txt")
    assert tracks.select(choice).indices == expected
    assert str(choice) == "@list.txt"
    assert tracks.select(TrackChoice.parse("!@list.txt")).indices == [i for i in range(10) if i not in expected]


def test_a_file_is_read_once(tracks: TrackTable, folder: Path) -> None:
    (folder / "list.txt").write_text("3")
    choice = TrackChoice.parse("1,@list.txt")
    (folder / "list.txt").unlink()
    assert choice.entries == (1, Listed("list.txt", TrackChoice((3,))))
    assert tracks.select(choice).indices == [1, 3]


def test_exclusions_of_a_file_are_its_own(tracks: TrackTable, folder: Path) -> None:
    (folder / "list.txt").write_text("0-4\n!2\n")
    assert tracks.select(TrackChoice.parse("@list.txt,2")).indices == [0, 1, 3, 4, 2]


def test_files_name_others_beside_them(tracks: TrackTable, folder: Path) -> None:
    (folder / "lists").mkdir()
    (folder / "lists" / "a.txt").write_text("0\n@b.txt\n!@../c.txt\n")
    (folder / "lists" / "b.txt").write_text("1-3")
    (folder / "c.txt").write_text("2")
    assert tracks.select(TrackChoice.parse("@lists/a.txt,@c.txt")).indices == [0, 1, 3, 2]


BAD_EXPRESSIONS = {
    "assay:CTFC": "measures 'CTFC': expected CHIP, DNASE, ATAC, CHIP:HISTONE, CHIP:TF, CAGE, OTHER or a target like "
    "CTCF; did you mean CTCF?",
    "assay:": "expected a name after 'assay:'",
    "CAGE": "did you mean assay:CAGE?",
    "chip:tf": "did you mean assay:chip:tf?",
    "T10,T1": "no track 'T10' in the human head",
    "10": "expected numbers from 0 to 9",
    "/[/": "the regular expression /[/ does not compile: ",
    "//": "is empty",
    "/a": "'/a' is not a regular expression: expected one between slashes",
    "/a/b/": r"with \/ for a slash inside it",
    "/K563/": "no description of a track of the human head matches /K563/, such as 'DNASE:K562'",
    f"/{'(' * 900}{')' * 900}/": "is nested too deeply",
    "/(?R)/": "the regular expression /(?R)/ does not compile: ",
    "0,!0": "'0,!0' excludes every track",
    "!0-9": "'!0-9' excludes every track",
    "!": "another term after '!', found ''",
    "!!0": "another term after '!', found '!0'",
    "!T10": "no track 'T10'",  # a slip in an exclusion would go unseen
    "0,,1": "no track '' in '0,,1'",
    "@": "expected the name of a file after '@'",
    "@none.txt": "cannot read the list of tracks 'none.txt': No such file or directory",
    "@.": "Is a directory",
    "@a\0b": "null",
    "@empty.txt": "no track in empty.txt",
    "@bad.txt": "bad.txt line 3: the regular expression /(/ does not compile",
    "@unknown.txt": "unknown.txt: no track 'T77'",
    "@binary.txt": "cannot read the list of tracks 'binary.txt': 'utf-8' codec",
    "@large.txt": "larger than 1,000,000 bytes",
    "@itself.txt": "itself.txt line 1: the list of tracks itself.txt names itself: remove @itself.txt from ",
    "@round.txt": "other.txt line 1: the list of tracks round.txt names itself",
    "@many.txt": "more than 100 lists of tracks are named",
}


@pytest.mark.parametrize("expression", BAD_EXPRESSIONS, ids=lambda text: text[:12].replace("\0", " "))
def test_bad_expressions_are_one_line(tracks: TrackTable, folder: Path, expression: str) -> None:
    (folder / "empty.txt").write_text("# nothing\n\n")
    (folder / "bad.txt").write_text("0\n1\n/(/\n")
    (folder / "unknown.txt").write_text("T77\n")
    (folder / "binary.txt").write_bytes(b"\xff\xfe0\n")
    (folder / "large.txt").write_text("0\n" * 500_001)
    (folder / "itself.txt").write_text("@itself.txt\n")
    (folder / "round.txt").write_text("@other.txt\n")
    (folder / "other.txt").write_text("@round.txt\n")
    (folder / "one.txt").write_text("1\n")
    (folder / "many.txt").write_text("@one.txt\n" * 100)
    with pytest.raises(TrackError) as caught:
        tracks.select(TrackChoice.parse(expression))
    message = str(caught.value)
    assert BAD_EXPRESSIONS[expression] in message
    assert len(message.splitlines()) == 1
    assert len(message) < 500


EXACT = {"7": {7}, "T3": {3}, "0-9": set(range(10)), "2-5": set(range(2, 6)), **EXPRESSIONS}
GOOD_TERMS = {text: set(places) for text, places in EXACT.items() if "," not in text and "!" not in text}
ODD_TERMS = st.one_of(
    st.sampled_from(["9-0", "10", "T33", "assay:", "CAGE", "", "@", "@.", "@none", "@itself.txt", "@~nobody/x", "@\0"]),
    st.text("K562liver.*+?()[]{}|^$\\/:!,#-a ", max_size=20).map(lambda text: f"/{text}/"),
    st.text("assay:CHIPTFcage0129-,!@/K562()[]*+\\#\n ", max_size=30),
    st.text(max_size=20),
)


@st.composite
def good_expressions(draw: st.DrawFn) -> tuple[str, set[int]]:
    """An expression, and the places that it chooses according to sets."""
    terms = draw(
        st.lists(st.tuples(st.sampled_from(["", "", "!"]), st.sampled_from(sorted(GOOD_TERMS))), min_size=1, max_size=5)
    )
    wanted = [GOOD_TERMS[term] for sign, term in terms if not sign] or [set(range(10))]
    unwanted = [GOOD_TERMS[term] for sign, term in terms if sign]
    return ",".join(map("".join, terms)), set().union(*wanted).difference(*unwanted)


@pytest.fixture(scope="module")
def columns(tracks: TrackTable) -> TrackColumns:
    table = tracks.table
    return TrackColumns(
        "human", tracks.identifiers, DESCRIPTIONS, list(table["assay"]), tracks.groups, list(table["target"])
    )


def places(columns: TrackColumns, expression: str) -> set[int]:
    """The chosen places, none if the expression is refused in one line."""
    try:
        choice = TrackChoice.parse(expression)
        indices = columns.find(choice)
    except TrackError as refused:
        error = str(refused)
    else:
        assert indices
        assert len(set(indices)) == len(indices)
        assert str(choice)
        return set(indices)
    assert len(error.splitlines()) == 1
    return set()


RANDOM = settings(max_examples=1_000, deadline=None, database=None, phases=[Phase.generate])


@pytest.mark.slow
@RANDOM
@given(good_expressions())
def test_a_thousand_good_expressions(columns: TrackColumns, case: tuple[str, set[int]]) -> None:
    expression, expected = case
    assert places(columns, expression) == expected


@pytest.mark.slow
def test_a_thousand_odd_expressions(columns: TrackColumns, folder: Path) -> None:
    """Each chooses some tracks or is refused; nothing else may be raised, whether it is given or in a file."""
    (folder / "itself.txt").write_text("@itself.txt\n")

    @RANDOM
    @given(st.lists(ODD_TERMS, min_size=1, max_size=3).map(",".join))
    def check(expression: str) -> None:
        (folder / "list.txt").write_bytes(expression.encode())
        places(columns, expression)
        places(columns, "!@list.txt")

    check()
