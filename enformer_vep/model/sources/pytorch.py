"""The state of a PyTorch model of the package enformer-pytorch as a source, from safetensors files and from pickles.

Safetensors files need no PyTorch. Pickles are read with `torch.load(weights_only=True)`, which runs no code of theirs.
No checksums are stored: those of the tensors in our layout are computed when they are asked for.

The package's modules hold the same parameters as ours. Maps are stored as [out, in] and convolutions as
[out, in, width], where we have [in, out] and [width, in, out]; pooling weights are those of a 1 x 1 convolution,
[out, in, 1, 1]; moving averages are [channels], where we have [1, 1, channels].
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from enformer_vep.errors import WeightsError
from enformer_vep.model.sources.safetensors_file import SafetensorsFile
from enformer_vep.model.sources.source import (
    ModelSettings,
    TensorEntry,
    WeightsIdentity,
    WeightsSource,
    identify,
    masked_crc32c,
    untouched_zeros,
)

Array = np.ndarray[Any, Any]


Layout = Callable[[Array], Array]
Parameters = dict[str, tuple[str, Layout]]
"""Of a kind of module: the end of our key, and the layout, of each parameter."""


class Place(NamedTuple):
    """Where a parameter stands with us: its key, and how its values are laid out as ours."""

    key: str
    to_ours: Layout


def _same(values: Array) -> Array:
    return values


def _reversed_axes(values: Array) -> Array:
    return values.T


def _pool_axes(values: Array) -> Array:
    return values[..., 0, 0].T  # [out, in, 1, 1] to [in, out]


def _average_axes(values: Array) -> Array:
    return values[np.newaxis, np.newaxis]


_MAP: Parameters = {"weight": ("w", _reversed_axes), "bias": ("b", _same)}
_LAYER_NORM: Parameters = {"weight": ("scale", _same), "bias": ("offset", _same)}
_BATCH_NORM: Parameters = _LAYER_NORM | {
    "running_mean": ("moving_mean/average", _average_axes),
    "running_var": ("moving_variance/average", _average_axes),
}
_POOL: Parameters = {"weight": ("_logit_linear/w", _pool_axes)}
_BIASES: Parameters = {"rel_content_bias": ("_r_w_bias", _same), "rel_pos_bias": ("_r_r_bias", _same)}

_STEM = "_trunk/_layers/0/_layers"
_TOWER = r"_trunk/_layers/1/_layers/\1/_layers"
_ATTENTION = r"_trunk/_layers/2/_layers/\1/_layers/0/_module/_layers"
_MLP = r"_trunk/_layers/2/_layers/\1/_layers/1/_module/_layers"
_POINTWISE = "_trunk/_layers/4/_layers/0/_layers"

_MODULES = [
    (r"stem\.0", f"{_STEM}/0", _MAP),
    (r"stem\.1\.fn\.0", f"{_STEM}/1/_module/_layers/0", _BATCH_NORM),
    (r"stem\.1\.fn\.2", f"{_STEM}/1/_module/_layers/2", _MAP),
    (r"stem\.2\.to_attn_logits", f"{_STEM}/2", _POOL),
    (r"conv_tower\.(\d+)\.0\.0", f"{_TOWER}/0/_layers/0", _BATCH_NORM),
    (r"conv_tower\.(\d+)\.0\.2", f"{_TOWER}/0/_layers/2", _MAP),
    (r"conv_tower\.(\d+)\.1\.fn\.0", f"{_TOWER}/1/_module/_layers/0", _BATCH_NORM),
    (r"conv_tower\.(\d+)\.1\.fn\.2", f"{_TOWER}/1/_module/_layers/2", _MAP),
    (r"conv_tower\.(\d+)\.2\.to_attn_logits", f"{_TOWER}/2", _POOL),
    (r"transformer\.(\d+)\.0\.fn\.0", f"{_ATTENTION}/0", _LAYER_NORM),
    (r"transformer\.(\d+)\.0\.fn\.1", f"{_ATTENTION}/1", _BIASES),
    (r"transformer\.(\d+)\.0\.fn\.1\.to_([qkv])", rf"{_ATTENTION}/1/_\2_layer", _MAP),
    (r"transformer\.(\d+)\.0\.fn\.1\.to_rel_k", f"{_ATTENTION}/1/_r_k_layer", _MAP),
    (r"transformer\.(\d+)\.0\.fn\.1\.to_out", f"{_ATTENTION}/1/_embedding_layer", _MAP),
    (r"transformer\.(\d+)\.1\.fn\.0", f"{_MLP}/0", _LAYER_NORM),
    (r"transformer\.(\d+)\.1\.fn\.([14])", rf"{_MLP}/\2", _MAP),
    (r"final_pointwise\.1\.0", f"{_POINTWISE}/0", _BATCH_NORM),
    (r"final_pointwise\.1\.2", f"{_POINTWISE}/2", _MAP),
    (r"_heads\.(\w+)\.0", r"_heads/\1/_layers/0", _MAP),
    (r"to_tracks\.0", "_heads/tracks/_layers/0", _MAP),  # of its HeadAdapterWrapper
]
"""Modules of the package, our prefix for each, and their parameters."""

_TRUNK = {"1": "stem", "2": "conv_tower", "4": "transformer", "6": "final_pointwise"}
"""Numbers under which the package registers its modules a second time."""

_FIRST = re.compile(r"(.*?)(?:stem|_trunk\.1)\.0\.weight")
_IGNORED = re.compile(r".*\.num_batches_tracked")


def find_prefix(names: list[str]) -> str:
    """Returns what stands before the names of an Enformer's parameters, as when it is a part of another module."""
    prefixes = sorted({match[1] for name in names if (match := _FIRST.fullmatch(name))}, key=len)
    return prefixes[0] if prefixes else ""


def place_of(name: str, prefix: str) -> Place | None:
    """Returns where a parameter stands with us, None if it is not an Enformer's.

    Args:
      name: its name.
      prefix: what `find_prefix` found; the head of a HeadAdapterWrapper stands beside the Enformer, not within.
    """
    outer = prefix.removesuffix("enformer.")
    if name.startswith(f"{outer}to_tracks."):
        name = name.removeprefix(outer)
    elif name.startswith(prefix):
        name = name.removeprefix(prefix)
    else:
        return None
    name = re.sub(r"^_trunk\.([1246])\.", lambda match: f"{_TRUNK[match[1]]}.", name)
    module, _, parameter = name.rpartition(".")
    for pattern, ours, parameters in _MODULES:
        match = re.fullmatch(pattern, module)
        if match and parameter in parameters:
            leaf, to_ours = parameters[parameter]
            return Place(f"{match.expand(ours)}/{leaf}", to_ours)
    return None


def is_ignored(name: str) -> bool:
    """Says whether a name means nothing to inference: the counters of batch norms."""
    return _IGNORED.fullmatch(name) is not None


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
        """Returns the entry of each tensor by its key, one of ours; all values are read for the checksums."""
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
        """Returns the settings of the model, as the file gives them."""
        return ModelSettings()

    def identity(self) -> WeightsIdentity:
        """Returns which weights these are."""
        return identify(self._entries, "pytorch", self.path)
