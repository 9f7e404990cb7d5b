"""The state of a PyTorch model of the package enformer-pytorch as a source, from safetensors files and from pickles.

Safetensors files need no PyTorch. Pickles are read with `torch.load(weights_only=True)`, which runs no code of theirs.
No checksums are stored: those of the tensors in our layout are computed when they are asked for.
"""

import zipfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from enformer_vep.errors import WeightsError
from enformer_vep.model.sources.checksums import masked_crc32c
from enformer_vep.model.sources.memory import untouched_zeros
from enformer_vep.model.sources.pytorch_names import Place, find_prefix, is_ignored, place_of
from enformer_vep.model.sources.safetensors_file import SafetensorsFile
from enformer_vep.model.sources.source import ModelSettings, TensorEntry, WeightsIdentity, WeightsSource, identify


class State(Protocol):
    """Named tensors of a PyTorch model."""

    @property
    def path(self) -> Path:
        """The file."""

    def dtypes(self) -> Mapping[str, str]:
        """Returns the name of each tensor's type."""

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """Returns a tensor's values as PyTorch has them."""


class SafetensorsState:
    """A PyTorch model's state in a safetensors file."""

    def __init__(self, file: SafetensorsFile) -> None:
        self.path, self._file = file.path, file

    def dtypes(self) -> Mapping[str, str]:
        """Returns the name of each tensor's type."""
        return {name: tensor.dtype for name, tensor in self._file.tensors.items()}

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """Returns a view of a tensor in the file."""
        return self._file.read(name)


class PickledState:
    """A PyTorch model's state in a file that `torch.save` wrote."""

    def __init__(self, path: Path) -> None:
        """Loads the state; what `torch.save` writes today is mapped into memory.

        Raises:
          WeightsError: PyTorch is not installed, or the file holds more than tensors or cannot be read.
        """
        self.path = path
        try:
            import torch
        except ImportError as error:
            raise WeightsError(
                f"{path} can only be read with PyTorch: install enformer-vep[torch], or save the state as safetensors"
            ) from error
        try:
            state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path) or None)
        except Exception as error:  # damaged bytes can make the unpickler raise anything
            raise WeightsError(
                f"{path} is no state of a PyTorch model, or cannot be read without running code that it holds "
                f"({type(error).__name__}): save model.state_dict()"
            ) from error
        if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
            state = state["state_dict"]
        if not isinstance(state, dict):
            raise WeightsError(f"{path} holds a {type(state).__name__}: expected what model.state_dict() returns")
        self._tensors = {str(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}

    def dtypes(self) -> Mapping[str, str]:
        """Returns the name of each tensor's type."""
        return {name: str(tensor.dtype).removeprefix("torch.") for name, tensor in self._tensors.items()}

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """Returns a tensor's values, which share its memory."""
        return self._tensors[name].detach().numpy()


class PyTorchSource(WeightsSource):
    """The state of an enformer-pytorch model, or of a HeadAdapterWrapper around one, whose head is called 'tracks'."""

    def __init__(self, state: State) -> None:
        """Finds the place of each tensor.

        Raises:
          WeightsError: a tensor is not of float32, or two names of the same parameter have different values.
        """
        self.path, self._state = state.path, state
        dtypes = state.dtypes()
        prefix = find_prefix(list(dtypes))
        self._names: dict[str, str] = {}
        self._places: dict[str, Place] = {}
        foreign = []
        for name, dtype in dtypes.items():
            place = place_of(name, prefix)
            if place is None:
                foreign += [] if is_ignored(name) else [name]
                continue
            if dtype != "float32":
                raise WeightsError(f"{self.path}: the tensor {name} is of type {dtype}: save it as float32")
            other = self._names.setdefault(place.key, name)
            if other != name and not np.array_equal(state.read(name), state.read(other)):
                raise WeightsError(f"{self.path}: {other} and {name}, which are one parameter, have other values")
            self._places[place.key] = place
        self.foreign = tuple(foreign)

    @cached_property
    def _entries(self) -> dict[str, TensorEntry]:
        entries = {}
        for key in self._names:
            values = self.read(key)
            entries[key] = TensorEntry(values.shape, str(values.dtype), masked_crc32c(values))
        return entries

    def entries(self) -> Mapping[str, TensorEntry]:
        """Returns what is known of each tensor, by our keys: their values are read for it."""
        return self._entries

    def check_files(self) -> None:
        """Does nothing: a file that is cut short was refused when it was opened."""

    def read(self, key: str) -> np.ndarray[Any, Any]:
        """Returns a copy of a tensor in our layout. There is no checksum to be checked."""
        values = self._state.read(self._names[key])
        try:
            ours = self._places[key].to_ours(values)
        except IndexError as error:
            shape = list(values.shape)
            raise WeightsError(f"{self.path}: the tensor {self._names[key]} has an odd shape, {shape}") from error
        copy = untouched_zeros(ours.shape, np.float32)
        copy[...] = ours
        return copy

    def settings(self) -> ModelSettings:
        """Returns what the file says of its model."""
        return ModelSettings()

    def identity(self) -> WeightsIdentity:
        """Returns which weights these are."""
        return identify(self._entries, "pytorch", self.path)
