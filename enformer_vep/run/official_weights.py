"""Checks that weights are the official ones and whole, without TensorFlow's reader."""

from pathlib import Path

import google_crc32c
import numpy as np

from enformer_vep.errors import WeightsError
from enformer_vep.model.location import locate_model

_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_MASK = 0xA282EAD8


def check_official_weights(folder: Path) -> None:
    """Reads the official weights from end to end.

    Args:
      folder: the checkpoint's, or the SavedModel's.

    Raises:
      WeightsError: a file is missing or cut short, a tensor has another checksum than the index says, or the weights
        are not the published ones.
    """
    from enformer_vep.model.bundle import read_bundle_index  # which imports TensorFlow
    from enformer_vep.model.keys import published_tensors

    index_path = locate_model(str(folder)).index_path
    index = read_bundle_index(index_path)
    data = {shard: _data(index_path, shard, index.num_shards) for shard in range(index.num_shards)}
    crcs = {}
    for key, entry in index.entries.items():
        name = key.removesuffix(_SUFFIX)
        crcs[name] = entry.masked_crc32c
        if (
            key.endswith(_SUFFIX)
            and _masked_crc32c(data[entry.shard][entry.offset : entry.offset + entry.size]) != entry.masked_crc32c
        ):
            raise WeightsError(f"{index_path.parent}: the tensor {name} is damaged: its checksum is wrong")
    for tensor in published_tensors():
        if tensor.masked_crc32c not in (
            crcs.get(f"module/{tensor.checkpoint_key}"),
            crcs.get(tensor.saved_model_key),
        ):
            raise WeightsError(f"{folder} does not have the official weights: {tensor.checkpoint_key} differs")


def _data(index_path: Path, shard: int, num_shards: int) -> np.ndarray:
    path = index_path.with_suffix(f".data-{shard:05d}-of-{num_shards:05d}")
    if not path.is_file():
        raise WeightsError(f"{path} is missing beside {index_path.name}")
    return np.memmap(path, np.uint8, mode="r")


def _masked_crc32c(data: np.ndarray) -> int:
    crc = int(google_crc32c.value(data.tobytes()))
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF
