"""Alternates as differences, against the plain transformer."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from cachetools import cached

from enformer_vep.model.arithmetic import Arithmetic, arithmetic
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.differences import DifferenceTransformer
from enformer_vep.model.enformer import Enformer
from tests.support import TINY_CONFIG, needs_bfloat16, random_one_hot, reference_model

WIDE_CONFIG = EnformerConfig(
    channels=192,
    num_transformer_layers=3,
    num_heads=4,
    key_size=16,
    heads={"human": 60},
    sequence_length_bp=128 * 24,
    num_bins=16,
    width_multiple=32,
)
ONE_BLOCK_CONFIG = EnformerConfig(
    channels=24, num_transformer_layers=1, num_heads=2, key_size=8, heads={"human": 5}, sequence_length_bp=128 * 24,
    num_bins=16, width_multiple=4,
)  # fmt: skip
NO_BLOCK_CONFIG = EnformerConfig(
    channels=24, num_transformer_layers=0, num_heads=2, key_size=8, heads={"human": 5}, sequence_length_bp=128 * 24,
    num_bins=16, width_multiple=4,
)  # fmt: skip

NUM_CHANGED = 6
RNG = np.random.default_rng(2)


def towers(config: EnformerConfig, model: Enformer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two references, a difference of a few bins of each, and where they begin."""
    reference = model.conv_tower(random_one_hot(2, config.sequence_length_bp)).numpy()
    few = RNG.standard_normal((2, NUM_CHANGED, config.channels)).astype(np.float32) * 0.3 * reference.std()
    return reference, few, np.array([8, 1], np.int32)


def spread(few: np.ndarray, first_bin: np.ndarray, num_bins: int) -> np.ndarray:
    whole = np.zeros((len(few), num_bins, few.shape[2]), np.float32)
    for row, first in enumerate(first_bin):
        whole[row, first : first + NUM_CHANGED] = few[row]
    return whole


@cached({}, key=lambda *options: repr(options))
def graph(config: EnformerConfig, chosen: Arithmetic, bins: range | None) -> Callable[..., tf.Tensor]:
    """The difference of the predictions, given the reference's tower, the difference of towers, and its first bins."""
    num_tracks = config.heads["human"]
    transformer = DifferenceTransformer(reference_model(config), "human", [range(1), range(1, num_tracks)], bins)

    @tf.function(autograph=False)
    def difference(tower: tf.Tensor, d: tf.Tensor, first_bin: tf.Tensor | None) -> tf.Tensor:
        _, kept = transformer.reference(tower, chosen.product_dtype)
        with arithmetic(chosen):
            return tf.concat(transformer.difference(kept, d, first_bin), axis=-1)

    return difference


def run(
    config: EnformerConfig,
    reference: np.ndarray,
    d: np.ndarray,
    first_bin: np.ndarray | None,
    chosen: Arithmetic,
    bins: range | None = None,
) -> np.ndarray:
    """The difference of the predictions, [2, bins, tracks]."""
    first = None if first_bin is None else tf.constant(first_bin)
    return graph(config, chosen, bins)(tf.constant(reference), tf.constant(d, tf.float32), first).numpy()


@pytest.mark.parametrize(
    "config", [TINY_CONFIG, WIDE_CONFIG, ONE_BLOCK_CONFIG, NO_BLOCK_CONFIG], ids=["tiny", "wide", "one", "none"]
)
@pytest.mark.parametrize("is_fused", [False, True])
def test_in_float32_it_is_the_plain_transformers_difference(config: EnformerConfig, is_fused: bool) -> None:
    model = reference_model(config)
    reference, few, first_bin = towers(config, model)
    whole = spread(few, first_bin, config.geometry.num_tower_bins)
    plain = [model.from_tower(tf.constant(tower))["human"].numpy() for tower in (reference + whole, reference)]
    expected = plain[0] - plain[1]
    for d, first in ((whole, None), (few, first_bin)):
        found = run(config, reference, d, first, Arithmetic(is_fused=is_fused))
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("config", [TINY_CONFIG, ONE_BLOCK_CONFIG, NO_BLOCK_CONFIG], ids=["tiny", "one", "none"])
@pytest.mark.parametrize("bins", [range(1), range(3, 6), range(6, 16)], ids=str)
def test_some_bins_are_those_of_the_whole_difference(config: EnformerConfig, bins: range) -> None:
    """Bins 4 to 9 of the first variant's 16 differ in the tower, and none below 3 of the second's."""
    model = reference_model(config)
    reference, few, first_bin = towers(config, model)
    whole = spread(few, first_bin, config.geometry.num_tower_bins)
    for d, first in ((whole, None), (few, first_bin)):
        expected = run(config, reference, d, first, Arithmetic())
        found = run(config, reference, d, first, Arithmetic(), bins)
        assert found.shape == (2, len(bins), 5)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected[:, bins.start : bins.stop], rtol=0, atol=2e-6 * scale)


def test_every_bin_may_differ() -> None:
    """Two sequences that have nothing in common: what attention leaves behind then costs some of the precision."""
    model = reference_model(WIDE_CONFIG)
    reference, _, _ = towers(WIDE_CONFIG, model)
    other = model.conv_tower(random_one_hot(2, WIDE_CONFIG.sequence_length_bp, seed=9)).numpy()
    expected = model.from_tower(other)["human"].numpy() - model.from_tower(reference)["human"].numpy()
    found = run(WIDE_CONFIG, reference, other - reference, None, Arithmetic())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-2 * np.abs(expected).max())


@needs_bfloat16
@pytest.mark.parametrize("is_fused", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_in_bfloat16_the_error_is_relative_to_the_effect(is_fused: bool, scale: float) -> None:
    model = reference_model(WIDE_CONFIG)
    reference, few, first_bin = towers(WIDE_CONFIG, model)
    expected = run(WIDE_CONFIG, reference, few * scale, first_bin, Arithmetic()).sum(axis=1)
    for d, first in ((few * scale, first_bin), (spread(few, first_bin, 24) * scale, None)):
        found = run(WIDE_CONFIG, reference, d, first, Arithmetic(tf.bfloat16, is_fused)).sum(axis=1)
        error = np.sqrt(np.mean((found - expected) ** 2, axis=1)) / expected.std(axis=1)
        assert error.max() < 0.03


def test_the_reference_is_the_plain_one() -> None:
    model = reference_model(TINY_CONFIG)
    reference, _, _ = towers(TINY_CONFIG, model)
    found, _ = DifferenceTransformer(model, "human", [range(1, 3)]).reference(tf.constant(reference), tf.bfloat16)
    expected = model.from_tower(tf.constant(reference))["human"].numpy()[..., 1:3]
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    some, _ = DifferenceTransformer(model, "human", [range(1, 3)], range(4, 7)).reference(reference, tf.bfloat16)
    np.testing.assert_allclose(some[0], expected[:, 4:7], rtol=1e-5)
