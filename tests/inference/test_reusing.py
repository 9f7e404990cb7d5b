"""The reusing engine against the full one, on small models in which every part matters."""

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.codes import place_alleles
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.windows import Placement
from enformer_vep.inference.engine import AllelePair, AllelePredictions
from enformer_vep.inference.full import FullEngine
from enformer_vep.inference.receptive_field import Change
from enformer_vep.inference.reusing import ReusingEngine
from enformer_vep.inference.towers import Towers, find_change
from enformer_vep.model.arithmetic import PLAIN
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.scoring import FLOAT32_NOISE
from tests.support import TINY_CONFIG, precisions, reference_model

LENGTH = TINY_CONFIG.sequence_length_bp
GEOMETRY = TINY_CONFIG.geometry
CONTIG_BP = 12_000

PLACEMENTS = ["centred", "grid", "shared:128", "shared:600"]
PREDICTION_TOLERANCE = 1e-5
SCORE_TOLERANCE = 2e-3


def make_genome() -> np.ndarray:
    """A contig with a run of N at its start, one in its middle, and a repeat."""
    codes = np.random.default_rng(7).integers(0, 4, CONTIG_BP, dtype=np.uint8)
    codes[:700] = codes[5000:5400] = 4
    codes[8000:8200] = 0
    codes[8300:8500] = np.resize([0, 1, 2], 200)
    return codes


GENOME = make_genome()


def fetch(interval: Interval) -> np.ndarray:
    codes = np.full(interval.length, 4, dtype=np.uint8)
    start, end = max(interval.start, 0), min(interval.end, CONTIG_BP)
    if start < end:
        codes[start - interval.start : end - interval.start] = GENOME[start:end]
    return codes


def lay(start: int, num_ref_bp: int, alternate: np.ndarray, placement: str = "centred") -> AllelePair:
    """The pair of an allele whose REF begins at `start` on the contig."""
    place = Placement.parse(placement)
    variant = Variant("1", start + 1, "N" * num_ref_bp, "N" * len(alternate))
    window = place.window(variant, "1", GEOMETRY)
    more = max(0, num_ref_bp - len(alternate))
    region = fetch(Interval("1", window.interval.start, window.interval.end + more))
    reference, placed = place_alleles(
        region, offset_bp=window.offset_bp, num_ref_bp=num_ref_bp, alternate=alternate, length_bp=LENGTH
    )
    return AllelePair(window, reference, placed, num_ref_bp, len(alternate))


def substitution(start: int, placement: str = "centred") -> AllelePair:
    return lay(start, 1, (fetch(Interval("1", start, start + 1)) + 1) % 4, placement)


@st.composite
def pairs_of_all_kinds(draw: st.DrawFn, placement: str) -> AllelePair:
    """SNVs, MNVs, insertions and deletions anywhere, the contig's ends, N and repeats included."""
    start = draw(st.one_of(st.integers(0, CONTIG_BP - 1), st.sampled_from([0, 5399, 7999, 8100, 8301, CONTIG_BP - 1])))
    num_ref_bp = draw(st.one_of(st.just(1), st.integers(1, 700), st.integers(900, 930)))
    num_ref_bp = min(num_ref_bp, CONTIG_BP - start)  # in a shared window there is room for 3,072 / 2 - 600 bp
    kind = draw(st.sampled_from(["bases", "head of REF", "REF twice", "REF changed"]))
    ref = fetch(Interval("1", start, start + num_ref_bp))
    if kind == "bases":
        length = draw(st.sampled_from([1, 2, 5, 127, 128, 129, 700, 900, 935]))
        alternate = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 4, length, dtype=np.uint8)
    elif kind == "head of REF":
        alternate = ref[: draw(st.integers(1, num_ref_bp))]
    elif kind == "REF twice":
        alternate = np.concatenate([ref, ref])[:935]
    else:
        alternate = ref.copy()
        alternate[draw(st.integers(0, num_ref_bp - 1))] = draw(st.integers(0, 3))
    return lay(start, num_ref_bp, alternate, placement)


@pytest.fixture(scope="module")
def model() -> Enformer:
    return reference_model(TINY_CONFIG)


@pytest.fixture(scope="module")
def full_engine(model: Enformer) -> FullEngine:
    return FullEngine(model, "human")


@pytest.fixture(scope="module", params=PLACEMENTS)
def placed(request: pytest.FixtureRequest, model: Enformer) -> tuple[str, ReusingEngine]:
    placement = Placement.parse(request.param)
    # So small a cache that what was dropped is computed anew.
    return request.param, ReusingEngine(model, "human", fetch, placement=placement, cache_bytes=20_000, is_fused=False)


def sads(predictions: AllelePredictions) -> np.ndarray:
    return predictions.alternate.total - predictions.reference.total


def assert_parity(found: AllelePredictions, expected: AllelePredictions) -> None:
    for allele in ("reference", "alternate"):
        for sums in ("total", "log2_total"):
            one, other = (getattr(getattr(x, allele), sums) for x in (found, expected))
            np.testing.assert_allclose(one, other, rtol=PREDICTION_TOLERANCE)
    spread = sads(expected).std()
    # What float32 rounds away of a prediction is not an effect.
    rounding = FLOAT32_NOISE * np.abs(expected.reference.total).max()
    assert np.abs(sads(found) - sads(expected)).max() <= SCORE_TOLERANCE * spread + rounding


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_parity_with_the_full_engine(
    placed: tuple[str, ReusingEngine], full_engine: FullEngine, data: st.DataObject
) -> None:
    placement, engine = placed
    pairs = data.draw(st.lists(pairs_of_all_kinds(placement), min_size=1, max_size=3))
    for found, expected in zip(engine.predict(pairs), full_engine.predict(pairs), strict=True):
        assert_parity(found, expected)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_towers_are_those_of_the_windows(towers: Towers, model: Enformer, data: st.DataObject) -> None:
    """Of every alternate: as the whole window gives it, and where nothing changes the reference's own bits."""
    pair = data.draw(pairs_of_all_kinds(data.draw(st.sampled_from(PLACEMENTS))))
    reference = towers.reference(pair.window.interval, pair.reference)
    expected = model.conv_tower(tf.one_hot(np.stack([pair.reference, pair.alternate]), 4)).numpy()
    np.testing.assert_allclose(reference, expected[0], rtol=0, atol=1e-5)
    change = find_change(pair)
    assert (change is None) == np.array_equal(pair.reference, pair.alternate)
    if change is None:
        return
    alternate = towers.alternate(pair, change).place(reference)
    np.testing.assert_allclose(alternate, expected[1], rtol=0, atol=1e-5)
    unchanged = (expected[0] == expected[1]).all(axis=1)
    reached = towers.field.bins_reached(change.first_bp, change.end_bp)
    for number in np.flatnonzero(unchanged):
        if number < reached.start or (not change.shift_bp and number >= reached.stop):
            assert np.array_equal(alternate[number], reference[number])


@pytest.fixture(scope="module")
def towers(model: Enformer) -> Towers:
    num_blocks = 1 + len(model.tower_blocks)
    return Towers(model, fetch, cache_bytes=10**6, tiles=[PLAIN] * num_blocks, patches=PLAIN)


def test_what_is_new_of_a_change(model: Enformer) -> None:
    assert find_change(substitution(3000)) == Change(1535, 1536, 0)
    assert find_change(lay(3000, 1, GENOME[3000:3001])) is None
    # GENOME[8000:8200] is a run of A: the sequence begins to differ at the run's end, wherever the change stands.
    assert find_change(lay(8100, 3, np.array([0], np.uint8))) == Change(1535 + 98, 1535 + 98, -2)
    assert find_change(lay(8100, 1, np.array([0, 0, 0], np.uint8))) == Change(1535 + 100, 1535 + 100, 2)
    # REF ends as ALT does: only what lies before is new.
    ref = GENOME[3000:3005]
    alternate = np.concatenate([[(ref[0] + 1) % 4], [(ref[1] + 1) % 4], ref[1:]]).astype(np.uint8)
    assert find_change(lay(3000, 5, alternate)) == Change(1535, 1537, 1)


def test_nothing_is_recomputed_that_is_known(model: Enformer) -> None:
    """A policy that fell back to the whole tower would be seen here."""
    num_bins = GEOMETRY.num_tower_bins
    num_tile_bins = 2 * num_bins  # as many bins as a window; the windows in question lie in two tiles each
    engine = ReusingEngine(model, "human", fetch, is_fused=False)
    list(engine.predict([substitution(3000)]))
    counts = engine.counts()
    assert (counts.transformer_passes, counts.tower_bins_computed) == (
        2,
        num_tile_bins + 2 * 6 + 6,
    )  # and patches of 6 bins
    assert counts.tower_bins_reused == num_bins - 6
    list(engine.predict([substitution(3000)]))  # the same window: one pass and one patch
    assert engine.counts().transformer_passes == 3
    assert engine.counts().tower_bins_computed == counts.tower_bins_computed + 6


@pytest.mark.parametrize(
    ("placement", "num_references", "num_tiles"),
    [
        ("centred", 40, 80),  # a window of its own for each, and most of its bins on a grid of its own
        ("grid", 10, 2),  # 40 variants in 500 bp: one for each bin that they stand in
        ("shared:600", 2, 2),
    ],
)
def test_what_each_placement_shares(model: Enformer, placement: str, num_references: int, num_tiles: int) -> None:
    engine = ReusingEngine(model, "human", fetch, placement=Placement.parse(placement), is_fused=False)
    pairs = [substitution(3000 + 12 * i, placement) for i in range(40)]
    list(engine.predict(pairs))
    counts = engine.counts()
    assert counts.transformer_passes - len(pairs) <= num_references
    num_references = counts.transformer_passes - len(pairs)
    bins_in_tiles = counts.tower_bins_computed - 6 * (len(pairs) + 2 * num_references)
    assert bins_in_tiles <= num_tiles * GEOMETRY.num_tower_bins


def test_a_deletions_flank_is_shared_on_its_own_grid(model: Enformer) -> None:
    engine = ReusingEngine(model, "human", fetch, placement=Placement("grid"), is_fused=False)
    list(engine.predict([lay(3000, 3, GENOME[3000:3001], "grid")]))
    before = engine.counts().tower_bins_computed
    list(engine.predict([lay(3010, 3, GENOME[3010:3011], "grid")]))  # two bases less, in the same window
    assert engine.counts().tower_bins_computed - before <= 2 * 6 + 6  # patches alone: at the deletion and at the end


@pytest.mark.parametrize("precision", precisions("float32", "mixed", "bfloat16"))
@pytest.mark.parametrize("batch_size", [1, 3])
def test_graphs_are_traced_once(model: Enformer, precision: str, batch_size: int) -> None:
    engine = ReusingEngine(model, "human", fetch, precision=precision, batch_size=batch_size, is_fused=False)

    def alleles() -> Iterator[AllelePair]:
        for start in range(3000, 3400, 80):
            yield substitution(start)
            yield lay(start, 1, np.array([0, 1, 2, 3], np.uint8))

    list(engine.predict(alleles()))
    num_traces = engine.num_traces
    assert num_traces == (3 if precision == "float32" else 5)  # tile, patch, and one pass or three
    list(engine.predict([*alleles(), substitution(9000)]))  # the last batch is not full
    assert engine.num_traces == num_traces


@pytest.mark.parametrize("precision", precisions("float32", "bfloat16"))
@pytest.mark.parametrize("batch_size", [1, 3])
def test_an_alleles_bits_do_not_depend_on_its_neighbours(model: Enformer, precision: str, batch_size: int) -> None:
    pairs = [substitution(3000), lay(3050, 2, np.array([1], np.uint8)), substitution(3050), substitution(7000)]

    def predict(*numbers: int) -> dict[int, AllelePredictions]:
        engine = ReusingEngine(model, "human", fetch, precision=precision, batch_size=batch_size)
        return dict(zip(numbers, engine.predict(pairs[number] for number in numbers), strict=True))

    together, backwards, alone = predict(0, 1, 2, 3), predict(3, 2, 1, 0), predict(2)
    for one, other in ((together, backwards), (together, alone)):
        for number in other:
            assert np.array_equal(one[number].alternate.total, other[number].alternate.total)
            assert np.array_equal(one[number].reference.log2_total, other[number].reference.log2_total)


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_an_alternate_that_equals_its_reference_scores_nothing(model: Enformer, precision: str) -> None:
    engine = ReusingEngine(model, "human", fetch, precision=precision, is_fused=False)
    (found,) = engine.predict([lay(3000, 3, GENOME[3000:3003])])
    assert np.array_equal(found.reference.total, found.alternate.total)
    assert engine.counts().transformer_passes == 1


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_chosen_tracks_in_the_order_chosen(model: Enformer, full_engine: FullEngine, precision: str) -> None:
    pair = substitution(3000)
    (expected,) = full_engine.predict([pair])
    engine = ReusingEngine(model, "human", fetch, tracks=[3, 1], precision=precision, is_fused=False)
    (found,) = engine.predict([pair])
    tolerance = 1e-5 if precision == "float32" else 1e-3
    np.testing.assert_allclose(found.alternate.total, expected.alternate.total[[3, 1]], rtol=tolerance)


def test_the_pairs_are_not_changed(model: Enformer) -> None:
    pair = lay(3000, 5, np.array([1], np.uint8))
    before = pair.reference.copy(), pair.alternate.copy()
    list(ReusingEngine(model, "human", fetch, is_fused=False).predict([pair, pair]))
    assert np.array_equal(pair.reference, before[0])
    assert np.array_equal(pair.alternate, before[1])


def test_out_of_memory_halves_the_batch(model: Enformer, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [substitution(start) for start in (3000, 4000, 6000)]
    expected = list(ReusingEngine(model, "human", fetch, batch_size=2, is_fused=False).predict(pairs))
    engine = ReusingEngine(model, "human", fetch, batch_size=8, is_fused=False)
    passes = engine._passes
    sum_prediction = passes._sum_prediction  # type: ignore[attr-defined]

    def with_little_memory(tower: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if len(tower) > 3:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return sum_prediction(tower)

    monkeypatch.setattr(passes, "_sum_prediction", with_little_memory)
    for found, other in zip(engine.predict(pairs), expected, strict=True):
        assert np.array_equal(found.alternate.total, other.alternate.total)
    assert engine.counts().batch_size == 2


def test_what_it_cannot_do_is_refused(model: Enformer) -> None:
    with pytest.raises(ValueError, match=r"precision must be one of .* got 'half'"):
        ReusingEngine(model, "human", fetch, precision="half")
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        ReusingEngine(model, "human", fetch, batch_size=0)
    short = EnformerConfig(
        channels=24, num_heads=2, key_size=8, heads={"human": 2}, sequence_length_bp=128 * 4, num_bins=2,
        width_multiple=4, num_transformer_layers=1,
    )  # fmt: skip
    with pytest.raises(EnformerVepError, match=r"a window of 4 bins is too short .* use --engine full"):
        ReusingEngine(reference_model(short), "human", fetch)
