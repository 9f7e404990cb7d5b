import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model.enformer import Enformer
from tests.support import TINY_CONFIG, random_one_hot, reference_model

NO_DROPOUT = dataclasses.replace(
    TINY_CONFIG, dropout_rate=0, attention_dropout_rate=0, position_dropout_rate=0, pointwise_dropout_rate=0
)
ONE_HOT = random_one_hot(2, TINY_CONFIG.sequence_length_bp)


def test_shapes_and_parts() -> None:
    model = reference_model(TINY_CONFIG)
    tower = model.conv_tower(ONE_HOT)
    assert tower.shape == (2, 24, 24)
    predictions = model.from_tower(tower)
    assert {head: tuple(x.shape) for head, x in predictions.items()} == {"human": (2, 16, 5), "mouse": (2, 16, 3)}
    assert all((x.numpy() >= 0).all() for x in predictions.values())
    whole = model(ONE_HOT)
    for head in predictions:
        assert np.array_equal(whole[head], predictions[head])


def test_one_head_and_neighbouring_tracks() -> None:
    model = reference_model(TINY_CONFIG)
    tower = model.conv_tower(ONE_HOT)
    expected = model.from_tower(tower)["human"].numpy()
    one = model.from_tower(tower, heads=["human"])
    assert list(one) == ["human"]
    assert np.array_equal(one["human"], expected)
    logits = model.logits(model.features(tower), "human", range(2, 4))
    np.testing.assert_allclose(tf.nn.softplus(logits), expected[..., 2:4], rtol=1e-5)


@pytest.mark.parametrize("num_blocks", [0, 1, 2])
@pytest.mark.parametrize("bins", [range(16), range(1), range(5, 9), range(15, 16)], ids=str)
def test_some_bins_are_those_of_the_whole_prediction(num_blocks: int, bins: range) -> None:
    model = reference_model(dataclasses.replace(TINY_CONFIG, num_transformer_layers=num_blocks))
    tower = model.conv_tower(ONE_HOT)
    whole = model.features(tower).numpy()
    some = model.features(tower, bins=bins, position_keys=model.position_keys())
    assert some.shape == (2, len(bins), 48)
    np.testing.assert_allclose(some, whole[:, bins.start : bins.stop], rtol=1e-4, atol=1e-5)
    scored = model.config.geometry.crop_bins + np.array(bins)
    assert np.array_equal(model.crop(tower, bins), tower.numpy()[:, scored])


@pytest.mark.parametrize("num_blocks", [0, 2])
def test_with_all_bins_the_graph_is_the_same(num_blocks: int) -> None:
    model = reference_model(dataclasses.replace(TINY_CONFIG, num_transformer_layers=num_blocks))

    def graph(bins: range | None) -> list[tuple[str, list[str], list[tf.TensorShape]]]:
        function = tf.function(lambda tower: model.features(tower, bins=bins), autograph=False)
        traced = function.get_concrete_function(tf.TensorSpec([1, 24, 24])).graph
        return [(op.type, [x.name for x in op.inputs], [x.shape for x in op.outputs]) for op in traced.get_operations()]

    assert graph(None) == graph(range(16))
    assert graph(None) != graph(range(15))


def test_the_last_block_computes_the_wanted_bins_alone() -> None:
    wanted = [bins for _, bins in reference_model(TINY_CONFIG).blocks_and_bins(range(2, 5))]
    assert wanted == [range(24), range(6, 9)]  # the crop leaves out 4 bins


@pytest.mark.parametrize("bins", [range(0), range(-1, 3), range(14, 17), range(0, 6, 2), range(5, 3)], ids=str)
def test_other_bins_are_refused(bins: range) -> None:
    model = Enformer(TINY_CONFIG)
    for use in (
        lambda: model.features(tf.zeros([1, 24, 24]), bins=bins),
        lambda: model.crop(tf.zeros([1, 24, 24]), bins),
    ):
        with pytest.raises(ValueError, match=r"within range\(0, 16\), got range"):
            use()


def test_attention_matters_with_the_reference_weights() -> None:
    model = reference_model(TINY_CONFIG)
    before = model(ONE_HOT)["human"].numpy()
    for block in model.transformer_blocks:
        block.attention.output.w.assign(tf.zeros_like(block.attention.output.w))
    assert np.abs(before - model(ONE_HOT)["human"].numpy()).max() > 0.01


def test_zero_padding_reaches_three_bins_into_the_tower() -> None:
    model = reference_model(TINY_CONFIG)
    whole = model.conv_tower(ONE_HOT).numpy()
    part = model.conv_tower(ONE_HOT[:, 8 * 128 : 20 * 128]).numpy()
    np.testing.assert_allclose(part[:, 3:-3], whole[:, 11:17], rtol=1e-4, atol=1e-5)
    assert not np.allclose(part[:, 2], whole[:, 10], atol=1e-5)


def test_max_pooling_has_no_logits() -> None:
    model = Enformer(dataclasses.replace(TINY_CONFIG, pooling_type="max"))
    assert model(ONE_HOT)["human"].shape == (2, 16, 5)
    assert len(model.variables) == len(Enformer(TINY_CONFIG).variables) - 7


@pytest.mark.parametrize("length", [0, 100, 128 * 3 + 1])
def test_a_sequence_of_broken_bins_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"got {length} bp"):
        Enformer(TINY_CONFIG).conv_tower(random_one_hot(1, length))


def test_a_tower_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="24 bins, got 23"):
        Enformer(TINY_CONFIG).from_tower(tf.zeros([1, 23, 24]))


def test_training_uses_batch_statistics_and_moves_every_average() -> None:
    model = reference_model(NO_DROPOUT)
    at_inference = model(ONE_HOT)["human"].numpy()
    averages = [v for v in model.variables if "average" in v.name]
    assert len(averages) == 2 * (1 + 2 * 6 + 1)  # stem, two in each tower block, final_pointwise; mean and variance
    before = [average.numpy() for average in averages]
    in_training = model(ONE_HOT, is_training=True)["human"].numpy()
    assert np.abs(in_training - at_inference).max() > 0.01
    assert all(not np.array_equal(old, average.numpy()) for old, average in zip(before, averages, strict=True))
    # Without dropout training is a function of the batch alone.
    np.testing.assert_allclose(model(ONE_HOT, is_training=True)["human"], in_training, rtol=1e-4)


@pytest.mark.parametrize(
    "rate", ["dropout_rate", "attention_dropout_rate", "position_dropout_rate", "pointwise_dropout_rate"]
)
def test_every_dropout_acts_in_training_alone(rate: str) -> None:
    model = reference_model(dataclasses.replace(NO_DROPOUT, **{rate: 0.5}))
    tower = model.conv_tower(ONE_HOT)
    once, twice = (model.from_tower(tower, is_training=True)["human"].numpy() for _ in range(2))
    assert np.abs(once - twice).max() > 1e-4
    assert np.array_equal(model.from_tower(tower)["human"], model.from_tower(tower)["human"])


def test_every_trainable_variable_has_a_gradient() -> None:
    model = reference_model(TINY_CONFIG)
    with tf.GradientTape() as tape:
        loss = sum(tf.reduce_sum(tf.square(x)) for x in model(ONE_HOT, is_training=True).values())
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None, variable.name
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.name
    assert not any(name in v.name for name in ("average", "hidden", "counter") for v in model.trainable_variables)
