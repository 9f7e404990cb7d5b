"""The interface of every weights file, whatever its format: its tensors by our keys, their values and its identity.

Our key of a variable is its path in the published Sonnet checkpoint, without root and suffix.
"""

import csv
import hashlib
import json
import math
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import google_crc32c
import numpy as np

from enformer_vep.errors import WeightsError
from enformer_vep.model.config import EnformerConfig

CONFIG_FORMAT = 1

DTYPES = ("float32", "int64")
"""The types of an Enformer's tensors."""

_MASK = 0xA282EAD8


@dataclass(frozen=True)
class TensorEntry:
    """A tensor without its values.

    Attributes:
      shape: its shape.
      dtype: the name of its type: 'float32', 'int64' ...
      masked_crc32c: the checksum of its bytes, in our layout, as TensorFlow stores it.
    """

    shape: tuple[int, ...]
    dtype: str
    masked_crc32c: int


@dataclass(frozen=True)
class ModelSettings:
    """The settings of a model that a file has besides tensors.

    Attributes:
      config: the sizes, None if they are to be read from the tensors' shapes.
      name: the model's name, None if the file does not say.
      notice: a notice that must accompany everything written with the model, None for a real model.
      source: of a converted file, what it was made from.
    """

    config: EnformerConfig | None = None
    name: str | None = None
    notice: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class WeightsIdentity:
    """Which weights a file holds.

    Attributes:
      file_format: 'checkpoint', 'saved_model', 'enformer-vep' (a checkpoint with our config), 'safetensors' (our file)
        or 'pytorch'.
      path: the file that identifies them: a checkpoint's index, or the file itself.
      tensors_sha256: digest of the keys and checksums of all tensors that inference reads; equal in all formats.
      is_published: whether those are the published ones.
    """

    file_format: str
    path: Path
    tensors_sha256: str
    is_published: bool


class WeightsSource(Protocol):
    """A file, or a set of files, with the weights of one model.

    Attributes:
      path: the file that identifies them: a checkpoint's index, or the file itself.
      foreign: names of tensors that are no weights of an Enformer.
    """

    path: Path
    foreign: tuple[str, ...]

    def entries(self) -> Mapping[str, TensorEntry]:
        """Returns the entry of each tensor by its key, one of ours."""

    def check_files(self) -> None:
        """Checks that the files with the values are there and long enough; reads none of them.

        Raises:
          WeightsError: one is missing or cut short.
        """

    def read(self, key: str) -> np.ndarray[Any, Any]:
        """Reads a tensor and checks its checksum.

        Args:
          key: one of ours.

        Returns:
          The values, in our layout, in memory that may be written to and that nothing else uses. Of our own file they
          are a view of it, whose memory processes share until they write to it.

        Raises:
          WeightsError: the tensor is damaged, or is of a type that an Enformer has not.
        """

    def settings(self) -> ModelSettings:
        """Returns the settings of the model, as the file gives them.

        Raises:
          WeightsError: what it says cannot be understood.
        """

    def identity(self) -> WeightsIdentity:
        """Returns which weights these are, without reading the values if their checksums are stored."""


def check_dtype(dtype: str, name: str, path: Path) -> None:
    """Checks that a tensor is of a type that an Enformer has.

    Raises:
      WeightsError: it is not.
    """
    if dtype not in DTYPES:
        raise WeightsError(f"{path}: the tensor {name} is of type {dtype}: save it as float32")


def untouched_zeros(shape: Sequence[int], dtype: str | type[np.generic]) -> np.ndarray[Any, Any]:
    """Returns zeros at the beginning of a page, which take no memory until something is written to them."""
    num_values = math.prod(shape)
    pages = mmap.mmap(-1, max(1, num_values * np.dtype(dtype).itemsize))
    return np.frombuffer(pages, dtype, count=num_values).reshape(shape)


def masked_crc32c(data: np.ndarray[Any, Any] | bytes) -> int:
    """Returns the masked CRC-32C of an array's bytes in C order.

    The mask keeps the checksum of data that hold checksums themselves meaningful.
    Source: tensorflow/core/lib/hash/crc32c.h.
    """
    if isinstance(data, np.ndarray):
        data = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    crc = google_crc32c.value(data)  # an array is not copied for it
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def checked(values: np.ndarray[Any, Any], entry: TensorEntry, key: str, path: Path) -> np.ndarray[Any, Any]:
    """Returns a tensor whose bytes have the stored checksum.

    Raises:
      WeightsError: they have another.
    """
    if masked_crc32c(values) != entry.masked_crc32c:
        raise WeightsError(f"{path}: the tensor {key} is damaged (its checksum is wrong): download the file again")
    return values


@dataclass(frozen=True)
class PublishedTensor:
    """One tensor of the published weights: its two keys, and the masked CRC-32C of its bytes."""

    saved_model_key: str
    checkpoint_key: str
    masked_crc32c: int


@cache
def published_tensors() -> tuple[PublishedTensor, ...]:
    """Reads the table of the published tensors that the package carries.

    The published SavedModel names the variables of the published checkpoint by other paths. The table pairs the two
    for every tensor, with the CRC-32C that TensorFlow stored for it.
    """
    with files("enformer_vep.model.sources").joinpath("published_tensors.tsv").open(encoding="utf-8") as lines:
        return tuple(
            PublishedTensor(row["savedmodel_key"], row["checkpoint_key"], int(row["masked_crc32c"], 16))
            for row in csv.DictReader(lines, delimiter="\t")
        )


def is_training_state(key: str) -> bool:
    """Says whether a key of ours is a moving average's inner state, which inference never reads."""
    return key.endswith(("/_hidden", "/_counter"))


def are_published(crcs: Mapping[str, int]) -> bool:
    """Says whether tensors are the published ones, by their keys and masked CRC-32C.

    Only what inference reads is compared: a copy of the published weights without training state is still them.
    """
    return all(
        crcs.get(tensor.checkpoint_key) == tensor.masked_crc32c
        for tensor in published_tensors()
        if not is_training_state(tensor.checkpoint_key)
    )


def identify(entries: Mapping[str, TensorEntry], file_format: str, path: Path) -> WeightsIdentity:
    """Returns the identity of tensors."""
    crcs = {key: entry.masked_crc32c for key, entry in entries.items() if not is_training_state(key)}
    digest = hashlib.sha256(json.dumps(sorted(crcs.items())).encode()).hexdigest()
    return WeightsIdentity(file_format, path, digest, are_published(crcs))


def read_config_file(path: Path) -> ModelSettings:
    """Reads a model's `config.json`.

    Raises:
      WeightsError: it is not one, or its sizes cannot be used.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a model's config: {str(error).splitlines()[0]}") from error
    if not isinstance(settings, dict) or settings.get("format") != CONFIG_FORMAT or "config" not in settings:
        raise WeightsError(f"{path} is not a model's config of format {CONFIG_FORMAT}")
    return ModelSettings(parse_config(settings["config"], path), settings.get("name"), settings.get("notice"))


def parse_config(values: Any, path: Path) -> EnformerConfig:
    """Returns the sizes that `EnformerConfig.to_dict` gave.

    Args:
      values: the parsed JSON.
      path: the file they were read from, for messages.

    Raises:
      WeightsError: they cannot be used.
    """
    try:
        return EnformerConfig.from_dict(values)
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{path}: {error}") from error


def config_file_text(config: EnformerConfig, name: str, notice: str | None) -> str:
    """Returns the content of a `config.json`."""
    settings = {"format": CONFIG_FORMAT, "name": name, "notice": notice, "config": config.to_dict()}
    return json.dumps(settings, indent=2) + "\n"
