"""The reusing engine gives what the full one gives, on small models in which every part matters."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.layout import ModelInput, Splice
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison, ViewSettings
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.inference import comparer
from enformer_vep.inference.batches import HostLink
from enformer_vep.inference.comparer import Comparer
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.inference.receptive_field import changed_bins
from enformer_vep.inference.towers import Towers, TowerSettings
from enformer_vep.model.arithmetic import PLAIN
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.enformer import Enformer
from tests.comparisons import ALL_STATISTICS, SUMS, assert_agree, look_at
from tests.inference.tiny_alleles import CONTIG, CONTIG_BP, GEOMETRY, allele, deletion, look, make_engine, snv
from tests.support import precisions, reference_model

pytestmark = pytest.mark.slow

MIXED_TOLERANCE = 0.25
"""Of so narrow a model, beside N or repeats; the goldens say what the official size errs by."""

PLACEMENTS = ["centred", "grid", "shared:128", "shared:600"]
VIEWS = [
    *(ViewSettings(indels=policy) for policy in IndelPolicy),
    ViewSettings(True, (-1, 3), IndelPolicy.LEFT),
    ViewSettings(True, (0,), IndelPolicy.TOWER),
    ViewSettings(True, (2,), IndelPolicy.STITCH),
]


@st.composite
def alleles_of_all_kinds(draw: st.DrawFn) -> Variant:
    """SNVs, MNVs, insertions and deletions anywhere, the contig's ends, N and repeats included."""
    start = draw(st.one_of(st.integers(0, CONTIG_BP - 1), st.sampled_from([0, 5399, 7999, 8100, 8301, CONTIG_BP - 1])))
    num_ref_bp = draw(st.one_of(st.just(1), st.integers(1, 700), st.integers(900, 930)))
    num_ref_bp = min(num_ref_bp, CONTIG_BP - start)  # in a shared window there is room for 3,072 / 2 - 600 bp
    kind = draw(st.sampled_from(["bases", "head of REF", "REF twice", "REF changed"]))
    ref = CONTIG.letters(start, start + num_ref_bp)
    if kind == "bases":
        length = draw(st.sampled_from([1, 2, 5, 127, 128, 129, 700, 900, 935]))
        alternate = "".join(np.random.default_rng(draw(st.integers(0, 99))).choice(list("ACGT"), length))
    elif kind == "head of REF":
        alternate = ref[: draw(st.integers(1, num_ref_bp))]
    elif kind == "REF twice":
        alternate = (ref + ref)[:935]
    else:
        place = draw(st.integers(0, num_ref_bp - 1))
        alternate = ref[:place] + draw(st.sampled_from("ACGT")) + ref[place + 1 :]
    return allele(start, num_ref_bp, alternate)


def tolerances(precision: str) -> dict[str, Any]:
    if precision == "float32":
        return {"noise": 3}
    return {"tolerance": MIXED_TOLERANCE, "noise": 3, "is_low_precision": True}


@pytest.fixture(scope="module")
def full_engine(model: Enformer) -> Comparer:
    return comparer.full_engine(model, CONTIG.fetch, EngineSettings("human"))


@pytest.fixture(scope="module")
def engine(model: Enformer) -> Comparer:
    # So small a cache that what was dropped is computed anew.
    return make_engine(model, cache_bytes=20_000)


@pytest.fixture(scope="module")
def mixed_engine(model: Enformer) -> Comparer:
    return make_engine(model, precision="mixed")


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_parity_with_the_full_engine(engine: Comparer, full_engine: Comparer, data: st.DataObject) -> None:
    """For every statistic, view and placement."""
    placement, views = data.draw(st.sampled_from(PLACEMENTS)), data.draw(st.sampled_from(VIEWS))
    variants = data.draw(st.lists(alleles_of_all_kinds(), min_size=1, max_size=2))
    comparisons = [look(variant, placement, views) for variant in variants]
    together = zip(
        engine.compare(comparisons, ALL_STATISTICS), full_engine.compare(comparisons, ALL_STATISTICS), strict=True
    )
    for found, expected in together:
        np.testing.assert_allclose(found["REF"], expected["REF"], rtol=1e-5)
        np.testing.assert_allclose(found["ALT"], expected["ALT"], rtol=1e-5)
        assert_agree(found, expected)


@pytest.mark.parametrize("precision", precisions("mixed"))
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_parity_of_differences(
    mixed_engine: Comparer, full_engine: Comparer, precision: str, data: st.DataObject
) -> None:
    placement, views = data.draw(st.sampled_from(PLACEMENTS)), data.draw(st.sampled_from(VIEWS))
    comparison = look(data.draw(alleles_of_all_kinds()), placement, views)
    (found,) = mixed_engine.compare([comparison], ALL_STATISTICS)
    (expected,) = full_engine.compare([comparison], ALL_STATISTICS)
    assert_agree(found, expected, tolerance=MIXED_TOLERANCE, noise=3, is_low_precision=True)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_towers_are_those_of_the_windows(towers: Towers, model: Enformer, data: st.DataObject) -> None:
    """Of every alternate: as the whole window gives it, and where nothing changes the reference's own bits."""
    views = look(
        data.draw(alleles_of_all_kinds()), data.draw(st.sampled_from(PLACEMENTS)), data.draw(st.sampled_from(VIEWS))
    ).views
    view = data.draw(st.sampled_from(views))
    (reference,) = towers.references([view.reference])
    np.testing.assert_allclose(reference, whole_tower(model, view.reference), rtol=0, atol=1e-5)
    (alternate,) = towers.alternates([(view.reference, view.alternate)])
    if isinstance(view.alternate, Splice):
        at = view.alternate.at_bp // GEOMETRY.bin_size_bp
        left, right = (whole_tower(model, side) for side in (view.alternate.left, view.alternate.right))
        expected = np.concatenate([left[:at], right[at:]])
    else:
        expected = whole_tower(model, view.alternate)
    np.testing.assert_allclose(alternate, expected, rtol=0, atol=1e-5)
    changed = {number for bins in changed_bins(view.reference, view.alternate, towers.field) for number in bins}
    unchanged = [number for number in range(GEOMETRY.num_tower_bins) if number not in changed]
    assert np.array_equal(alternate.numpy()[unchanged], reference.numpy()[unchanged])


def whole_tower(model: Enformer, layout: ModelInput) -> np.ndarray:
    tower: np.ndarray = model.conv_tower(tf.one_hot(layout.codes(CONTIG.fetch)[np.newaxis], 4)).numpy()[0]
    return tower


@pytest.fixture(scope="module")
def towers(model: Enformer) -> Towers:
    tiles = [PLAIN] * (1 + len(model.tower_blocks))
    return Towers(model, CONTIG.fetch, HostLink(), TowerSettings(tiles, PLAIN, range(0), 10**6, batch_size=1))


def numbers_of(model: Enformer, comparisons: Sequence[Comparison], **options: object) -> list[dict[str, bytes]]:
    """The bits of every statistic, by an engine that has computed nothing yet."""
    engine = make_engine(model, **options)
    return [
        {name: of_statistic.tobytes() for name, of_statistic in scores.items()}
        for scores in engine.compare(comparisons, ALL_STATISTICS)
    ]


@pytest.mark.parametrize("precision", precisions("float32", "mixed", "bfloat16"))
@pytest.mark.parametrize("views", [ViewSettings(), ViewSettings(True, (0, 1), IndelPolicy.STITCH)])
def test_an_alleles_bits_do_not_depend_on_its_neighbours(model: Enformer, precision: str, views: ViewSettings) -> None:
    variants = [snv(3000), deletion(3050), snv(3050), allele(3050, 1, "CGT"), snv(7000)]
    comparisons = [look(variant, "grid", views) for variant in variants]
    together = numbers_of(model, comparisons, precision=precision)
    assert numbers_of(model, comparisons[::-1], precision=precision)[::-1] == together
    assert numbers_of(model, comparisons[2:3], precision=precision) == together[2:3]


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_references_and_alternates_fill_batches(model: Enformer, precision: str) -> None:
    """Variants of one window, of windows of their own, and of several views: four at a time as one by one."""
    variants = [snv(3000), snv(3003), snv(3006), deletion(3001), snv(6000), snv(7001), snv(9003), allele(7500, 1, "CG")]
    for views in (ViewSettings(), ViewSettings(True, (0, 2), IndelPolicy.AVERAGE)):
        for placement in ("centred", "shared:600"):
            comparisons = [look(variant, placement, views) for variant in variants]
            four, one = (make_engine(model, precision=precision, batch_size=size) for size in (4, 1))
            together = zip(
                four.compare(comparisons, ALL_STATISTICS), one.compare(comparisons, ALL_STATISTICS), strict=True
            )
            for found, expected in together:
                assert_agree(found, expected, tolerance=2e-3 if precision == "float32" else 0.03, noise=3)


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
@pytest.mark.parametrize("views", VIEWS)
def test_an_alternate_that_equals_its_reference_scores_nothing(
    model: Enformer, precision: str, views: ViewSettings
) -> None:
    engine = make_engine(model, precision=precision)
    (found,) = engine.compare([look(allele(3000, 3, CONTIG.letters(3000, 3003)), views=views)], ALL_STATISTICS)
    assert all((found[name] == 0).all() for name in found if name not in ("REF", "ALT"))
    assert np.array_equal(found["REF"], found["ALT"])


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_chosen_tracks_in_the_order_chosen(model: Enformer, full_engine: Comparer, precision: str) -> None:
    comparison = look(snv(3000))
    (expected,) = full_engine.compare([comparison], SUMS)
    (found,) = make_engine(model, tracks=[3, 1], precision=precision).compare([comparison], SUMS)
    tolerance = 1e-5 if precision == "float32" else 1e-3
    np.testing.assert_allclose(found["ALT"], expected["ALT"][:, [3, 1]], rtol=tolerance)


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
@pytest.mark.parametrize("views", [ViewSettings(), ViewSettings(reverse_complement=True)])
def test_few_bins_cost_less_and_are_those_of_all(model: Enformer, precision: str, views: ViewSettings) -> None:
    """With c = 7 the variant's bin of 16, centre:501 is bins 5 to 8; on the other strand these are 7 to 10."""
    comparison = look_at(snv(3000), CONTIG.fetch, GEOMETRY, views=views, bins="centre:501")
    bins = range(5, 11) if views.reverse_complement else range(5, 9)
    (found,) = make_engine(model, precision=precision, bins=bins).compare([comparison], ALL_STATISTICS)
    (expected,) = make_engine(model, precision=precision).compare([comparison], ALL_STATISTICS)
    assert_agree(found, expected, **tolerances(precision))
    (of_all,) = make_engine(model, precision=precision).compare([look(snv(3000), views=views)], SUMS)
    assert (found["REF"] < of_all["REF"]).all()


def test_predictions_are_those_of_the_model(model: Enformer) -> None:
    layouts = [look(snv(start)).views[0].reference for start in (3000, 3001, 9000)]
    for batch_size in (1, 2):
        predictions = list(make_engine(model, batch_size=batch_size).predict(layouts))
        for layout, prediction in zip(layouts, predictions, strict=True):
            expected = model(tf.one_hot(layout.codes(CONTIG.fetch)[np.newaxis], 4))["human"].numpy()[0]
            np.testing.assert_allclose(prediction, expected, rtol=1e-4, atol=1e-6)


def test_what_it_cannot_do_is_refused(model: Enformer) -> None:
    with pytest.raises(ValueError, match=r"precision must be one of .* got 'half'"):
        make_engine(model, precision="half")
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        make_engine(model, batch_size=0)
    short = EnformerConfig(
        channels=24, num_heads=2, key_size=8, heads={"human": 2}, sequence_length_bp=128 * 4, num_bins=2,
        width_multiple=4, num_transformer_layers=1,
    )  # fmt: skip
    with pytest.raises(EnformerVepError, match=r"a window of 4 bins is too short .* use --engine full"):
        make_engine(reference_model(short))
