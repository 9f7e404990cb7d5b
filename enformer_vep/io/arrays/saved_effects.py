"""Reads the effects of a saturation from the arrays that `saturation_arrays` wrote, a block of bases at a time."""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.io.arrays.effect_blocks import EffectBlock, block_bases
from enformer_vep.io.arrays.saturation_arrays import ATTRIBUTES, DELETIONS, EFFECTS
from enformer_vep.io.arrays.zarr_folder import check_zarr_support, read_attributes
from enformer_vep.io.tables.outputs import SATURATION_KIND, ZARR_SUFFIX
from enformer_vep.wording import cause

Float32s = npt.NDArray[np.float32]
Read = Callable[[int, int], Float32s]


def read_described(path: Path) -> dict[str, Any]:
    """Returns the attributes of arrays of a saturation.

    Raises:
      InputError: they cannot be read, or are not those of a saturation.
    """
    attributes = read_attributes(path) if path.name.endswith(ZARR_SUFFIX) else _npz_attributes(path)
    if attributes.get("kind") != SATURATION_KIND:
        raise InputError(f"{path} is not an output of 'enformer-vep saturate', or is damaged")
    return attributes


class SavedArrays:
    """The pieces of some arrays, read one after another from their first row on. Used in a `with` block."""

    def __init__(self, path: Path) -> None:
        """Takes the arrays' path."""
        self._path = path
        self._stack = ExitStack()

    def __enter__(self) -> "SavedArrays":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def blocks(self, shapes: Mapping[str, tuple[int, int, int]], tracks: Sequence[int]) -> Iterator[EffectBlock]:
        """Yields the effects of some tracks.

        Args:
          shapes: those that the arrays should have, by name.
          tracks: the wanted tracks' places.

        Raises:
          InputError: they cannot be read, or have other shapes.
        """
        num_bases, _, num_tracks = shapes[EFFECTS]
        size = block_bases(num_tracks)
        try:
            is_zarr = self._path.name.endswith(ZARR_SUFFIX)
            arrays = (self._open_zarr if is_zarr else self._open_npz)(shapes)
            for start in range(0, num_bases, size):
                stop = min(start + size, num_bases)
                found = {name: read(start, stop)[..., list(tracks)] for name, read in arrays.items()}
                none = np.empty((stop - start, 0, len(tracks)), dtype=np.float32)
                yield EffectBlock(start, found[EFFECTS], found.get(DELETIONS, none))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self._path} is damaged: {cause(error)}") from error

    def _open_zarr(self, shapes: Mapping[str, tuple[int, int, int]]) -> dict[str, Read]:
        check_zarr_support()
        import zarr

        store = zarr.open_group(self._path, mode="r")

        def reader(name: str, shape: tuple[int, int, int]) -> Read:
            array = cast("Any", store[name])
            _check_shape(name, tuple(array.shape), shape)
            return lambda start, stop: cast("Float32s", array[start:stop])

        return {name: reader(name, shape) for name, shape in shapes.items()}

    def _open_npz(self, shapes: Mapping[str, tuple[int, int, int]]) -> dict[str, Read]:
        archive = self._stack.enter_context(zipfile.ZipFile(self._path))

        def reader(name: str, shape: tuple[int, int, int]) -> Read:
            member = self._stack.enter_context(archive.open(f"{name}.npy"))
            np.lib.format.read_magic(member)
            _check_shape(name, np.lib.format.read_array_header_1_0(member)[0], shape)
            row_bytes = 4 * shape[1] * shape[2]

            def read(start: int, stop: int) -> Float32s:
                values = member.read((stop - start) * row_bytes)
                return np.frombuffer(values, dtype="<f4").reshape(stop - start, *shape[1:])

            return read

        return {name: reader(name, shape) for name, shape in shapes.items()}


def _check_shape(name: str, found: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    if found != expected:
        raise ValueError(f"{name} has the shape {found}, expected {expected}")


def _npz_attributes(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = json.loads(str(archive[ATTRIBUTES]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not an output of 'enformer-vep saturate', or is damaged: {cause(error)}"
        ) from error
    return found if isinstance(found, dict) else {}
