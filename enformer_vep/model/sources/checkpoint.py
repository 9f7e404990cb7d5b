"""TensorFlow's files as sources: checkpoints with the published keys, and the variables of a SavedModel.

Both are an index and one or more data files.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from enformer_vep.errors import WeightsError
from enformer_vep.model.location import INDEX_SUFFIX
from enformer_vep.model.sources.bundle import BundleEntry, BundleIndex
from enformer_vep.model.sources.source import (
    ModelSettings,
    TensorEntry,
    WeightsIdentity,
    WeightsSource,
    check_dtype,
    checked,
    identify,
    published_tensors,
    read_config_file,
    untouched_zeros,
)
from enformer_vep.wording import cause

CHECKPOINT_ROOT = "module/"
SAVED_MODEL_ROOT = "model/"
ATTRIBUTE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"

_IGNORED_KEYS = re.compile(
    r"_CHECKPOINTABLE_OBJECT_GRAPH|save_counter/|(_?optimizer|learning_rate|(global_)?step)(/|$)|.*/\.OPTIMIZER_SLOT/"
)
_HEAD = re.compile(rf"{SAVED_MODEL_ROOT}(_heads/\w+/_layers/0/[wb])")


class _BundleSource(WeightsSource):
    """An index and its data files, in which subclasses find our keys."""

    file_format: str

    def __init__(self, path: Path, index: BundleIndex, config_path: Path | None) -> None:
        """Divides the keys of a file into ours, those that mean nothing to a model, and foreign ones.

        Args:
          path: the index file.
          index: its content.
          config_path: our config beside it, None if there is none.
        """
        self.path, self._index, self._config_path = path, index, config_path
        self._entries: dict[str, BundleEntry] = {}
        foreign = []
        for file_key, entry in index.entries.items():
            name = file_key.removesuffix(ATTRIBUTE_SUFFIX)
            key = self._our_key(name)
            if key is not None:
                self._entries[key] = entry
            elif not _IGNORED_KEYS.match(file_key):
                foreign.append(name)
        self.foreign = tuple(foreign)

    @abstractmethod
    def _our_key(self, name: str) -> str | None:
        """Returns our key of a variable by its name in the file, None if it is not ours."""

    def entries(self) -> Mapping[str, TensorEntry]:
        return {key: TensorEntry(entry.shape, entry.dtype, entry.masked_crc32c) for key, entry in self._entries.items()}

    def check_files(self) -> None:
        for shard in range(self._index.num_shards):
            path = self._data_path(shard)
            needed = max((e.offset + e.size for e in self._index.entries.values() if e.shard == shard), default=0)
            num_bytes = path.stat().st_size if path.is_file() else None
            if num_bytes is None:
                raise WeightsError(f"{path} is missing beside {self.path.name}: download it too")
            if num_bytes < needed:
                raise WeightsError(
                    f"{path} is cut short: expected {needed} bytes, found {num_bytes}: download it again"
                )

    def read(self, key: str) -> np.ndarray[Any, Any]:
        entry = self._entries[key]
        if entry.is_sliced:
            raise WeightsError(
                f"{self.path}: the tensor {key} is stored in slices, of a partitioned variable: save it whole"
            )
        check_dtype(entry.dtype, key, self.path)
        values = untouched_zeros(entry.shape, entry.dtype)
        if values.nbytes != entry.size:
            raise WeightsError(
                f"{self.path}: the tensor {key} of shape {list(entry.shape)} has {entry.size} bytes: expected "
                f"{values.nbytes}; download it again"
            )
        # Tensors lie at any offset here, so a map of the file would be copied, and its pages held besides.
        path = self._data_path(entry.shard)
        try:
            with open(path, "rb") as file:
                file.seek(entry.offset)
                file.readinto(values.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        except OSError as error:
            raise WeightsError(f"{path} cannot be read ({cause(error)}): download it again") from error
        return checked(values, self.entries()[key], key, path)

    def settings(self) -> ModelSettings:
        return ModelSettings() if self._config_path is None else read_config_file(self._config_path)

    def identity(self) -> WeightsIdentity:
        file_format = self.file_format if self._config_path is None else "enformer-vep"
        return identify(self.entries(), file_format, self.path)

    def _data_path(self, shard: int) -> Path:
        prefix = self.path.name.removesuffix(INDEX_SUFFIX)
        return self.path.with_name(f"{prefix}.data-{shard:05d}-of-{self._index.num_shards:05d}")


class CheckpointSource(_BundleSource):
    """A checkpoint as `tf.train.Checkpoint(module=model)` writes it; our own saved folders are the same."""

    file_format = "checkpoint"

    def _our_key(self, name: str) -> str | None:
        is_ours = name.startswith(CHECKPOINT_ROOT) and "/.OPTIMIZER_SLOT/" not in name
        return name.removeprefix(CHECKPOINT_ROOT) if is_ours else None


class SavedModelSource(_BundleSource):
    """The variables of the published SavedModel, or of one with other heads."""

    file_format = "saved_model"

    @cached_property
    def _published(self) -> dict[str, str]:
        return {tensor.saved_model_key: tensor.checkpoint_key for tensor in published_tensors()}

    def _our_key(self, name: str) -> str | None:
        head = _HEAD.fullmatch(name)
        return head[1] if head else self._published.get(name)


def bundle_source(path: Path, index: BundleIndex, config_path: Path | None) -> WeightsSource:
    """Returns the source that reads the keys of an index."""
    is_saved_model = not any(key.startswith(CHECKPOINT_ROOT) for key in index.entries) and any(
        key.startswith(SAVED_MODEL_ROOT) for key in index.entries
    )
    return (SavedModelSource if is_saved_model else CheckpointSource)(path, index, config_path)
