import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.codes import one_hot
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.windows import Window
from enformer_vep.inference.engine import AllelePair
from enformer_vep.inference.full import FullEngine
from enformer_vep.model.enformer import Enformer
from tests.support import TINY_CONFIG, reference_model

LENGTH = TINY_CONFIG.sequence_length_bp
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def model() -> Enformer:
    return reference_model(TINY_CONFIG)


def random_pair(start: int, *, is_same: bool = False) -> AllelePair:
    """A pair whose reference is fixed by its window's start."""
    reference = np.random.default_rng(start).integers(0, 5, LENGTH, dtype=np.uint8)
    alternate = reference.copy()
    if not is_same:
        alternate[RNG.integers(0, LENGTH, 50)] = RNG.integers(0, 4, 50)
    window = Window(Interval("chr1", start, start + LENGTH), LENGTH // 2 - 1)
    return AllelePair(window, reference, alternate, 1, 1)


def expected_sums(model: Enformer, codes: np.ndarray, head: str) -> tuple[np.ndarray, np.ndarray]:
    x = model(one_hot(codes)[np.newaxis])[head].numpy()[0].astype(np.float64)
    return x.sum(0), np.log2(1 + x).sum(0)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8])
@pytest.mark.parametrize("head", ["human", "mouse"])
def test_predictions_are_the_models_sums_in_order(model: Enformer, batch_size: int, head: str) -> None:
    pairs = [random_pair(start) for start in (0, 0, 5, 0, 9)]
    engine = FullEngine(model, head, batch_size=batch_size)
    predictions = list(engine.predict(pairs))
    assert len(predictions) == len(pairs)
    for pair, prediction in zip(pairs, predictions, strict=True):
        for codes, sums in ((pair.reference, prediction.reference), (pair.alternate, prediction.alternate)):
            total, log2_total = expected_sums(model, codes, head)
            assert sums.total.dtype == np.float64
            np.testing.assert_allclose(sums.total, total, rtol=1e-5)
            np.testing.assert_allclose(sums.log2_total, log2_total, rtol=1e-5)


def test_equal_reference_windows_run_once(model: Enformer) -> None:
    engine = FullEngine(model, "human", batch_size=2)
    list(engine.predict([random_pair(start) for start in (0, 0, 5, 0)]))
    assert engine.counts().transformer_passes == 2 + 4
    list(engine.predict([random_pair(5)]))  # and are remembered from one call to the next
    assert engine.counts().transformer_passes == 2 + 4 + 1


def test_an_alternate_that_equals_its_reference_gives_the_same_bits(model: Enformer) -> None:
    engine = FullEngine(model, "human", batch_size=2)
    (prediction,) = engine.predict([random_pair(0, is_same=True)])
    assert engine.counts().transformer_passes == 1
    assert np.array_equal(prediction.reference.total, prediction.alternate.total)


def test_an_alleles_numbers_do_not_depend_on_its_neighbours(model: Enformer) -> None:
    pairs = [random_pair(start) for start in range(4)]
    together = list(FullEngine(model, "human", batch_size=4).predict(pairs))
    for pair, prediction in zip(pairs, together, strict=True):
        (alone,) = FullEngine(model, "human", batch_size=4).predict([pair])
        assert np.array_equal(alone.alternate.total, prediction.alternate.total)
        assert np.array_equal(alone.reference.total, prediction.reference.total)


def test_chosen_tracks_in_the_order_chosen(model: Enformer) -> None:
    pair = random_pair(0)
    (whole,) = FullEngine(model, "human").predict([pair])
    (some,) = FullEngine(model, "human", tracks=[3, 1]).predict([pair])
    np.testing.assert_allclose(some.alternate.total, whole.alternate.total[[3, 1]], rtol=1e-6)


def test_the_pairs_are_not_changed(model: Enformer) -> None:
    pair = random_pair(0)
    before = pair.reference.copy(), pair.alternate.copy()
    list(FullEngine(model, "human", batch_size=3).predict([pair]))
    assert np.array_equal(pair.reference, before[0])
    assert np.array_equal(pair.alternate, before[1])


def test_pairs_are_drawn_as_they_are_needed(model: Enformer) -> None:
    drawn = []

    def pairs():
        for start in range(100):
            drawn.append(start)
            yield random_pair(start)

    predictions = FullEngine(model, "human", batch_size=2).predict(pairs())
    next(predictions)
    assert len(drawn) <= 2


def test_no_pairs_no_predictions(model: Enformer) -> None:
    engine = FullEngine(model, "human", batch_size=2)
    assert list(engine.predict([])) == []
    assert engine.counts().transformer_passes == 0


def test_a_batch_size_of_nothing_is_refused(model: Enformer) -> None:
    with pytest.raises(ValueError, match="got 0"):
        FullEngine(model, "human", batch_size=0)


def test_out_of_memory_halves_the_batch(model: Enformer, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [random_pair(start) for start in range(5)]
    expected = list(FullEngine(model, "human", batch_size=2).predict(pairs))
    engine = FullEngine(model, "human", batch_size=8)
    sum_prediction = engine._sum_prediction

    def with_little_memory(codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if len(codes) > engine_room:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return sum_prediction(codes)

    engine_room = 3
    monkeypatch.setattr(engine, "_sum_prediction", with_little_memory)
    found = list(engine.predict(pairs))
    assert engine.counts().batch_size == 2
    assert engine.counts().transformer_passes == 10
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.alternate.total, other.alternate.total)
    engine_room = 0
    with pytest.raises(EnformerVepError, match="not have enough memory for a single sequence"):
        list(engine.predict([random_pair(99)]))


@pytest.mark.gpu
def test_the_gpu_gives_the_cpus_numbers(model: Enformer) -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("no GPU here")
    tf.config.experimental.enable_tensor_float_32_execution(False)
    pairs = [random_pair(start) for start in range(3)]
    on_gpu = list(FullEngine(model, "human", batch_size=2).predict(pairs))
    with tf.device("/CPU:0"):
        for pair, prediction in zip(pairs, on_gpu, strict=True):
            np.testing.assert_allclose(
                prediction.alternate.total, expected_sums(model, pair.alternate, "human")[0], rtol=2e-4
            )
