"""What docs/tracks.md says of the published tables: every expression, every count and every example."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.tracks.labels import GROUPS
from enformer_vep.io.tracks.table import TrackTable, read_track_table
from enformer_vep.model.config import OFFICIAL_HEADS

PAGE = (Path(__file__).parents[1] / "docs" / "tracks.md").read_text(encoding="utf-8")

TERMS = re.findall(r"^\|[^`\n]*(?:`[^`\n]*`[^`\n]*)?\| `([^`\n]+)` \| ([\d,]*) ?\| ([\d,]*) ?\|$", PAGE, re.MULTILINE)
"""The expressions of the table of terms, with the numbers of tracks that they choose, '' where none match."""

BLOCKS = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the page's list of tracks."""
    (tmp_path / "my_tracks.txt").write_text(next(block for block in BLOCKS if block.startswith("#")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@cache
def published(path: Path, head: str) -> TrackTable:
    return read_track_table(str(path), head, OFFICIAL_HEADS[head])


def test_the_page_has_the_expressions() -> None:
    assert len(TERMS) == 18
    assert {"4828", "0-9", "ENCFF833POA", "@my_tracks.txt", "assay:CAGE,!/cell line/"} <= {term for term, *_ in TERMS}


@pytest.mark.parametrize("head", OFFICIAL_HEADS)
@pytest.mark.parametrize("row", TERMS, ids=lambda row: row[0])
def test_expressions(row: tuple[str, str, str], head: str, shared_data: Path, folder: Path) -> None:
    expression, *numbers = (text.replace("\\|", "|") for text in row)
    number = numbers[list(OFFICIAL_HEADS).index(head)].replace(",", "")
    tracks = published(shared_data / "tracks" / f"targets_{head}.txt", head)
    choice = TrackChoice.parse(expression)
    if number:
        assert len(tracks.select(choice).table) == int(number)
    else:
        with pytest.raises(ValueError, match=r"no track '|no description of a track of the mouse head matches"):
            tracks.select(choice)


@pytest.mark.parametrize("group", GROUPS)
def test_groups(group: str, shared_data: Path) -> None:
    row = re.search(rf"^\| `{group}` \| ([\d,]+) \| ([\d,]+) \|", PAGE, re.MULTILINE)
    assert row
    for head, number in zip(OFFICIAL_HEADS, row.groups(), strict=True):
        tracks = published(shared_data / "tracks" / f"targets_{head}.txt", head)
        assert tracks.groups.count(group) == int(number.replace(",", ""))


def test_all_histones_but_h3(shared_data: Path) -> None:
    tracks = published(shared_data / "tracks" / "targets_human.txt", "human")
    assert "`assay:CHIP:HISTONE,/^CHIP:H[234]/`" in PAGE
    histones = tracks.select(TrackChoice.parse("assay:CHIP:HISTONE,/^CHIP:H[234]/"))
    is_histone = tracks.table["target"].str.match("H[234]")
    assert set(tracks.indices) - set(histones.indices) >= set(tracks.table["index"][tracks.table["target"] == "H3"])
    assert len(histones.table) == is_histone.sum() - 1 == 1890 + 111 - 1


EXAMPLES = [block for block in BLOCKS if block.startswith("$ ")]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: block.splitlines()[0])
def test_examples(
    example: str, shared_data: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, *lines = example.splitlines()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    _, *arguments = shlex.split(command.removeprefix("$ "))
    main([*arguments, "--track-table", str(shared_data / "tracks" / "targets_human.txt")])
    captured = capsys.readouterr()
    assert [*captured.out.splitlines(), *captured.err.splitlines()] == lines


def test_blocks_of_the_head(shared_data: Path) -> None:
    from enformer_vep.inference.passes import TrackBlocks

    tracks = published(shared_data / "tracks" / "targets_human.txt", "human")
    needed = {
        expression: len(TrackBlocks(5313, tracks.select(TrackChoice.parse(expression)).indices).blocks)
        for expression in ("/./", "0", "assay:CAGE", "assay:DNASE", "assay:CTCF")
    }
    assert needed == {"/./": 42, "0": 1, "assay:CAGE": 6, "assay:DNASE": 6, "assay:CTCF": 30}
    assert "42 blocks, one track needs 1, `assay:CAGE`\nand `assay:DNASE` need 6 each" in PAGE
    assert "`assay:CTCF` needs 30" in PAGE
