import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.errors import OutputError, WeightsError
from enformer_vep.inference.comparer import full_engine, reusing_engine
from enformer_vep.inference.device import Precision
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.model.config import OFFICIAL_CONFIG, EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import ModelLocation, locate_model
from enformer_vep.model.sources.bundle import read_bundle_index
from enformer_vep.model.sources.checkpoint import ATTRIBUTE_SUFFIX
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.own_file import write_own_file
from enformer_vep.model.sources.safetensors_file import SafetensorsFile
from enformer_vep.model.sources.source import (
    ModelSettings,
    are_published,
    is_training_state,
    published_tensors,
    untouched_zeros,
)
from enformer_vep.model.weights import (
    ALIGNMENT_BYTES,
    LoadedModel,
    checkpoint_variables,
    load_model,
    save_model,
    tensor_of,
)
from tests.comparisons import SUMS, Contig, look_at
from tests.support import DATA, TINY_CONFIG, precisions, random_one_hot, reference_model, variant

PUBLISHED_FORM = EnformerConfig(channels=384, num_transformer_layers=1, heads={"human": 5, "mouse": 3})
"""The smallest whose conv_tower widths are multiples of 128, as in the published formats, which have no config."""


def load(path: Path) -> LoadedModel:
    return load_model(locate_model(str(path)))


def nested(values: dict[str, tf.Variable]) -> dict:
    tree: dict = {}
    for key, variable in values.items():
        node = tree
        *path, leaf = key.split("/")
        for step in path:
            node = node.setdefault(step, {})
        node[leaf] = variable
    return tree


def write_checkpoint(prefix: Path, **trees: dict[str, tf.Variable]) -> Path:
    """Writes a checkpoint of variables by their keys below each root, as tf.train.Checkpoint(root=module) does."""
    tf.train.Checkpoint(**{root: nested(values) for root, values in trees.items()}).write(str(prefix))
    return prefix


def assert_same_weights(found: Enformer, expected: Enformer) -> None:
    values = checkpoint_variables(expected)
    for key, variable in checkpoint_variables(found).items():
        assert np.array_equal(variable, values[key]), key


@pytest.fixture(scope="module")
def small() -> Enformer:
    return reference_model(PUBLISHED_FORM)


@pytest.fixture
def variables(small: Enformer) -> dict[str, tf.Variable]:
    return checkpoint_variables(small)


@pytest.mark.parametrize("name", ["small", "full"])
def test_keys_and_shapes_are_the_published_ones(name: str, small_checkpoint: Path) -> None:
    expected = {key: tuple(shape) for key, shape in json.loads((DATA / f"keys_{name}.json").read_text()).items()}
    if name == "small":  # as they stand in a saved file
        entries = read_bundle_index(small_checkpoint / "model.index").entries
        found = {
            key.removeprefix("module/").removesuffix(ATTRIBUTE_SUFFIX): entry.shape
            for key, entry in entries.items()
            if key.startswith("module/")
        }
        assert set(entries) - {f"module/{key}{ATTRIBUTE_SUFFIX}" for key in found} == {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    else:  # tests/test_golden_full.py saves and loads them; here their shapes alone, without a gigabyte of weights
        with tf.Graph().as_default():
            found = {key: tuple(v.shape) for key, v in checkpoint_variables(Enformer(OFFICIAL_CONFIG)).items()}
    assert found == expected


def test_every_variable_of_a_model_has_a_key(small: Enformer, variables: dict[str, tf.Variable]) -> None:
    assert {v.ref() for v in variables.values()} == {v.ref() for v in small.variables}
    assert len(variables) == len(small.variables)


def test_a_saved_model_is_loaded_as_it_was(tmp_path: Path) -> None:
    model = reference_model(TINY_CONFIG)
    save_model(model, tmp_path / "saved", name="mine", notice="for tests")
    loaded = load(tmp_path / "saved")
    assert (loaded.name, loaded.notice, loaded.identity.file_format) == ("mine", "for tests", "enformer-vep")
    assert loaded.model.config == TINY_CONFIG
    assert not loaded.identity.is_published
    assert_same_weights(loaded.model, model)
    one_hot = random_one_hot(1, TINY_CONFIG.sequence_length_bp)
    assert np.array_equal(loaded.model(one_hot)["human"], model(one_hot)["human"])
    with pytest.raises(OutputError, match="exists"):
        save_model(model, tmp_path / "saved")


def test_training_state_survives(tmp_path: Path) -> None:
    model = reference_model(TINY_CONFIG)
    model(random_one_hot(1, TINY_CONFIG.sequence_length_bp), is_training=True)
    save_model(model, tmp_path / "saved")
    assert_same_weights(load(tmp_path / "saved").model, model)


def test_the_published_checkpoint(small: Enformer, variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    """As the published one is written: tf.train.Checkpoint(module=model).save(...), with save_counter."""
    checkpoint = tf.train.Checkpoint(module=nested(variables))
    checkpoint.save(str(tmp_path / "enformer-fine-tuned-human"))
    loaded = load(tmp_path)
    assert loaded.identity.file_format == "checkpoint"
    assert loaded.model.config == PUBLISHED_FORM
    assert_same_weights(loaded.model, small)


def test_the_published_saved_model(small: Enformer, variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").touch()
    names = {tensor.checkpoint_key: tensor.saved_model_key.removeprefix("model/") for tensor in published_tensors()}
    write_checkpoint(
        tmp_path / "variables" / "variables", model={names[key]: variable for key, variable in variables.items()}
    )
    loaded = load(tmp_path)
    assert loaded.identity.file_format == "saved_model"
    assert_same_weights(loaded.model, small)


def test_moving_averages_state_may_be_missing(
    small: Enformer, variables: dict[str, tf.Variable], tmp_path: Path
) -> None:
    kept = {key: variable for key, variable in variables.items() if not is_training_state(key)}
    write_checkpoint(tmp_path / "model", module=kept)
    assert_same_weights(load(tmp_path).model, small)


def test_optimizer_state_is_ignored(small: Enformer, variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    optimizer = {"step": tf.Variable(3), "m/0": tf.Variable([1.0]), "learning_rate": tf.Variable(0.1)}
    write_checkpoint(tmp_path / "model", module=variables, optimizer=optimizer)
    assert_same_weights(load(tmp_path).model, small)


SOME_KEY = "_trunk/_layers/4/_layers/0/_layers/0/scale"


def test_a_missing_key_is_named(variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    del variables[SOME_KEY]
    write_checkpoint(tmp_path / "model", module=variables)
    with pytest.raises(WeightsError, match=rf"1 missing key: {SOME_KEY}$"):
        load(tmp_path)


def test_many_missing_keys_are_counted(variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    kept = {key: v for key, v in variables.items() if "moving_mean/average" not in key}
    write_checkpoint(tmp_path / "model", module=kept)
    with pytest.raises(WeightsError, match=r"14 missing keys: _trunk/\S+, _trunk/\S+, _trunk/\S+ \.\.\.$"):
        load(tmp_path)


def test_a_key_left_over_is_named(variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", module={**variables, "_trunk/extra": tf.Variable(1.0)})
    with pytest.raises(WeightsError, match=r"1 unexpected key: _trunk/extra$"):
        load(tmp_path)
    write_checkpoint(tmp_path / "model", module=variables, other={"a": tf.Variable(1.0)})
    with pytest.raises(WeightsError, match=r"1 unexpected key: other/a$"):
        load(tmp_path)


def test_a_misshapen_key_is_named(variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", module={**variables, SOME_KEY: tf.Variable(tf.zeros([7]))})
    with pytest.raises(WeightsError, match=rf"1 misshapen key: {SOME_KEY} \(expected \[384\], found \[7\]\)$"):
        load(tmp_path)


def test_something_else_is_not_an_enformer(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", module={"linear/w": tf.Variable(1.0)})
    with pytest.raises(WeightsError, match="not an Enformer's weights: missing key _trunk"):
        load(tmp_path)


def copy_damaged(source: Path, target: Path, name: str, damage: Callable[[bytearray], bytes]) -> Path:
    shutil.copytree(source, target)
    path = target / name
    path.write_bytes(damage(bytearray(path.read_bytes())))
    return target


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "saved"
    save_model(reference_model(TINY_CONFIG), folder)
    return folder


DATA_NAME, INDEX_NAME = "model.data-00000-of-00001", "model.index"


@pytest.mark.parametrize("name", [DATA_NAME, INDEX_NAME])
@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_byte_is_an_error(name: str, seed: int, saved: Path, tmp_path: Path) -> None:
    def flip(content: bytearray) -> bytes:
        # of the index, the footer's zero padding (bytes -48 to -8) means nothing
        end = len(content) - (48 if name == INDEX_NAME else 0)
        content[random.Random(seed).randrange(end)] ^= 0xFF
        return bytes(content)

    with pytest.raises(WeightsError, match=r"damaged|cannot be read|key|expected"):
        load(copy_damaged(saved, tmp_path / "damaged", name, flip))


@pytest.mark.parametrize("name", [DATA_NAME, INDEX_NAME])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_file_cut_short_is_an_error(name: str, kept: float, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cut short: expected|damaged"):
        load(copy_damaged(saved, tmp_path / "cut", name, lambda content: bytes(content[: int(len(content) * kept)])))


def test_a_missing_data_file_is_named(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "saved")
    (tmp_path / "saved" / DATA_NAME).unlink()
    with pytest.raises(WeightsError, match=f"{DATA_NAME} is missing beside model.index"):
        load(tmp_path / "saved")


@pytest.mark.parametrize(
    "settings", ["", "[]", "{}", '{"format": 9, "config": {}}', '{"format": 1, "config": {"channels": 25}}']
)
def test_a_broken_config_is_named(settings: str, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "saved")
    (tmp_path / "saved" / "config.json").write_text(settings)
    with pytest.raises(WeightsError, match=r"config.json"):
        load(tmp_path / "saved")


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_index_tells_masked_checksums(variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", module=variables)
    index = read_bundle_index(tmp_path / "model.index")
    entry = index.entries[f"module/{SOME_KEY}{ATTRIBUTE_SUFFIX}"]
    crc = crc32c(variables[SOME_KEY].numpy().tobytes())
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF  # TensorFlow's masking of a stored CRC
    assert (entry.shape, entry.size, entry.masked_crc32c) == ((384,), 1536, masked)


def test_the_published_tensors_are_recognised() -> None:
    crcs = {tensor.checkpoint_key: tensor.masked_crc32c for tensor in published_tensors()}
    assert len(crcs) == 329
    assert are_published(crcs)
    assert are_published({key: crc for key, crc in crcs.items() if not is_training_state(key)})
    assert not are_published({**crcs, SOME_KEY: crcs[SOME_KEY] ^ 1})
    assert not are_published({key: crc for key, crc in crcs.items() if key != SOME_KEY})
    assert not are_published({})


def test_the_identity_is_that_of_the_tensors(saved: Path, tmp_path: Path) -> None:
    first = load(saved)
    shutil.copytree(saved, tmp_path / "copy")
    assert load(tmp_path / "copy").identity.tensors_sha256 == first.identity.tensors_sha256
    first.model.heads["human"].b.assign_add(tf.ones([5]))
    save_model(first.model, tmp_path / "other")
    assert load(tmp_path / "other").identity.tensors_sha256 != first.identity.tensors_sha256


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
    for engine in (full_engine, reusing_engine):
        settings = EngineSettings("human", precision="float32" if engine is full_engine else precision)
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
