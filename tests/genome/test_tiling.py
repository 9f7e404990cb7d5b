"""Windows on a lattice, whose scored bins cover regions once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.tiling import BinSpan, bins_within, covering_bins, tiles
from enformer_vep.genome.variant import Interval

GEOMETRY = Geometry(sequence_length_bp=128 * 24, num_bins=16)  # 4 bins are cropped at each end

intervals = st.lists(
    st.builds(
        lambda contig, start, length: Interval(contig, start, start + length),
        st.sampled_from(["chr1", "chr10", "chr2"]),
        st.integers(0, 9000),
        st.integers(0, 5000),
    ),
    max_size=8,
)


def bins_of(spans: list[BinSpan]) -> list[tuple[str, int]]:
    return [(span.contig, number) for span in spans for number in range(span.first, span.stop)]


@given(intervals)
def test_every_base_is_in_one_bin_of_one_window(wanted: list[Interval]) -> None:
    spans = covering_bins(wanted, 128)
    bins = bins_of(spans)
    assert bins == sorted(set(bins))
    assert set(bins) == {
        (interval.contig, position // 128) for interval in wanted for position in range(interval.start, interval.end)
    }
    found = tiles(spans, GEOMETRY)
    assert [bin_ for tile in found for bin_ in bins_of(list(tile.spans))] == bins
    assert len({tile.window for tile in found}) == len(found)
    for tile in found:
        assert tile.window.length == 128 * 24
        # The first scored bin lies 4 bins into the window, and begins at a multiple of 16 bins of the contig.
        assert (tile.window.start + 4 * 128, tile.first % 16) == (tile.first * 128, 0)
        for span in tile.spans:
            assert 0 <= tile.scored(span).start < tile.scored(span).stop <= 16


@pytest.mark.parametrize(
    ("wanted", "expected"),
    {
        "one base": ([(127, 128)], [(0, 1)]),
        "two bins": ([(127, 129)], [(0, 2)]),
        "overlapping": ([(500, 900), (0, 600)], [(0, 8)]),
        "in one bin": ([(130, 131), (200, 201)], [(1, 2)]),
        "bins that touch": ([(0, 128), (128, 256)], [(0, 2)]),
        "apart": ([(0, 128), (256, 257)], [(0, 1), (2, 3)]),
        "empty": ([(5, 5)], []),
    }.values(),
)
def test_bins_that_cover_intervals(wanted: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    spans = covering_bins([Interval("chr1", *ends) for ends in wanted], 128)
    assert [(span.first, span.stop) for span in spans] == expected


def test_a_window_depends_on_its_place_alone() -> None:
    alone = tiles(covering_bins([Interval("chr1", 5000, 5001)], 128), GEOMETRY)
    amid = tiles(covering_bins([Interval("chr1", 0, 9000)], 128), GEOMETRY)
    # Base 5,000 is in bin 39, and in window 2, whose scored bins are 32 to 47: from base 4,096, less 512 of crop.
    assert [tile.window for tile in alone] == [Interval("chr1", 3584, 3584 + 3072)]
    assert alone[0].window == amid[2].window


def test_a_span_has_a_bin() -> None:
    with pytest.raises(ValueError, match="at least one bin"):
        BinSpan("chr1", 3, 3)


@pytest.mark.parametrize("windows_per_bin", [2, 4, 16])
@given(wanted=intervals)
def test_every_bin_is_in_so_many_windows(windows_per_bin: int, wanted: list[Interval]) -> None:
    spans = covering_bins(wanted, 128)
    found = tiles(spans, GEOMETRY, windows_per_bin)
    assert [(tile.window.contig, tile.first) for tile in found] == sorted(
        {(tile.window.contig, tile.first) for tile in found}
    )
    counts = Counter(bin_ for tile in found for bin_ in bins_of(list(tile.spans)))
    assert counts == dict.fromkeys(bins_of(spans), windows_per_bin)
    for tile in found:
        assert tile.first % (16 // windows_per_bin) == 0
        assert tile.window == Interval(tile.window.contig, (tile.first - 4) * 128, (tile.first + 20) * 128)
        assert all(tile.first <= span.first < span.stop <= tile.first + 16 for span in tile.spans)


def test_windows_per_bin_divides_the_bins() -> None:
    with pytest.raises(ValueError, match="expected one of 1, 2, 4, 8, 16; got 3"):
        tiles([BinSpan("chr1", 0, 1)], GEOMETRY, 3)


@given(start=st.integers(-2047, 999), length_bp=st.integers(1000, 5000))
def test_bins_of_a_window_that_overlap_the_contig(start: int, length_bp: int) -> None:
    span = bins_within(Interval("chr1", start, start + 2048), length_bp, 128)
    begins = [start + 128 * number for number in range(16)]
    within = [number for number, begin in enumerate(begins) if begin + 128 > 0 and begin < length_bp]
    assert list(range(span.first, span.stop)) == within
    starts, ends = span.edges(length_bp, 128)
    assert starts.tolist() == [max(0, begins[number]) for number in within]
    assert ends.tolist() == [min(length_bp, begins[number] + 128) for number in within]
