"""Variables use the memory of a mapped file: what processes share, and what none may write to."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.inference.device import Precision
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.inference.full import FullEngine
from enformer_vep.inference.reusing import ReusingEngine
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.keys import checkpoint_variables
from enformer_vep.model.location import ModelLocation
from enformer_vep.model.mapped_tensors import ALIGNMENT_BYTES, tensor_of
from enformer_vep.model.sources.memory import untouched_zeros
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.own_file import write_own_file
from enformer_vep.model.sources.safetensors_file import SafetensorsFile
from enformer_vep.model.sources.source import ModelSettings
from enformer_vep.model.weights import load_model, save_model
from tests.comparisons import SUMS, Contig, look_at
from tests.model.test_weights import assert_same_weights
from tests.support import TINY_CONFIG, precisions, reference_model, variant

CONTIG = Contig(np.random.default_rng(5).integers(0, 4, 9000, dtype=np.uint8))


@pytest.fixture(scope="module")
def tiny() -> Enformer:
    return reference_model(TINY_CONFIG)


@pytest.fixture
def own_file(tiny: Enformer, tmp_path: Path) -> Path:
    save_model(tiny, tmp_path / "saved")
    path = tmp_path / "own.safetensors"
    source = open_source(ModelLocation("test", tmp_path / "saved" / "model.index"))
    with path.open("wb") as file:
        write_own_file(source, ModelSettings(TINY_CONFIG), file)
    return path


def address(variable: tf.Variable) -> int:
    return np.asarray(memoryview(variable.value())).ctypes.data


def mapped_keys(model: Enformer, path: Path) -> set[str]:
    """The variables whose memory is that of a file, at the place where the file has them."""
    ranges = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, _, offset, _, _, *name = line.split(maxsplit=5)
        if name == [str(path)]:
            start, end = (int(number, 16) for number in span.split("-"))
            ranges.append((start, end, int(offset, 16)))
    tensors, variables = SafetensorsFile(path).tensors, checkpoint_variables(model)
    return {
        key
        for key, tensor in tensors.items()
        if any(s <= (at := address(variables[key])) < e and at - s + o == tensor.offset for s, e, o in ranges)
    }


def aligned_keys(path: Path) -> set[str]:
    return {key for key, t in SafetensorsFile(path).tensors.items() if t.offset % ALIGNMENT_BYTES == 0}


def test_a_model_uses_the_memory_of_its_file(own_file: Path, tiny: Enformer) -> None:
    loaded = load_model(ModelLocation("test", own_file)).model
    assert_same_weights(loaded, tiny)
    assert mapped_keys(loaded, own_file) == aligned_keys(own_file)
    assert len(aligned_keys(own_file)) > len(SafetensorsFile(own_file).tensors) / 3  # of sizes that are seldom aligned


@pytest.mark.full
@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_engines_leave_it_there(precision: Precision, own_file: Path, tiny: Enformer) -> None:
    """And their scores are those of a model in memory of its own, to the bit."""
    before = own_file.read_bytes()
    loaded = load_model(ModelLocation("test", own_file)).model
    comparison = look_at(variant("ACGTN"[CONTIG.codes[4499]], "T", "1", 4500), CONTIG.fetch, TINY_CONFIG.geometry)
    for engine in (FullEngine, ReusingEngine):
        settings = EngineSettings("human", precision="float32" if engine is FullEngine else precision)
        found, expected = (
            next(iter(engine(model, CONTIG.fetch, settings).compare([comparison], SUMS))) for model in (loaded, tiny)
        )
        for name in expected:
            assert found[name].tobytes() == expected[name].tobytes(), name
    assert mapped_keys(loaded, own_file) == aligned_keys(own_file)
    assert_same_weights(loaded, tiny)
    assert own_file.read_bytes() == before


def test_a_change_of_a_variable_is_its_own(own_file: Path, tiny: Enformer) -> None:
    """As in training: neither the file nor another model of it changes."""
    before = own_file.read_bytes()
    first, second = (load_model(ModelLocation("test", own_file)).model for _ in range(2))
    for number, variable in enumerate(checkpoint_variables(first).values()):
        change = tf.ones(variable.shape, variable.dtype)
        variable.assign(change) if number % 2 else variable.assign_add(change)
    assert_same_weights(second, tiny)
    assert own_file.read_bytes() == before


def test_a_model_outlives_its_file(own_file: Path, tiny: Enformer) -> None:
    loaded = load_model(ModelLocation("test", own_file)).model
    own_file.unlink()
    assert_same_weights(loaded, tiny)


@pytest.mark.parametrize("offset", [0, 1, 4, 60, 64])
def test_an_array_as_a_tensor(offset: int) -> None:
    memory = untouched_zeros([200], np.uint8)
    values = memory[offset : offset + 24].view(np.float32).reshape(2, 3)
    values[:] = [[1, 2, 3], [4, 5, 6]]
    tensor = tensor_of(values)
    assert np.array_equal(tensor, values)
    assert np.shares_memory(np.asarray(memoryview(tensor)), values) == (offset % ALIGNMENT_BYTES == 0)


def test_an_array_in_another_order_is_copied() -> None:
    values = untouched_zeros([4, 3], np.float32)
    values[:] = np.arange(12).reshape(4, 3)
    assert np.array_equal(tensor_of(values.T), np.arange(12).reshape(4, 3).T)


@pytest.mark.parametrize("shape", [[], [1], [3, 5]])
def test_untouched_zeros(shape: list[int]) -> None:
    for dtype in (np.float32, np.int64):
        found = untouched_zeros(shape, dtype)
        assert (found.dtype, found.shape) == (dtype, tuple(shape))
        assert not found.any()
