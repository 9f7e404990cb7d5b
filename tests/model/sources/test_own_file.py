import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from enformer_vep.errors import WeightsError
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import ModelLocation
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.own_file import ALIGNMENT_BYTES, write_own_file
from enformer_vep.model.sources.safetensors_file import SafetensorsFile
from enformer_vep.model.sources.source import ModelSettings, WeightsSource, is_training_state
from enformer_vep.model.weights import save_model
from tests.model.test_weights import PUBLISHED_FORM

SETTINGS = ModelSettings(PUBLISHED_FORM, "mine", "for tests", "a checkpoint")


def opened(path: Path) -> WeightsSource:
    return open_source(ModelLocation("test", path))


@pytest.fixture(scope="module")
def checkpoint(small: Enformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "model"
    save_model(small, folder)
    return folder / "model.index"


@pytest.fixture(scope="module")
def own_file(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.safetensors"
    with path.open("wb") as file:
        write_own_file(opened(checkpoint), SETTINGS, file)
    return path


@pytest.fixture
def copy(own_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.safetensors"
    path.write_bytes(own_file.read_bytes())
    return path


def test_it_holds_what_inference_reads_to_the_bit(own_file: Path, weights: dict[str, np.ndarray]) -> None:
    found = opened(own_file)
    assert set(found.entries()) == {key for key in weights if not is_training_state(key)}
    for key, entry in found.entries().items():
        values = found.read(key)
        assert (values.shape, values.dtype) == (entry.shape, np.float32)
        assert values.tobytes() == weights[key].tobytes(), key
    assert found.settings() == SETTINGS
    assert found.foreign == ()


def test_the_identity_is_that_of_the_checkpoint(own_file: Path, checkpoint: Path) -> None:
    found, expected = opened(own_file).identity(), opened(checkpoint).identity()
    assert found.tensors_sha256 == expected.tensors_sha256
    assert (found.file_format, found.path, found.is_published) == ("safetensors", own_file, False)


def test_the_library_reads_it(own_file: Path, weights: dict[str, np.ndarray]) -> None:
    found = load_file(own_file)
    for key, values in found.items():
        assert np.array_equal(values, weights[key]), key
    with safe_open(own_file, framework="numpy") as file:
        assert set(file.metadata()) == {"enformer_vep_format", "config", "masked_crc32c", "name", "notice", "source"}


def test_tensors_are_aligned_where_that_is_possible(own_file: Path) -> None:
    tensors = list(SafetensorsFile(own_file).tensors.values())
    is_even = [tensor.size % ALIGNMENT_BYTES == 0 for tensor in tensors]
    num_aligned = is_even.count(True) + 1  # the first of the others begins where the last of these ends
    assert not all(is_even)
    assert [tensor.offset % ALIGNMENT_BYTES == 0 for tensor in tensors[:num_aligned]] == [True] * num_aligned
    assert tensors[-1].offset + tensors[-1].size == own_file.stat().st_size


def test_the_same_weights_give_the_same_bytes(own_file: Path, checkpoint: Path, tmp_path: Path) -> None:
    for name, source in (("again", opened(checkpoint)), ("itself", opened(own_file))):
        with (tmp_path / name).open("wb") as file:
            write_own_file(source, SETTINGS, file)
        assert (tmp_path / name).read_bytes() == own_file.read_bytes()


def test_what_is_read_is_private(copy: Path, weights: dict[str, np.ndarray]) -> None:
    found, before = opened(copy), copy.read_bytes()
    key = next(iter(found.entries()))
    values = found.read(key)
    assert values.flags.writeable
    values[:] = 7
    assert copy.read_bytes() == before
    assert np.array_equal(opened(copy).read(key), weights[key])


@pytest.mark.parametrize("part", [0.0, 0.3, 0.999])
def test_a_flipped_byte_of_the_data_is_an_error(part: float, copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    tensors = SafetensorsFile(copy).tensors
    start = min(tensor.offset for tensor in tensors.values())
    at = start + int((len(content) - 1 - start) * part)
    content[at] ^= 1
    copy.write_bytes(content)
    damaged = next(key for key, tensor in tensors.items() if tensor.offset <= at < tensor.offset + tensor.size)
    found = opened(copy)
    for key in tensors:
        if key == damaged:
            with pytest.raises(WeightsError, match=f"the tensor {key} is damaged"):
                found.read(key)
        else:
            found.read(key)


@pytest.mark.parametrize("kept", [0, 4, 100, 0.5, -1])
def test_a_file_cut_short_is_an_error(kept: float, copy: Path) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: int(len(content) * kept) if kept == 0.5 else int(kept)])
    with pytest.raises(WeightsError, match=r"is not a safetensors file, or is cut short or damaged"):
        opened(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"enformer_vep_format": "2"}, "is of format 2: expected 1; update enformer-vep"),
        ({"masked_crc32c": "{}"}, "its metadata are damaged"),
        ({"masked_crc32c": "[1"}, "its metadata are damaged"),
        ({"config": "nothing"}, "its metadata are damaged"),
        ({"config": '{"channels": 25}'}, "channels must be even"),
        ({"config": "[]"}, "copy.safetensors"),
    ],
)
def test_broken_metadata_are_named(changes: dict[str, str], message: str, copy: Path) -> None:
    with safe_open(copy, framework="numpy") as file:
        metadata = file.metadata()
    save_file(load_file(copy), copy, metadata | changes)
    with pytest.raises(WeightsError, match=message):
        opened(copy).settings()


def test_the_config_is_readable_by_other_programs(own_file: Path) -> None:
    with safe_open(own_file, framework="numpy") as file:
        assert json.loads(file.metadata()["config"]) == PUBLISHED_FORM.to_dict()
