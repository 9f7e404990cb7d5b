"""Our own file: one safetensors file with our keys, which processes share as they read it.

Its metadata hold what identifies and describes the model, so that nothing but the header is read for that:

    enformer_vep_format   '1', to be raised when the meaning of anything here changes
    config                the sizes, as JSON
    masked_crc32c         of each tensor, as JSON
    name, notice          if the model has them
    source                what the file was made from

The values that inference reads are there, and no training state. Tensors begin at multiples of 64 bytes where that is
possible without gaps, which the format forbids: TensorFlow then uses the mapped memory itself.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from enformer_vep.errors import WeightsError
from enformer_vep.model.sources.safetensors_file import LENGTH_BYTES, SafetensorsFile
from enformer_vep.model.sources.source import (
    ModelSettings,
    TensorEntry,
    WeightsIdentity,
    WeightsSource,
    checked,
    identify,
    is_training_state,
    parse_config,
)
from enformer_vep.wording import cause

FORMAT_KEY = "enformer_vep_format"
FORMAT = "1"
ALIGNMENT_BYTES = 64


class OwnFileSource(WeightsSource):
    """A file that `write_own_file` wrote."""

    foreign = ()

    def __init__(self, file: SafetensorsFile) -> None:
        """Reads the metadata.

        Raises:
          WeightsError: they are of a later format, or incomplete.
        """
        self.path, self._file = file.path, file
        file_format = file.metadata[FORMAT_KEY]
        if file_format != FORMAT:
            raise WeightsError(f"{self.path} is of format {file_format}: expected {FORMAT}; update enformer-vep")
        try:
            crcs = json.loads(file.metadata["masked_crc32c"])
            self._entries = {
                key: TensorEntry(tensor.shape, tensor.dtype, int(crcs[key])) for key, tensor in file.tensors.items()
            }
            self._config = json.loads(file.metadata["config"])
        except (KeyError, ValueError, TypeError) as error:
            raise WeightsError(f"{self.path}: its metadata are damaged ({cause(error)}): convert it again") from error

    def entries(self) -> Mapping[str, TensorEntry]:
        """Returns the entry of each tensor by its key, one of ours."""
        return self._entries

    def check_files(self) -> None:
        """Does nothing: a file that is cut short was refused when it was opened."""

    def read(self, key: str) -> np.ndarray[Any, Any]:
        """Returns a private view of a tensor in the file, whose checksum is right."""
        return checked(self._file.read(key), self._entries[key], key, self.path)

    def settings(self) -> ModelSettings:
        """Returns the settings of the model, as the file gives them."""
        stored = self._file.metadata
        return ModelSettings(
            parse_config(self._config, self.path), stored.get("name"), stored.get("notice"), stored.get("source")
        )

    def identity(self) -> WeightsIdentity:
        """Returns which weights these are."""
        return identify(self._entries, "safetensors", self.path)


def write_own_file(source: WeightsSource, settings: ModelSettings, file: BinaryIO) -> None:
    """Writes a model's weights as one file of ours; the same weights and settings give the same bytes.

    Args:
      source: the weights. Each tensor is read and checked once.
      settings: the settings of the model; the config must not be None.
      file: an empty file, open for writing.

    Raises:
      WeightsError: a tensor is damaged.
      OSError: the file cannot be written.
    """
    assert settings.config is not None
    entries = {key: entry for key, entry in source.entries().items() if not is_training_state(key)}
    keys = sorted(entries, key=lambda key: (-math.gcd(_num_bytes(entries[key]), ALIGNMENT_BYTES), key))
    file.write(_header(entries, keys, settings))
    for key in keys:
        file.write(np.ascontiguousarray(source.read(key)).data)


def _header(entries: Mapping[str, TensorEntry], keys: list[str], settings: ModelSettings) -> bytes:
    assert settings.config is not None
    texts = {"name": settings.name, "notice": settings.notice, "source": settings.source}
    metadata = {
        FORMAT_KEY: FORMAT,
        "config": json.dumps(settings.config.to_dict()),
        "masked_crc32c": json.dumps({key: entries[key].masked_crc32c for key in keys}),
        **{name: text for name, text in texts.items() if text is not None},
    }
    header: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    for key in keys:
        end = offset + _num_bytes(entries[key])
        header[key] = {"dtype": "F32", "shape": entries[key].shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-(LENGTH_BYTES + len(text)) % ALIGNMENT_BYTES)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def _num_bytes(entry: TensorEntry) -> int:
    return math.prod(entry.shape) * np.dtype(entry.dtype).itemsize
