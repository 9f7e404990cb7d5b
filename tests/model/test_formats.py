"""The same weights as checkpoint, SavedModel, our own file and in enformer-pytorch's names are the same model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from enformer_vep.model.config import OFFICIAL_CONFIG, EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import locate_model
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.source import is_training_state, masked_crc32c, published_tensors
from enformer_vep.model.weights import LoadedModel, checkpoint_variables, load_model
from enformer_vep.run.weights import convert_model
from tests.model.test_weights import PUBLISHED_FORM, write_checkpoint
from tests.pytorch_state import pytorch_state
from tests.support import random_one_hot, reference_model


def write_saved_model(model: Enformer, folder: Path) -> Path:
    """Writes variables as they lie in the published SavedModel."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    names = {tensor.checkpoint_key: tensor.saved_model_key.removeprefix("model/") for tensor in published_tensors()}
    variables = {names[key]: variable for key, variable in checkpoint_variables(model).items()}
    write_checkpoint(folder / "variables" / "variables", model=variables)
    return folder


def write_state(checkpoint: Path, path: Path, config: EnformerConfig) -> Path:
    """Writes the state of an enformer-pytorch model."""
    source = open_source(locate_model(str(checkpoint)))
    save_file(pytorch_state({key: source.read(key) for key in source.entries()}, config), path)
    return path


def other_formats(checkpoint: Path, config: EnformerConfig, folder: Path) -> Iterator[LoadedModel]:
    """Loads a checkpoint's weights from each other format; only one of their files is there at a time."""
    saved = write_saved_model(load_model(locate_model(str(checkpoint))).model, folder / "saved_model")
    yield load_model(locate_model(str(saved)))
    shutil.rmtree(saved)
    state = write_state(checkpoint, folder / "model.safetensors", config)
    yield load_model(locate_model(str(state)))
    convert_model(str(state), str(folder / "own.safetensors"), overwrite=False)
    state.unlink()
    yield load_model(locate_model(str(folder / "own.safetensors")))
    (folder / "own.safetensors").unlink()


FORMATS = ["saved_model", "pytorch", "safetensors"]


@pytest.mark.full
def test_they_predict_the_same_bits(tmp_path: Path) -> None:
    model = reference_model(PUBLISHED_FORM)
    checkpoint = write_checkpoint(tmp_path / "ckpt", module=checkpoint_variables(model))
    one_hot = random_one_hot(1, PUBLISHED_FORM.sequence_length_bp)
    expected = {head: found.numpy().tobytes() for head, found in model(one_hot).items()}
    found_formats = []
    for loaded in other_formats(checkpoint, PUBLISHED_FORM, tmp_path):
        found_formats.append(loaded.identity.file_format)
        assert {head: found.numpy().tobytes() for head, found in loaded.model(one_hot).items()} == expected
    assert found_formats == FORMATS


@pytest.mark.full
@pytest.mark.xdist_group("official_size")
def test_the_official_size(full_checkpoint: Path, tmp_path: Path) -> None:
    """Every variable has the same bits, compared by checksums to hold one model at a time."""
    source = open_source(locate_model(str(full_checkpoint)))
    expected = {key: e.masked_crc32c for key, e in source.entries().items() if not is_training_state(key)}
    assert len(expected) == 273
    identity = source.identity().tensors_sha256
    found_formats = []
    for loaded in other_formats(full_checkpoint, OFFICIAL_CONFIG, tmp_path):
        found_formats.append(loaded.identity.file_format)
        assert loaded.model.config == OFFICIAL_CONFIG
        assert loaded.identity.tensors_sha256 == identity
        for key, variable in checkpoint_variables(loaded.model).items():
            if not is_training_state(key):
                assert masked_crc32c(np.asarray(memoryview(variable.value()))) == expected[key], key
    assert found_formats == FORMATS
