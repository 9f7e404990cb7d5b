import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.errors import InputError
from enformer_vep.genome.variant import Interval
from enformer_vep.io.vcf.selection import CONTIG_END, Selection


def select(*regions: str, pass_only: bool = False, include_id_file: str | None = None) -> Selection:
    return Selection.from_options(regions, pass_only=pass_only, include_id_file=include_id_file)


@pytest.mark.parametrize(
    ("text", "intervals"),
    [
        ("chr1:5-10", [("chr1", 4, 10)]),
        ("chr1:5", [("chr1", 4, 5), ("chr1:5", 0, CONTIG_END)]),
        ("chr1:1,000-2,000", [("chr1", 999, 2000)]),
        ("chr1:1,000", [("chr1", 999, 1000)]),
        ("chr1:5-", [("chr1", 4, CONTIG_END)]),
        ("chr1", [("chr1", 0, CONTIG_END)]),
        (" chr1:5-10 ", [("chr1", 4, 10)]),
        ("GL000192.1:7-7", [("GL000192.1", 6, 7)]),
        ("HLA-A*01:01:5-10", [("HLA-A*01:01", 4, 10)]),
        ("HLA-A*01:01:01:02N", [("HLA-A*01:01:01:02N", 0, CONTIG_END)]),
        ("{HLA-A*01:01}", [("HLA-A*01:01", 0, CONTIG_END)]),
        ("{HLA-A*01:01}:5-10", [("HLA-A*01:01", 4, 10)]),
        ("chr1:5-99999999999999999999999999", [("chr1", 4, CONTIG_END)]),
    ],
)
def test_regions(text: str, intervals: list[tuple]) -> None:
    assert {(found.contig, found.start, found.end) for found in select(text).regions} == set(intervals)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", ":5", "chr1:", "a b", "{chr1}5", "{}", "{chr1}:", "{chr1}:x"),
        *("chr1:0-5", "chr1:0", "chr1:10-5", "chr1:-5", "chr1:5-x", "chr1:x-5", "chr1:5-6-7", "chr1:5--7"),
        *("chr1:,5", "chr1:5,x"),
    ],
)
def test_bad_regions_are_named(text: str) -> None:
    with pytest.raises(InputError, match="expected chr:start-end") as caught:
        select(text)
    assert repr(text) in str(caught.value)
    assert caught.value.exit_code == 2


@given(st.text(max_size=20))
def test_any_text_is_a_region_or_an_error(text: str) -> None:
    try:
        regions = select(text).regions
    except InputError:
        return
    assert all(region.contig for region in regions)


def test_a_contig_with_colons_is_found_by_its_name() -> None:
    selection = select("HLA-A*01:01")
    assert selection.overlaps("HLA-A*01:01", 500, 501)
    assert not selection.overlaps("HLA-A*01:02", 500, 501)
    assert not selection.overlaps("HLA-A*01", 500, 501)


@pytest.mark.parametrize(
    ("region", "chrom", "is_in"),
    [
        ("chr1", "1", True),
        ("1", "chr1", True),
        ("chrM", "MT", True),
        ("MT", "chrM", True),
        ("M", "chrMT", True),
        ("chr1", "chr11", False),
        ("chr1", "CHR1", False),
    ],
)
def test_names_of_a_contig(region: str, chrom: str, *, is_in: bool) -> None:
    assert select(region).overlaps(chrom, 5, 6) is is_in


def test_bed(tmp_path: Path) -> None:
    bed = tmp_path / "regions.bed"
    bed.write_bytes(b"# x\nbrowser position\ntrack name=a\nchr1\t4\t10\tname\r\n\nchr2 0 7\nchr3\t5\t5\n")
    selection = select(str(bed), "chr4:1-2")
    assert selection.overlaps("chr1", 4, 5)
    assert selection.overlaps("chr1", 9, 10)
    assert not selection.overlaps("chr1", 10, 11)
    assert not selection.overlaps("chr1", 3, 4)
    assert selection.overlaps("chr1", 0, 5)  # a deletion that reaches in
    assert selection.overlaps("2", 0, 1)
    assert selection.overlaps("chr4", 0, 1)
    assert not selection.overlaps("chr3", 0, 100)  # holds no base


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"chr1\t4\t10\nchr1\t4\n", "line 2: expected BED"),
        (b"chr1\t4\tx\n", "line 1: expected BED"),
        (b"chr1\t-4\t5\n", "line 1: expected BED"),
        (b"\t4\t5\n", "line 1: expected BED"),
        (b"\nchr1\t9\t5\n", "line 2: expected BED with an end at or after"),
        (b"chr1:5-10\n", "line 1: expected BED"),
        (b"# none\n", "contains no intervals"),
        (b"", "contains no intervals"),
        (b"\x1f\x8b\x08", "is compressed"),
        (b"chr1\t4\t" + b"9" * 5000, "line 1: expected BED"),
    ],
)
def test_bad_bed(content: bytes, message: str, tmp_path: Path) -> None:
    bed = tmp_path / "regions"
    bed.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        select(str(bed))
    assert str(bed) in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["none.bed", "none.bed.gz", "some/folder"])
def test_no_such_bed(name: str) -> None:
    with pytest.raises(InputError, match="no such BED file"):
        select(name)


INTERVALS = st.lists(
    st.tuples(st.sampled_from(["chr1", "1", "2"]), st.integers(0, 60), st.integers(0, 12)).map(
        lambda place: Interval(place[0], place[1], place[1] + place[2])
    ),
    min_size=1,
    max_size=12,
)


@given(INTERVALS, st.sampled_from(["chr1", "1", "chr2", "3"]), st.integers(-5, 80), st.integers(1, 20))
def test_overlap_is_what_every_region_says(regions: list[Interval], chrom: str, start: int, length: int) -> None:
    expected = any(
        max(start, region.start) < min(start + length, region.end)
        for region in regions
        if region.contig.removeprefix("chr") == chrom.removeprefix("chr")
    )
    assert Selection(tuple(regions)).overlaps(chrom, start, start + length) is expected


def test_many_intervals_are_looked_up_quickly(tmp_path: Path) -> None:
    rng = random.Random(1)
    bed = tmp_path / "a.bed"
    bed.write_text(
        "".join(f"chr{rng.randrange(1, 23)}\t{(at := rng.randrange(10**8))}\t{at + 50}\n" for _ in range(100_000))
    )
    begin = time.perf_counter()
    selection = select(str(bed))
    for at in range(100_000):
        selection.overlaps("chr1", at * 1000, at * 1000 + 1)
    assert time.perf_counter() - begin < 60  # a scan of the intervals would take minutes


def test_filter() -> None:
    selection = select(pass_only=True)
    assert [
        name for name in ("PASS", ".", "q10", "q10;PASS", "", "pass") if selection.keeps("1", 5, "A", ".", name)
    ] == [
        "PASS",
        ".",
    ]


def test_ids(tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(b"rs1\r\n\n rs2 \n")
    selection = select(include_id_file=str(tmp_path / "ids"))
    assert selection.include_ids == {"rs1", "rs2"}
    assert [name for name in ("rs1", "x;rs2", "rs3", ".", "", "rs") if selection.keeps("1", 5, "A", name, ".")] == [
        "rs1",
        "x;rs2",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n", "contains no IDs"),
        (b"rs1\nrs2 rs3\n", "line 2: expected one ID"),
        (b"rs1;rs2\n", "line 1: expected one ID"),
    ],
)
def test_bad_ids(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(content)
    with pytest.raises(InputError, match=message):
        select(include_id_file=str(tmp_path / "ids"))
    with pytest.raises(InputError, match="cannot be read"):
        select(include_id_file=str(tmp_path / "none"))


def test_nothing_selected_selects_all() -> None:
    assert select().selects_all
    assert Selection().keeps("chr1", 5, "A", ".", "q10")
    assert not select("chr1").selects_all
    assert not select(pass_only=True).selects_all
    assert not Selection(include_ids=frozenset()).selects_all


def test_all_of_it_counts(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("rs1")
    selection = select("chr1:5-6", pass_only=True, include_id_file=str(tmp_path / "ids"))
    assert selection.keeps("chr1", 5, "A", "rs1", "PASS")
    assert selection.keeps("chr1", 3, "ACG", "rs1", "PASS")
    assert not selection.keeps("chr1", 4, "A", "rs1", "PASS")
    assert not selection.keeps("chr1", 5, "A", "rs2", "PASS")
    assert not selection.keeps("chr1", 5, "A", "rs1", "q10")
    assert (selection.last_end("1"), selection.last_end("2")) == (6, None)


def test_a_record_is_of_what_is_selected_and_not_of_how_it_was_said(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_text("chr1\t99\t200\n")
    (tmp_path / "ids.txt").write_text("rs1\nrs2\n")
    said = Selection.from_options(["1:100-200"], pass_only=False, include_id_file=None).record()
    assert said == Selection.from_options([str(tmp_path / "a.bed")], pass_only=False, include_id_file=None).record()
    others = [
        Selection.from_options(["1:100-201"], pass_only=False, include_id_file=None),
        Selection.from_options(["1:100-200"], pass_only=True, include_id_file=None),
        Selection.from_options(["1:100-200"], pass_only=False, include_id_file=str(tmp_path / "ids.txt")),
        Selection(),
    ]
    assert len({other.record()["sha256"] for other in others} | {said["sha256"]}) == 5
