"""An allele's bits do not depend on what was computed before it: on shards, restarts, order or the cache's size.

Run with ONEDNN_MAX_CPU_ISA=AVX2 too, where a bin's bits do depend on its place in a tile.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison, ViewSettings
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.inference.comparer import reusing_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.inference.tiles import TILE_BINS
from enformer_vep.model.config import OFFICIAL_CONFIG, EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import DEMO, locate_model
from enformer_vep.model.weights import load_model
from tests.comparisons import ALL_STATISTICS, Contig, look_at
from tests.support import SMALL_CONFIG, TINY_CONFIG, precisions, reference_model

pytestmark = pytest.mark.slow

CONTIG_BP = 400_000
CODES = np.random.default_rng(11).integers(0, 4, CONTIG_BP, dtype=np.uint8)

Bits = dict[int, tuple[bytes, ...]]


CONTIG = Contig(CODES)


def dense_alleles(
    config: EnformerConfig, placement: str, positions: Sequence[int], views: ViewSettings | None = None
) -> list[Comparison]:
    """SNVs, insertions and deletions in turn, as dense as in a population's calls."""
    comparisons = []
    for number, pos in enumerate(positions):
        ref = "".join("ACGT"[code] for code in CODES[pos - 1 : pos + number % 7])
        alt = (ref[0] + "ACGTT"[: number % 6], "CGTA"["ACGT".index(ref[0])], ref[0])[number % 3]
        variant = Variant("1", pos, ref[:1] if len(alt) > 1 else ref, alt)
        comparisons.append(look_at(variant, CONTIG.fetch, config.geometry, placement=placement, views=views))
    return comparisons


def bits(model: Enformer, comparisons: Sequence[Comparison], numbers: Sequence[int], **options: object) -> Bits:
    """The statistics of some alleles in an order, by an engine that has computed nothing yet."""
    chosen = EngineSettings(next(iter(model.config.heads)), **options)  # type: ignore[arg-type]
    found = reusing_engine(model, CONTIG.fetch, chosen).compare((comparisons[i] for i in numbers), ALL_STATISTICS)
    return {
        number: tuple(of_statistic.tobytes() for of_statistic in scores.values())
        for number, scores in zip(numbers, found, strict=True)
    }


def tile_bytes(config: EnformerConfig) -> int:
    return min(TILE_BINS, config.geometry.num_tower_bins) * config.channels * 4


def check(model: Enformer, comparisons: Sequence[Comparison], **options: object) -> None:
    """Compares one run with the second of two shards without a cache, and a reversed order with a cache of one tile."""
    everyone = range(len(comparisons))
    expected = bits(model, comparisons, everyone, **options)
    shard = everyone[len(everyone) // 2 :]
    assert bits(model, comparisons, shard, cache_bytes=0, **options) == {i: expected[i] for i in shard}
    cache_bytes = tile_bytes(model.config)
    assert bits(model, comparisons, everyone[::-1], cache_bytes=cache_bytes, **options) == expected


@pytest.fixture(scope="module")
def tiny() -> Enformer:
    return reference_model(TINY_CONFIG)


@pytest.fixture(scope="module")
def small() -> Enformer:
    return reference_model(SMALL_CONFIG)


@pytest.fixture(scope="module")
def with_three_blocks_of_tracks() -> Enformer:
    return reference_model(replace(TINY_CONFIG, heads={"human": 300}))


@pytest.fixture(scope="module")
def demo() -> Enformer:
    return load_model(locate_model(DEMO)).model


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
@given(data=st.data())
@settings(max_examples=5)
def test_any_share_in_any_order_with_any_cache(tiny: Enformer, precision: str, data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(1, 4000), min_size=2, max_size=8))
    placement = data.draw(st.sampled_from(["centred", "grid", "shared:600"]))
    views = data.draw(st.sampled_from([ViewSettings(), ViewSettings(True, (0, 1), IndelPolicy.STITCH)]))
    comparisons = dense_alleles(TINY_CONFIG, placement, positions, views)
    options = {"precision": precision, "is_fused": False}
    expected = bits(tiny, comparisons, range(len(comparisons)), **options)
    some = data.draw(st.permutations(range(len(comparisons))))[: data.draw(st.integers(1, len(comparisons)))]
    cache_bytes = data.draw(st.integers(0, 4)) * tile_bytes(TINY_CONFIG)
    assert bits(tiny, comparisons, some, cache_bytes=cache_bytes, **options) == {
        number: expected[number] for number in some
    }


@pytest.mark.parametrize("precision", precisions("float32", "mixed", "bfloat16"))
def test_the_demo_model(demo: Enformer, precision: str) -> None:
    """Where windows share most: on a grid."""
    comparisons = dense_alleles(demo.config, "grid", range(200_000, 200_000 + 4 * 11, 11))
    check(demo, comparisons, precision=precision, is_fused=False)


@pytest.mark.full
@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_the_small_model(small: Enformer, precision: str) -> None:
    """With its elementwise steps fused, as in a run: backwards, and with a cache of one tile."""
    comparisons = dense_alleles(SMALL_CONFIG, "grid", range(200_000, 200_000 + 3 * 11, 11))
    options = {"precision": precision}
    together = bits(small, comparisons, range(3), **options)
    assert bits(small, comparisons, [2, 0], cache_bytes=tile_bytes(SMALL_CONFIG), **options) == {
        i: together[i] for i in (2, 0)
    }


@pytest.mark.full
def test_the_full_size_model() -> None:
    comparisons = dense_alleles(OFFICIAL_CONFIG, "grid", range(200_000, 200_000 + 3 * 11, 11))
    model = reference_model(OFFICIAL_CONFIG)
    together = bits(model, comparisons, range(3))
    assert bits(model, comparisons, [2, 0], cache_bytes=tile_bytes(OFFICIAL_CONFIG)) == {i: together[i] for i in (2, 0)}


@pytest.mark.full
@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_a_track_has_the_same_bits_alone_as_among_all(with_three_blocks_of_tracks: Enformer, precision: str) -> None:
    model = with_three_blocks_of_tracks
    comparisons = dense_alleles(model.config, "centred", [3000])
    every_track = [np.frombuffer(sums) for sums in bits(model, comparisons, [0], precision=precision)[0]]
    for tracks in ([7], [299, 0, 130], [*range(100, 200)]):
        found = bits(model, comparisons, [0], precision=precision, tracks=tracks)[0]
        assert [np.frombuffer(sums).tolist() for sums in found] == [sums[tracks].tolist() for sums in every_track]
