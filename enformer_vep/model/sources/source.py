"""What every weights file can tell, whatever its format: its tensors by our keys, their values and its identity.

Our key of a variable is its path in the published Sonnet checkpoint, without root and suffix.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from enformer_vep.errors import WeightsError
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.sources.checksums import masked_crc32c
from enformer_vep.model.sources.published import are_published, is_training_state


@dataclass(frozen=True)
class TensorEntry:
    """What is known of a tensor without its values.

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
    """What a file says of its model besides tensors.

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
        """Returns what is known of each tensor, by our keys."""

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
        """Returns what the file says of its model.

        Raises:
          WeightsError: what it says cannot be understood.
        """

    def identity(self) -> WeightsIdentity:
        """Returns which weights these are, without reading the values if their checksums are stored."""


def identify(entries: Mapping[str, TensorEntry], file_format: str, path: Path) -> WeightsIdentity:
    """Returns the identity of tensors."""
    crcs = {key: entry.masked_crc32c for key, entry in entries.items() if not is_training_state(key)}
    digest = hashlib.sha256(json.dumps(sorted(crcs.items())).encode()).hexdigest()
    return WeightsIdentity(file_format, path, digest, are_published(crcs))


DTYPES = ("float32", "int64")
"""The types of an Enformer's tensors."""


def check_dtype(dtype: str, name: str, path: Path) -> None:
    """Checks that a tensor is of a type that an Enformer has.

    Raises:
      WeightsError: it is not.
    """
    if dtype not in DTYPES:
        raise WeightsError(f"{path}: the tensor {name} is of type {dtype}: save it as float32")


def checked(values: np.ndarray[Any, Any], entry: TensorEntry, key: str, path: Path) -> np.ndarray[Any, Any]:
    """Returns a tensor whose bytes have the stored checksum.

    Raises:
      WeightsError: they have another.
    """
    if masked_crc32c(values) != entry.masked_crc32c:
        raise WeightsError(f"{path}: the tensor {key} is damaged (its checksum is wrong): download the file again")
    return values
