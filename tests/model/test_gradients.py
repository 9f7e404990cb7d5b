"""Gradients by finite differences for every kind of layer, and block by block as through the whole model at once."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import sonnet as snt
import tensorflow as tf

from enformer_vep.model.attention import RelativeAttention
from enformer_vep.model.conv_blocks import AttentionPool, ConvBlock, HalvingBlock, MaxPool
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.gradients import InputGradients, Target, with_gradient
from enformer_vep.model.layers import BatchNorm, Conv1D, LayerNorm, Linear, gelu
from enformer_vep.model.transformer import TransformerBlock
from tests.model.random_modules import RNG, normal, randomise
from tests.support import TINY_CONFIG, random_one_hot, reference_model

NUM_DIRECTIONS = 4
STEP = 1e-2
"""Central differences err by a multiple of its square, and float32 by about 1e-7 over it."""
TOLERANCE = 5e-3
"""Of the gradient's norm: a central difference in a unit direction errs by less than this share of it."""

Step = Callable[[tf.Tensor], tf.Tensor]
ONE_HOT = random_one_hot(1, TINY_CONFIG.sequence_length_bp)[0]


def directions(gradient: np.ndarray) -> Iterator[np.ndarray]:
    """Unit directions in which the function changes: random parts of the gradient, and random ones."""
    for _ in range(NUM_DIRECTIONS):
        for direction in (gradient * RNG.integers(0, 2, gradient.shape), RNG.standard_normal(gradient.shape)):
            yield direction / np.linalg.norm(direction)


def target(seed: int = 1) -> Target:
    weights = np.random.default_rng(seed).random(TINY_CONFIG.num_bins).astype(np.float32)
    return Target(weights, np.array([3, 1], np.int32), np.array([0.3, 0.7], np.float32))


def attention() -> RelativeAttention:
    return RelativeAttention(24, 2, 8, attention_dropout_rate=0, position_dropout_rate=0)


def halving(pooling_type: str, *, is_stem: bool = False) -> Step:
    block = HalvingBlock(4 if is_stem else 8, 8, 5, pooling_type, is_stem=is_stem)
    inside = np.float32([0] * 3 + [1] * 21)[None, :, None]  # the window begins at the fourth position
    return with_random_weights(block, lambda x: block.stretch(x, inside))


def with_random_weights(module: snt.Module, run: Step) -> Step:
    """Random weights of a size at which no layer saturates."""
    randomise(module)
    for variable in module.trainable_variables:
        variable.assign(0.3 * variable)
    return run


def called(module: snt.Module, **options: object) -> Step:
    return with_random_weights(module, lambda x: module(x, **options))


LAYERS: dict[str, tuple[Callable[[], Step], tuple[int, ...]]] = {
    "gelu": (lambda: gelu, (3, 4)),
    "linear": (lambda: called(Linear(6, 4)), (1, 5, 6)),
    "convolution": (lambda: called(Conv1D(4, 6, 5)), (1, 12, 4)),
    "batch norm": (lambda: called(BatchNorm(6), is_training=False), (1, 5, 6)),
    "layer norm": (lambda: called(LayerNorm(6)), (1, 5, 6)),
    "conv_block": (lambda: called(ConvBlock(6, 8, 5), is_training=False), (1, 9, 6)),
    "attention pooling": (lambda: called(AttentionPool(6)), (1, 8, 6)),
    "max pooling": (lambda: MaxPool().__call__, (1, 8, 6)),
    "stem, attention pooling": (lambda: halving("attention", is_stem=True), (1, 24, 4)),
    "stem, max pooling": (lambda: halving("max", is_stem=True), (1, 24, 4)),
    "conv_tower block, attention pooling": (lambda: halving("attention"), (1, 24, 8)),
    "conv_tower block, max pooling": (lambda: halving("max"), (1, 24, 8)),
    "attention": (lambda: called(attention(), is_training=False), (1, 9, 24)),
    "attention of some queries": (lambda: called(attention(), is_training=False, queries=range(2, 5)), (1, 9, 24)),
    "transformer block": (lambda: called(TransformerBlock(TINY_CONFIG), is_training=False), (1, 9, 24)),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_finite_differences_of_every_layer(layer: str) -> None:
    make, shape = LAYERS[layer]
    run, back = with_gradient(make())
    x = normal(*shape)
    y = run(x).numpy()
    weights = normal(*y.shape)
    gradient = back(weights, x).numpy().astype(np.float64)
    size = np.linalg.norm(gradient)
    assert size > 0.1 * np.linalg.norm(weights) / np.sqrt(weights.size)
    for direction in directions(gradient):
        ends = [run(np.float32(x + sign * STEP * direction)).numpy().astype(np.float64) for sign in (1, -1)]
        difference = np.vdot(weights, ends[0] - ends[1]) / (2 * STEP)
        assert abs(difference - np.vdot(gradient, direction)) < TOLERANCE * size


def plain_gradient(model: Enformer, one_hot: np.ndarray, wanted: Target) -> tuple[float, np.ndarray]:
    """Through the whole model at once."""
    x = tf.constant(one_hot[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(x)
        tracks = tf.gather(model(x)["human"][0], wanted.tracks, axis=1)  # [bins, n]
        value = tf.reduce_sum(wanted.bin_weights[:, np.newaxis] * tracks * wanted.track_weights)
    return float(value), tape.gradient(value, x)[0].numpy()


@pytest.mark.parametrize(
    ("pooling_type", "num_blocks", "tile_bins"), [("attention", 2, 7), ("max", 2, 24), ("attention", 0, 24)]
)
def test_block_by_block_it_is_the_gradient_of_the_whole_model(
    pooling_type: str, num_blocks: int, tile_bins: int
) -> None:
    config = dataclasses.replace(TINY_CONFIG, pooling_type=pooling_type, num_transformer_layers=num_blocks)
    model = reference_model(config)
    gradients = InputGradients(model, "human", tile_bins=tile_bins)
    kept = gradients.forward(ONE_HOT)
    for wanted in (target(1), target(2)._replace(tracks=np.array([0, 4], np.int32))):
        value, gradient = gradients.gradient(kept, wanted)
        expected, of_whole = plain_gradient(model, ONE_HOT, wanted)
        assert value == pytest.approx(expected, rel=1e-5)
        assert gradients.value(kept, wanted) == value
        assert gradient.shape == (TINY_CONFIG.sequence_length_bp, 4)
        assert gradient.dtype == np.float32
        assert np.abs(of_whole).max() > 0.1
        np.testing.assert_allclose(gradient, of_whole, atol=2e-5 * np.abs(of_whole).max())


@pytest.mark.parametrize("pooling_type", ["attention", "max"])
def test_finite_differences_of_the_model(pooling_type: str) -> None:
    model = reference_model(dataclasses.replace(TINY_CONFIG, pooling_type=pooling_type))
    gradients = InputGradients(model, "human", tile_bins=10)
    wanted = target()
    _, gradient = gradients.gradient(gradients.forward(ONE_HOT), wanted)
    for direction in directions(gradient.astype(np.float64)):
        ends = [gradients.forward(np.float32(ONE_HOT + sign * STEP / 4 * direction)) for sign in (1, -1)]
        difference = (gradients.value(ends[0], wanted) - gradients.value(ends[1], wanted)) / (STEP / 2)
        assert abs(difference - np.vdot(gradient, direction)) < TOLERANCE * np.linalg.norm(gradient)


def test_attention_is_on_the_way_back() -> None:
    model = reference_model(TINY_CONFIG)
    only_first = Target(np.eye(1, 16, 0, dtype=np.float32)[0], np.zeros(1, np.int32), np.ones(1, np.float32))
    _, gradient = (of := InputGradients(model, "human")).gradient(of.forward(ONE_HOT), only_first)
    far = np.abs(gradient[128 * 12 :]).max()  # the convolutions of the first scored bin see 6 bins at most
    assert far > 1e-3 * np.abs(gradient).max()
    for block in model.transformer_blocks:
        block.attention.output.w.assign(tf.zeros_like(block.attention.output.w))
    _, without = of.gradient(of.forward(ONE_HOT), only_first)
    assert np.abs(without[128 * 12 :]).max() == 0


def test_bases_that_no_bin_sees_have_no_gradient() -> None:
    gradients = InputGradients(reference_model(dataclasses.replace(TINY_CONFIG, num_transformer_layers=0)), "human")
    first = target()._replace(bin_weights=np.eye(1, 16, 0, dtype=np.float32)[0])
    _, gradient = gradients.gradient(gradients.forward(ONE_HOT), first)
    start = 4 * 128 - TINY_CONFIG.tower_context_bp  # the crop leaves out 4 bins
    seen = np.flatnonzero(np.abs(gradient).sum(axis=1))
    assert start <= seen.min() < start + 128
    assert seen.max() < 5 * 128 + TINY_CONFIG.tower_context_bp


def test_what_does_not_fit_is_refused() -> None:
    model = reference_model(TINY_CONFIG)
    with pytest.raises(ValueError, match="tile_bins must be positive, got 0"):
        InputGradients(model, "human", tile_bins=0)
    with pytest.raises(KeyError, match="rat"):
        InputGradients(model, "rat")
    with pytest.raises(ValueError, match=r"expected one_hot of shape \(3072, 4\), got \(3072, 5\)"):
        InputGradients(model, "human").forward(np.zeros((3072, 5), np.float32))
