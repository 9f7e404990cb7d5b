"""Our reader of checkpoints against files that TensorFlow wrote."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.errors import WeightsError
from enformer_vep.model.location import ModelLocation
from enformer_vep.model.sources.bundle import DTYPES, read_bundle_index
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.source import WeightsSource

RNG = np.random.default_rng(3)


def save(prefix: Path, tensors: dict[str, tf.Tensor], slices: dict[str, str] | None = None) -> Path:
    """Writes tensors under keys of ours below module/, with slices if they are parts of larger ones."""
    names = [f"module/{key}" for key in tensors]
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[(slices or {}).get(key, "") for key in tensors],
        tensors=list(tensors.values()),
    )
    return prefix


def source(prefix: Path) -> WeightsSource:
    return open_source(ModelLocation("test", prefix.with_name(f"{prefix.name}.index")))


def test_every_type_that_tensorflow_writes(tmp_path: Path) -> None:
    dtypes = [tf.dtypes.as_dtype(name) for name in DTYPES.values()]
    assert [dtype.as_datatype_enum for dtype in dtypes] == list(DTYPES)
    numbers = {dtype.name: tf.cast(RNG.normal(size=(3, 5)) * 9, dtype) for dtype in dtypes if dtype != tf.string}
    prefix = save(tmp_path / "model", {**numbers, "string": tf.constant(["a", "bc"]), "scalar": tf.constant(2.5)})
    found = source(prefix)
    assert {key: entry.dtype for key, entry in found.entries().items()} == {
        **{name: name for name in numbers},
        "string": "string",
        "scalar": "float32",
    }
    for name in ("float32", "int64", "scalar"):
        values = found.read(name)
        expected = numbers[name].numpy() if name in numbers else np.array(2.5, np.float32)
        assert (values.dtype, values.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(values, expected)
    for name in {*numbers, "string"} - {"float32", "int64"}:
        with pytest.raises(WeightsError, match=f"the tensor {name} is of type {name}: save it as float32"):
            found.read(name)


def test_many_shards(tmp_path: Path) -> None:
    tensors = {f"layer{i:03d}/w": tf.constant(RNG.normal(size=(7, i + 1)).astype(np.float32)) for i in range(200)}
    shards = [tmp_path / f"part-{shard}" for shard in range(3)]
    for shard, part in enumerate(shards):
        save(part, dict(list(tensors.items())[shard::3]))
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(part) for part in shards], destination_prefix=str(tmp_path / "whole")
    )
    index = read_bundle_index(tmp_path / "whole.index")
    assert index.num_shards == 3
    assert {entry.shard for entry in index.entries.values()} == {0, 1, 2}
    found = source(tmp_path / "whole")
    found.check_files()
    assert set(found.entries()) == set(tensors)
    for key, expected in tensors.items():
        assert np.array_equal(found.read(key), expected), key
    (tmp_path / "whole.data-00001-of-00003").unlink()
    with pytest.raises(WeightsError, match=r"whole.data-00001-of-00003 is missing beside whole.index"):
        found.check_files()


def test_slices_are_refused_by_name(tmp_path: Path) -> None:
    values = tf.constant(RNG.normal(size=(2, 3)).astype(np.float32))
    found = source(save(tmp_path / "model", {"half/w": values, "whole/w": values}, {"half/w": "4 3 0,2:-"}))
    assert found.entries()["half/w"].shape == (4, 3)
    assert np.array_equal(found.read("whole/w"), values)
    with pytest.raises(WeightsError, match="the tensor half/w is stored in slices"):
        found.read("half/w")


@pytest.mark.parametrize("at", range(0, 96, 7))
def test_a_flipped_byte_is_an_error_of_its_tensor_alone(at: int, tmp_path: Path) -> None:
    tensors = {f"{name}/w": tf.constant(RNG.normal(size=8).astype(np.float32)) for name in "abc"}
    prefix = save(tmp_path / "model", tensors)
    data = tmp_path / "model.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[at] ^= 1
    data.write_bytes(content)
    found = source(prefix)
    damaged = list(tensors)[at // 32]
    for key, expected in tensors.items():
        if key == damaged:
            with pytest.raises(WeightsError, match=f"the tensor {key} is damaged"):
                found.read(key)
        else:
            assert np.array_equal(found.read(key), expected)


def test_every_byte_of_an_index_matters(tmp_path: Path) -> None:
    """But for the footer's padding, which means nothing."""
    path = save(tmp_path / "model", {"a/w": tf.zeros([2]), "b/w": tf.zeros([3])}).with_name("model.index")
    content = path.read_bytes()
    whole = read_bundle_index(path)
    meaning = len(content) - 48
    for at in range(meaning):
        damaged = bytearray(content)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        try:
            assert read_bundle_index(path) == whole, at  # the unused metaindex block
        except WeightsError:
            continue
    for kept in range(len(content)):
        path.write_bytes(content[:kept])
        with pytest.raises(WeightsError, match="is not the index of a TensorFlow checkpoint, or is damaged"):
            read_bundle_index(path)


def test_reading_changes_no_file(tmp_path: Path) -> None:
    prefix = save(tmp_path / "model", {"a/w": tf.ones([4])})
    data = tmp_path / "model.data-00000-of-00001"
    before = data.read_bytes()
    values = source(prefix).read("a/w")
    values[:] = 7
    assert data.read_bytes() == before
    assert np.array_equal(source(prefix).read("a/w"), np.ones(4))
