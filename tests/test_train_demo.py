"""The training of the demo model, on a model of a few bins."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model.weights import checkpoint_variables

pytestmark = pytest.mark.full

SCRIPT = Path(__file__).parents[1] / "tools" / "train_demo.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("train_demo", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def small(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, for a window of 16 bins, without dropout, whose draws do not go on where they were."""
    config = replace(
        script.CONFIG,
        channels=24,
        num_transformer_layers=1,
        width_multiple=4,
        sequence_length_bp=128 * 16,
        num_bins=8,
        dropout_rate=0.0,
        attention_dropout_rate=0.0,
        position_dropout_rate=0.0,
        pointwise_dropout_rate=0.0,
    )
    monkeypatch.setattr(script, "CONFIG", config)
    monkeypatch.setattr(script, "IS_COMPILED", False)
    monkeypatch.setattr(script, "CHECKPOINT_STEPS", 3)
    monkeypatch.setattr(script, "NUM_WARM_UP_STEPS", 2)
    return script


def test_a_training_that_died_goes_on_to_the_same_model_and_trains_every_variable(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = small.Training(seed=1, steps=8, contigs=1)
    tf.random.set_seed(training.seed)
    start = {key: variable.numpy() for key, variable in checkpoint_variables(small.Enformer(small.CONFIG)).items()}
    whole = small.train(training, tmp_path / "whole")
    trained = checkpoint_variables(whole).items()
    still = [key for key, variable in trained if np.array_equal(variable.numpy(), start[key])]
    assert [key for key in still if not key.endswith("_counter")] == []
    draw = small.Windows.draw

    def die(windows: object, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        if step == 5:
            raise KeyboardInterrupt
        return draw(windows, seed, step)

    monkeypatch.setattr(small.Windows, "draw", die)
    with pytest.raises(KeyboardInterrupt):
        small.train(training, tmp_path / "died")
    drawn = []
    monkeypatch.setattr(
        small.Windows, "draw", lambda windows, seed, step: drawn.append(step) or draw(windows, seed, step)
    )
    resumed = small.train(training, tmp_path / "died")
    assert drawn == [0, 3, 4, 5, 6, 7]  # the first lets the optimizer make its variables
    variables = checkpoint_variables(resumed)
    for key, variable in trained:
        np.testing.assert_allclose(variables[key].numpy(), variable.numpy(), rtol=1e-4, atol=1e-5, err_msg=key)
    with pytest.raises(click.ClickException, match="checkpoints of another training run"):
        small.train(replace(training, seed=2), tmp_path / "died")


def test_windows_hold_the_counts_of_their_bases(small: ModuleType) -> None:
    windows = small.Windows(1)
    codes, counts = windows.contigs[0]
    num_reversed = 0
    for step in range(20):
        window, counted = windows.draw(seed=1, step=step)
        assert window.shape == (1, 128 * 16, 4)
        again = windows.draw(seed=1, step=step)
        np.testing.assert_array_equal(window, again[0])
        np.testing.assert_array_equal(counted, again[1])
        bases = window[0].argmax(axis=1).astype(np.uint8)
        forward = codes.tobytes().find(bases.tobytes())
        if forward < 0:
            num_reversed += 1
            bases, counted = 3 - bases[::-1], counted[:, ::-1]
            forward = codes.tobytes().find(bases.tobytes())
        assert forward % 128 == 0
        first = forward // 128 + 4
        np.testing.assert_array_equal(counted[0], counts[first : first + 8])
    assert 4 < num_reversed < 16


def test_the_learning_rate_rises_and_falls(script: ModuleType) -> None:
    training = script.Training(seed=1, steps=1_000)
    rates = [script.learning_rate(step, training) for step in range(1_000)]
    assert max(rates) == pytest.approx(training.peak_learning_rate)
    assert int(np.argmax(rates)) in (script.NUM_WARM_UP_STEPS - 1, script.NUM_WARM_UP_STEPS)
    assert rates[0] < rates[100] < rates[199]
    assert rates[300] > rates[600] > rates[999] > 0
