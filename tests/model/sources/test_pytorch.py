import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from enformer_vep.errors import WeightsError
from enformer_vep.model.architecture import fitting_config, tensor_shapes
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import ModelLocation
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.pytorch import place_of
from enformer_vep.model.sources.source import WeightsSource, is_training_state
from enformer_vep.model.weights import load_model
from tests.model.test_weights import PUBLISHED_FORM, assert_same_weights
from tests.pytorch_state import pytorch_state
from tests.support import DATA

NAMES: dict[str, list[int]] = json.loads((DATA / "enformer_pytorch_names.json").read_text())
"""Names and shapes of an Enformer of the package enformer-pytorch 0.8.12, of the sizes of `NAMES_CONFIG`."""

NAMES_CONFIG = EnformerConfig(
    channels=96,
    num_transformer_layers=2,
    num_heads=2,
    key_size=8,
    heads={"human": 5, "mouse": 3},
    width_multiple=16,
)

SECOND_NAMES = {
    "_trunk.1.": "stem.",
    "_trunk.2.": "conv_tower.",
    "_trunk.4.": "transformer.",
    "_trunk.6.": "final_pointwise.",
}

State = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def full_state(weights: State) -> State:
    return pytorch_state(weights, PUBLISHED_FORM)


@pytest.fixture
def state(full_state: State) -> State:
    return dict(full_state)


def opened(tmp_path: Path, state: State) -> WeightsSource:
    path = tmp_path / "model.safetensors"
    save_file(state, path, {"format": "pt"})
    return open_source(ModelLocation("test", path))


def assert_same(source: WeightsSource, weights: State) -> None:
    assert fitting_config(source) == PUBLISHED_FORM
    assert set(source.entries()) == {key for key in weights if not is_training_state(key)}
    for key in source.entries():
        assert np.array_equal(source.read(key), weights[key]), key


def test_each_parameter_of_the_package_has_its_place() -> None:
    counters = [name for name in NAMES if name.endswith("num_batches_tracked")]
    parameters = {name: shape for name, shape in NAMES.items() if name not in counters}
    first, second = {}, {}
    for name, shape in parameters.items():
        place = place_of(name, "")
        assert place, name
        found = second if name.startswith("_trunk.") else first
        assert place.key not in found
        found[place.key] = place.to_ours(np.empty(shape)).shape
    expected = {key: shape for key, shape in tensor_shapes(NAMES_CONFIG).items() if not is_training_state(key)}
    assert first == expected
    assert second == {key: shape for key, shape in expected.items() if not key.startswith("_heads")}


def test_the_tests_write_the_names_of_the_package() -> None:
    empty = {key: np.empty(shape, np.float32) for key, shape in tensor_shapes(NAMES_CONFIG).items()}
    written = {name: list(values.shape) for name, values in pytorch_state(empty, NAMES_CONFIG).items()}
    assert written == {name: shape for name, shape in NAMES.items() if not name.startswith("_trunk.")}


def test_each_value_is_in_its_place(state: State, weights: State, tmp_path: Path) -> None:
    source = opened(tmp_path, state)
    assert_same(source, weights)
    assert source.identity().file_format == "pytorch"


def test_it_loads(state: State, small: Enformer, tmp_path: Path) -> None:
    opened(tmp_path, state)
    loaded = load_model(ModelLocation("mine", tmp_path / "model.safetensors"))
    assert (loaded.name, loaded.notice, loaded.identity.is_published) == ("mine", None, False)
    assert_same_weights(loaded.model, small)


def with_second_names(state: State, *, both: bool) -> State:
    """The state by the other names of the same modules, or by both."""
    renamed = {}
    for name, values in state.items():
        second = next((a + name.removeprefix(b) for a, b in SECOND_NAMES.items() if name.startswith(b)), name)
        renamed[second] = values.copy()
    return {**renamed, **state} if both else renamed


@pytest.mark.parametrize("both", [False, True])
def test_modules_have_two_names(state: State, weights: State, tmp_path: Path, *, both: bool) -> None:
    assert_same(opened(tmp_path, with_second_names(state, both=both)), weights)


def test_two_names_of_other_values_are_an_error(state: State, tmp_path: Path) -> None:
    renamed = with_second_names(state, both=True)
    renamed["_trunk.1.0.bias"] += 1
    with pytest.raises(WeightsError, match=r"_trunk.1.0.bias and stem.0.bias|stem.0.bias and _trunk.1.0.bias"):
        opened(tmp_path, renamed)


@pytest.mark.parametrize("prefix", ["enformer.", "model.", "module.enformer."])
def test_within_another_module(prefix: str, state: State, weights: State, tmp_path: Path) -> None:
    assert_same(opened(tmp_path, {prefix + name: values for name, values in state.items()}), weights)


@pytest.mark.parametrize("outer", ["", "model."])
def test_the_head_of_an_adapter(outer: str, state: State, tmp_path: Path) -> None:
    """enformer_pytorch.finetune.HeadAdapterWrapper: the Enformer within, and a head beside it."""
    adapted = {f"{outer}enformer.{name}": values for name, values in state.items()}
    weight = np.random.default_rng(1).normal(size=(4, 768)).astype(np.float32)
    adapted |= {f"{outer}to_tracks.0.weight": weight, f"{outer}to_tracks.0.bias": np.ones(4, np.float32)}
    source = opened(tmp_path, adapted)
    assert fitting_config(source).heads == {"human": 5, "mouse": 3, "tracks": 4}
    assert np.array_equal(source.read("_heads/tracks/_layers/0/w"), weight.T)


def test_a_head_of_ones_own(state: State, tmp_path: Path) -> None:
    for head in ("human", "mouse"):
        del state[f"_heads.{head}.0.weight"], state[f"_heads.{head}.0.bias"]
    state |= {"_heads.my_cells.0.weight": np.ones((2, 768), np.float32), "_heads.my_cells.0.bias": np.ones(2, "f4")}
    assert fitting_config(opened(tmp_path, state)).heads == {"my_cells": 2}


def test_foreign_tensors_are_named(state: State, tmp_path: Path) -> None:
    state["post_embed_transform.1.weight"] = np.ones(3, np.float32)
    source = opened(tmp_path, state)
    assert source.foreign == ("post_embed_transform.1.weight",)
    with pytest.raises(WeightsError, match=r"1 unexpected key: post_embed_transform.1.weight"):
        fitting_config(source)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stem.0.bias": np.zeros(192, np.float16)}, "the tensor stem.0.bias is of type float16: save it as float32"),
        ({"stem.2.to_attn_logits.weight": np.zeros(192, np.float32)}, r"stem.2.to_attn_logits.weight has an odd shape"),
        ({"stem.0.bias": np.zeros(7, np.float32)}, r"1 misshapen key: _trunk/_layers/0/_layers/0/b \(expected \[192\]"),
    ],
)
def test_unfit_tensors_are_named(change: State, message: str, state: State, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=message):
        fitting_config(opened(tmp_path, state | change))


def test_a_missing_tensor_is_named(state: State, tmp_path: Path) -> None:
    del state["transformer.0.0.fn.1.to_k.weight"]
    with pytest.raises(WeightsError, match=r"1 missing key: _trunk/_layers/2/_layers/0/.*/_k_layer/w$"):
        fitting_config(opened(tmp_path, state))


def test_pickles_need_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "pytorch_model.bin"
    path.touch()
    with pytest.raises(WeightsError, match=r"can only be read with PyTorch: install enformer-vep\[torch\]"):
        open_source(ModelLocation("test", path))


class RunsCode:
    """What unpickling would run."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("ran"),)


def test_pickles(state: State, weights: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the extra 'torch', is not installed")
    monkeypatch.chdir(tmp_path)
    tensors = {name: torch.from_numpy(values) for name, values in with_second_names(state, both=True).items()}
    location = ModelLocation("test", tmp_path / "state.pt")
    for content in (tensors, {"state_dict": tensors, "epoch": 3}):
        for is_zip in (True, False):
            torch.save(content, location.path, _use_new_zipfile_serialization=is_zip)
            assert_same(open_source(location), weights)
    for content in (RunsCode(), {"state_dict": RunsCode()}, [1], 3):
        torch.save(content, location.path)
        with pytest.raises(WeightsError, match=r"is no state of a PyTorch model|holds a"):
            open_source(location)
    location.path.write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="is no state of a PyTorch model"):
        open_source(location)
    assert not Path("ran").exists()
