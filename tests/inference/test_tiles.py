from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.genome.variant import Interval
from enformer_vep.inference.receptive_field import ReceptiveField
from enformer_vep.inference.tiles import GenomeBins, TowerTiles

FIELD = ReceptiveField(bin_size_bp=8, num_bins=40, context_bp=20)
CHANNELS = 4
TILE_BINS = 8
TILE_BYTES = TILE_BINS * CHANNELS * 4


def codes_of(interval: Interval) -> np.ndarray:
    """Codes that are a function of the place on the genome."""
    return (np.arange(interval.start, interval.end) * 7919 % 251 % 5).astype(np.uint8)


def expected(start: int, num_bins: int) -> np.ndarray:
    """A made-up tower: each bin is sums over its bases and its context, and its place on the lattice of tiles."""
    bins = []
    for first in range(start, start + num_bins * FIELD.bin_size_bp, FIELD.bin_size_bp):
        codes = codes_of(Interval("1", first - FIELD.context_bp, first + FIELD.bin_size_bp + FIELD.context_bp))
        bins.append([codes.sum(), codes[0], codes[-1], first // FIELD.bin_size_bp % TILE_BINS])
    return np.array(bins, dtype=np.float32)


def make_tiles(cache_tiles: int = 1000) -> tuple[TowerTiles, list[int]]:
    calls: list[int] = []

    def compute_one(codes: np.ndarray) -> tf.Tensor:
        assert len(codes) == FIELD.length_bp(TILE_BINS)
        calls.append(len(codes))
        width = FIELD.bin_size_bp + 2 * FIELD.context_bp
        rows = [codes[first : first + width] for first in range(0, TILE_BINS * FIELD.bin_size_bp, FIELD.bin_size_bp)]
        return tf.constant([[row.sum(), row[0], row[-1], place] for place, row in enumerate(rows)], dtype=tf.float32)

    def compute(tiles: Sequence[np.ndarray]) -> list[tf.Tensor]:
        return [compute_one(codes) for codes in tiles]

    tiles = TowerTiles(compute, FIELD, codes_of, cache_bytes=cache_tiles * TILE_BYTES, tile_bins=TILE_BINS)
    return tiles, calls


def fetch(tiles: TowerTiles, contig: str, start: int, num_bins: int) -> np.ndarray:
    (found,) = tiles.fetch([GenomeBins(contig, "+", start, num_bins)])
    return np.asarray(found)


@given(
    requests=st.lists(st.tuples(st.integers(-500, 500), st.integers(1, 40)), min_size=1, max_size=8),
    cache_tiles=st.integers(0, 8),
)
@settings(max_examples=150, deadline=None)
def test_a_bin_and_its_place_in_its_tile_follow_from_the_genome_alone(
    requests: list[tuple[int, int]], cache_tiles: int
) -> None:
    tiles, calls = make_tiles(cache_tiles)
    for start, num_bins in requests:
        found = fetch(tiles, "1", start, num_bins)
        np.testing.assert_array_equal(found, expected(start, num_bins))
        assert tiles.num_bytes <= cache_tiles * TILE_BYTES
    assert tiles.num_bins_computed == len(calls) * TILE_BINS


def test_neighbours_of_one_phase_share_their_tiles() -> None:
    tiles, calls = make_tiles()
    fetch(tiles, "1", 0, 16)
    assert (len(calls), tiles.num_bins_reused) == (2, 0)
    fetch(tiles, "1", 8, 15)  # one bin on: all of it is there
    assert (len(calls), tiles.num_bins_reused) == (2, 15)
    fetch(tiles, "1", 64, 16)  # half of it is
    assert (len(calls), tiles.num_bins_reused) == (3, 15 + 8)


def test_another_phase_or_contig_shares_nothing() -> None:
    tiles, calls = make_tiles()
    fetch(tiles, "1", 0, 8)
    fetch(tiles, "1", 1, 8)
    fetch(tiles, "2", 0, 8)
    assert tiles.num_bins_reused == 0
    assert len(calls) == 3


def test_a_stretch_is_computed_in_the_tiles_that_it_touches() -> None:
    for first in range(-20, 20):
        tiles, calls = make_tiles()
        fetch(tiles, "1", first * 8, 15)
        assert len(calls) == (2 if first % TILE_BINS <= 1 else 3)


def test_what_was_not_asked_for_the_longest_is_dropped_first() -> None:
    tiles, calls = make_tiles(cache_tiles=2)
    fetch(tiles, "1", 0, 8)
    fetch(tiles, "1", 64, 8)
    fetch(tiles, "1", 0, 8)
    fetch(tiles, "1", 128, 8)  # the second tile goes
    assert len(calls) == 3
    fetch(tiles, "1", 0, 8)
    assert len(calls) == 3
    fetch(tiles, "1", 64, 8)
    assert len(calls) == 4


def test_requests_are_computed_together_and_each_tile_once() -> None:
    tiles, calls = make_tiles(cache_tiles=0)
    requests = [GenomeBins("1", "+", 0, 12), GenomeBins("1", "+", 64, 12), GenomeBins("1", "+", 0, 4)]
    for request, found in zip(requests, tiles.fetch(requests), strict=True):
        np.testing.assert_array_equal(found, expected(request.first, request.num_bins))
    assert len(calls) == 3  # tiles 0, 1 and 2
    assert tiles.num_bins_reused == 8 + 4


def test_the_reverse_strand_has_tiles_of_its_own() -> None:
    """Its axis is turned: the bin that begins at -48 there reads bases 48 to 40, and so on."""
    tiles, calls = make_tiles()
    tiles.fetch([GenomeBins("1", "+", -64, 8)])
    (found,) = tiles.fetch([GenomeBins("1", "-", -64, 8)])
    assert len(calls) == 2
    forward = codes_of(Interval("1", 64 - 8 - FIELD.context_bp, 64 + FIELD.context_bp))
    turned = np.where(forward < 4, 3 - np.minimum(forward, 3), 4)[::-1]
    assert found[0, 0] == turned.sum()


@pytest.mark.parametrize(("tile_bins", "cache_bytes"), [(0, 1), (8, -1)])
def test_sizes_that_cannot_be_are_refused(tile_bins: int, cache_bytes: int) -> None:
    with pytest.raises(ValueError, match="got"):
        TowerTiles(lambda codes: codes, FIELD, codes_of, cache_bytes=cache_bytes, tile_bins=tile_bins)  # type: ignore[arg-type]
