"""The plain engine: what it gives is what the model gives."""

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.codes import one_hot
from enformer_vep.genome.layout import ModelInput, Span, Splice
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison, View
from enformer_vep.inference.comparer import Comparer, full_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.model.enformer import Enformer
from tests.comparisons import SUMS, Contig, look_at
from tests.support import TINY_CONFIG

CONTIG = Contig(np.random.default_rng(3).integers(0, 5, 12_000, dtype=np.uint8))
GEOMETRY = TINY_CONFIG.geometry


def look(start: int, alt: str = "GATTACA") -> Comparison:
    """A comparison whose reference is fixed by its place."""
    ref = CONTIG.letters(start, start + 1)
    return look_at(Variant("1", start + 1, ref, alt or ref), CONTIG.fetch, GEOMETRY)


def make_engine(model: Enformer, **options: object) -> Comparer:
    return full_engine(model, CONTIG.fetch, EngineSettings(**{"head": "human", **options}))  # type: ignore[arg-type]


def expected_sums(model: Enformer, layout: object, head: str = "human") -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(layout, ModelInput)
    x = model(one_hot(layout.codes(CONTIG.fetch))[np.newaxis])[head].numpy()[0].astype(np.float64)
    return x.sum(0), np.log2(1 + x).sum(0)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8])
@pytest.mark.parametrize("head", ["human", "mouse"])
def test_statistics_are_of_the_models_predictions_in_order(model: Enformer, batch_size: int, head: str) -> None:
    comparisons = [look(start) for start in (4000, 4000, 4005, 4000, 9000)]
    found = list(make_engine(model, head=head, batch_size=batch_size).compare(comparisons, SUMS))
    assert len(found) == len(comparisons)
    for comparison, scores in zip(comparisons, found, strict=True):
        (view,) = comparison.views
        reference, alternate = (expected_sums(model, x, head) for x in (view.reference, view.alternate))
        assert scores["REF"].dtype == np.float64
        np.testing.assert_allclose(scores["REF"][0], reference[0], rtol=1e-5)
        np.testing.assert_allclose(scores["ALT"][0], alternate[0], rtol=1e-5)
        np.testing.assert_allclose(scores["SAD"][0], alternate[0] - reference[0], atol=1e-5 * reference[0].max())
        np.testing.assert_allclose(scores["SAR"][0], alternate[1] - reference[1], atol=1e-5 * reference[1].max())


def test_a_reference_is_run_once_for_those_that_follow(model: Enformer) -> None:
    engine = make_engine(model, batch_size=2)
    list(engine.compare([look(4000), look(4000, "T"), look(4005), look(4000)], SUMS))
    assert engine.counts().transformer_passes == 3 + 4  # the third came between
    list(engine.compare([look(4000)], SUMS))  # and it is remembered from one call to the next
    assert engine.counts().transformer_passes == 3 + 4 + 1


def test_an_alternate_that_equals_its_reference_is_not_run(model: Enformer) -> None:
    engine = make_engine(model, batch_size=2)
    (scores,) = engine.compare([look(4000, "")], SUMS)
    assert engine.counts().transformer_passes == 1
    assert (scores["SAD"] == 0).all()


def test_an_alleles_numbers_do_not_depend_on_its_neighbours(model: Enformer) -> None:
    comparisons = [look(start) for start in (4000, 5000, 6000)]
    together = list(make_engine(model).compare(comparisons, SUMS))
    for comparison, scores in zip(comparisons, together, strict=True):
        (alone,) = make_engine(model).compare([comparison], SUMS)
        assert all(np.array_equal(alone[name], scores[name]) for name in scores)


def test_chosen_tracks_in_the_order_chosen(model: Enformer) -> None:
    (whole,) = make_engine(model).compare([look(4000)], SUMS)
    (some,) = make_engine(model, tracks=[3, 1]).compare([look(4000)], SUMS)
    np.testing.assert_allclose(some["ALT"], whole["ALT"][:, [3, 1]], rtol=1e-6)


def test_a_splice_has_the_tower_of_both_sides(model: Enformer) -> None:
    """Of two inputs, spliced at bin 10 of 24."""
    left, right = (ModelInput((Span("1", start, start + 3072),)) for start in (3000, 3005))
    view = View(left, Splice(left, right, 10 * 128), False, np.ones(16, np.float32))
    plain = View(left, right, False, np.ones(16, np.float32))
    regions = np.ones((1, 16), np.float32)
    found, _ = make_engine(model, batch_size=2).compare(
        [Comparison((view,), regions), Comparison((plain,), regions)], SUMS
    )
    towers = model.conv_tower(one_hot(np.stack([x.codes(CONTIG.fetch) for x in (left, right)])))
    spliced = tf.concat([towers[:1, :10], towers[1:, 10:]], axis=1)
    np.testing.assert_allclose(found["ALT"][0], model.from_tower(spliced)["human"].numpy()[0].sum(0), rtol=1e-5)


def test_comparisons_are_drawn_as_they_are_needed(model: Enformer) -> None:
    drawn = []

    def comparisons() -> Iterator[Comparison]:
        for start in range(4000, 4100):
            drawn.append(start)
            yield look(start)

    next(make_engine(model, batch_size=2).compare(comparisons(), SUMS))
    assert len(drawn) <= 3


def test_no_comparisons_no_scores(model: Enformer) -> None:
    engine = make_engine(model, batch_size=2)
    assert list(engine.compare([], SUMS)) == []
    assert engine.counts().transformer_passes == 0


def test_a_batch_size_of_nothing_is_refused(model: Enformer) -> None:
    with pytest.raises(ValueError, match="got 0"):
        make_engine(model, batch_size=0)


def test_out_of_memory_halves_the_batch(model: Enformer, monkeypatch: pytest.MonkeyPatch) -> None:
    comparisons = [look(start) for start in range(4000, 9000, 1000)]
    expected = list(make_engine(model, batch_size=2).compare(comparisons, SUMS))
    engine = make_engine(model, batch_size=8)
    passes = engine._passes
    predict = passes._predict

    def with_little_memory(tower: tf.Tensor, position_keys: list[tf.Tensor]) -> list[tf.Tensor]:
        if len(tower) > engine_room:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        found: list[tf.Tensor] = predict(tower, position_keys)
        return found

    engine_room = 3
    monkeypatch.setattr(passes, "_predict", with_little_memory)
    found = list(engine.compare(comparisons, SUMS))
    assert engine.counts().batch_size == 2
    assert engine.counts().transformer_passes == 10
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one["ALT"], other["ALT"])
    engine_room = 0
    with pytest.raises(EnformerVepError, match="not have enough memory for a single sequence"):
        list(engine.compare([look(2000)], SUMS))


@pytest.mark.gpu
def test_the_gpu_gives_the_cpus_numbers(model: Enformer) -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("no GPU here")
    tf.config.experimental.enable_tensor_float_32_execution(False)
    comparisons = [look(start) for start in (4000, 5000, 6000)]
    on_gpu = list(make_engine(model, batch_size=2).compare(comparisons, SUMS))
    with tf.device("/CPU:0"):
        for comparison, scores in zip(comparisons, on_gpu, strict=True):
            expected, _ = expected_sums(model, comparison.views[0].alternate)
            np.testing.assert_allclose(scores["ALT"][0], expected, rtol=2e-4)
