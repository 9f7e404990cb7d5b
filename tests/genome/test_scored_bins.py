"""Which bins are scored, mostly in windows of eight 4-bp bins of which six are scored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.variant import Interval

GEOMETRY = Geometry(sequence_length_bp=32, num_bins=6, bin_size_bp=4)
WINDOW = Interval("chr1", 100, 132)  # scored bins begin at 104, 108, 112, 116, 120 and 124, and end at 128


def chosen(text: str, variant_start: int = 115, window: Interval = WINDOW, geometry: Geometry = GEOMETRY) -> list[int]:
    weights = ScoredBins.parse(text).weights(window, variant_start, geometry)
    assert weights.dtype == np.float32
    assert weights.shape == (1, geometry.num_bins)
    assert set(np.unique(weights)) <= {0, 1}
    return np.flatnonzero(weights[0]).tolist()


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("all", "all"),
        (" centre:501 ", "centre:501"),
        ("centre:2,001", "centre:2001"),
        ("chr1:1,000-2,000", "chr1:1000-2000"),
        ("HLA-A*01:01:5-5", "HLA-A*01:01:5-5"),
        ("{chr1}:5-9", "chr1:5-9"),
        ("centre:5-9", "centre:5-9"),  # a contig may be called so
    ],
)
def test_a_choice_is_read_and_written(text: str, normalised: str) -> None:
    bins = ScoredBins.parse(text)
    assert str(bins) == normalised
    assert ScoredBins.parse(normalised) == bins


def test_positions_are_counted_from_one_and_both_included() -> None:
    assert ScoredBins.parse("chr2:11-20").region == Interval("chr2", 10, 20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected all, centre:BP or chr:start-end"),
        ("chr1", "expected all, centre:BP or chr:start-end"),
        ("chr1:5", "expected all, centre:BP or chr:start-end"),
        ("chr1:-5-9", "expected all, centre:BP or chr:start-end"),
        ("center:501", r"did you mean centre:501\?"),
        ("al", r"did you mean all\?"),
        ("centre", r"did you mean centre:BP\?"),
        ("centre:0", "at least 1 bp"),
        ("chr1:0-9", "positions start at 1"),
        ("chr1:9-8", "it ends at 8, before its start 9"),
    ],
)
def test_what_is_no_choice_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScoredBins.parse(text)


def test_all_bins() -> None:
    assert chosen("all") == [0, 1, 2, 3, 4, 5]
    assert chosen("all", variant_start=5000) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("width_bp", "variant_start", "expected"),
    [
        (1, 115, [2]),  # 112 to 116
        (4, 116, [3]),
        (5, 115, [1, 2]),  # two bins: one more to the left
        (8, 115, [1, 2]),
        (9, 115, [1, 2, 3]),
        (16, 112, [0, 1, 2, 3]),
        (9, 104, [0, 1]),  # clipped
        (9, 127, [4, 5]),
        (9, 128, [5]),  # its own bin is not scored
        (4, 128, []),
        (4, 103, []),
        (99, 90, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_bins_around_a_variant(width_bp: int, variant_start: int, expected: list[int]) -> None:
    assert chosen(f"centre:{width_bp}", variant_start) == expected


@pytest.mark.parametrize(("width_bp", "first", "last"), [(501, 445, 448), (2001, 439, 454)])
def test_bins_that_alphagenome_takes(width_bp: int, first: int, last: int) -> None:
    geometry = Geometry()
    window = Interval("chr1", 1_000_000, 1_196_608)
    start = window.start + geometry.variant_offset_bp  # in bin 447
    # ceil(501 / 128) = 4 bins from 447 - 2; ceil(2001 / 128) = 16 bins from 447 - 8.
    expected = list(range(first, last + 1))
    assert chosen(f"centre:{width_bp}", start, window, geometry) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chr1:113-116", [2]),  # exactly the bin from 112 to 116
        ("chr1:112-117", [1, 2, 3]),  # a base of either neighbour too
        ("chr1:1-104", []),
        ("chr1:1-105", [0]),
        ("chr1:128-900", [5]),
        ("chr1:129-900", []),
        ("chr2:113-116", []),
        ("chr1:1-1000000", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_bins_that_overlap_a_region(text: str, expected: list[int]) -> None:
    assert chosen(text) == expected


def test_a_regions_contig_takes_the_name_of_the_fasta() -> None:
    bins = ScoredBins.parse("1:113-116").with_names({"1": "chr1"}.get)
    assert str(bins) == "chr1:113-116"
    assert bins.weights(WINDOW, 115, GEOMETRY).any()
    assert ScoredBins.parse("all").with_names({}.get) == ScoredBins()
    with pytest.raises(ValueError, match="the FASTA has no contig 7"):
        ScoredBins.parse("7:1-5").with_names({"1": "chr1"}.get)


def test_a_choice_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="or neither"):
        ScoredBins(5, Interval("chr1", 1, 2))
    with pytest.raises(ValueError, match="at least 1 bp"):
        ScoredBins(region=Interval("chr1", 1, 1))


@pytest.mark.parametrize(
    ("text", "offsets", "is_mirrored", "expected"),
    [
        ("all", range(15, 16), False, range(6)),
        ("chr1:113-116", range(15, 16), False, range(6)),
        ("centre:1", range(15, 16), False, range(2, 3)),
        ("centre:1", range(15, 16), True, range(2, 4)),
        ("centre:5", range(15, 19), False, range(1, 4)),
        ("centre:5", range(15, 19), True, range(1, 5)),
        ("centre:4", range(1), False, range(1)),  # nothing is needed, but something must be computed
        ("centre:4", range(31, 32), False, range(5, 6)),
        ("centre:4", range(31, 32), True, range(6)),
    ],
)
def test_bins_that_have_to_be_computed(text: str, offsets: range, is_mirrored: bool, expected: range) -> None:
    assert ScoredBins.parse(text).computed(offsets, GEOMETRY, is_mirrored=is_mirrored) == expected


@given(width_bp=st.integers(1, 50), first=st.integers(-40, 70), length=st.integers(1, 40), is_mirrored=st.booleans())
def test_all_that_any_variant_needs_is_computed(width_bp: int, first: int, length: int, is_mirrored: bool) -> None:
    bins = ScoredBins(centre_bp=width_bp)
    offsets = range(first, first + length)
    computed = bins.computed(offsets, GEOMETRY, is_mirrored=is_mirrored)
    assert computed
    assert computed.start >= 0
    assert computed.stop <= 6
    if is_mirrored:
        assert computed.start == 6 - computed.stop
    needed = set()
    for offset in offsets:
        needed |= set(chosen(f"centre:{width_bp}", WINDOW.start + offset))
    assert needed <= set(computed)
