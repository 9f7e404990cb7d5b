"""Effects of a saturation as arrays: arranged by base and letter in blocks, written and read.

A NumPy archive (.npz) or a Zarr store has `effects` float32 [bases, 4, tracks], `deletions` float32 [bases, longest,
tracks] if there are any, `contig`, `pos` (1-based), `codes` (A C G T N = 0 to 4), `tracks`, and attributes of JSON.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.genome.codes import N_CODE
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.io.arrays.zarr_folder import ZarrArrays, check_zarr_support, read_attributes
from enformer_vep.io.tables.outputs import SATURATION_KIND, ZARR_SUFFIX
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.wording import cause

BLOCK_BYTES = 16 << 20
"""Effects of a block; at the official size with all tracks those of 197 bases."""

Float32s = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Read = Callable[[int, int], Float32s]

EFFECTS = "effects"
DELETIONS = "deletions"
ATTRIBUTES = "attributes"


class EffectBlock(NamedTuple):
    """The effects of some consecutive bases.

    Attributes:
      start: number of the first base among those of the saturation.
      effects: float32 [bases, 4, tracks] in the order A C G T, 0 for the genome's own letter; NaN for a base that is
        N, and where a substitution was not scored.
      deletions: float32 [bases, longest deletion, tracks]: of 1, 2, ... bp that begin at the base; NaN where there is
        none.
    """

    start: int
    effects: Float32s
    deletions: Float32s


class EffectBlocks:
    """Collects alleles, in the order of the list of changes, into blocks of effects."""

    def __init__(self, bases: SaturatedBases, num_tracks: int) -> None:
        self._bases = bases
        self._num_tracks = num_tracks
        self._block_size = block_bases(num_tracks)
        changes = [(change.place, change.deleted_bp) for change in bases.changes()]
        self._places, self._deleted_bp = np.array(changes, dtype=np.int64).reshape(-1, 2).T
        self._block = self._new_block(0)

    def add(self, records: Integers, alleles: Integers, scores: Float32s) -> Iterator[EffectBlock]:
        """Adds alleles.

        Args:
          records: the number of each one's record in the list of changes, from 0; ascending, also between calls.
          alleles: the number of each ALT in its record, from 1.
          scores: float32 [alleles, tracks].

        Yields:
          The blocks before the last allele's.

        Raises:
          ValueError: there is no such record, or they are not ascending.
        """
        if not len(records):
            return
        if records.min() < 0 or records.max() >= len(self._places):
            raise ValueError(f"expected records from 0 to {len(self._places) - 1}, found {records.max()}")
        places = self._places[records]
        if (np.diff(places) < 0).any() or places[0] < self._block.start:
            raise ValueError("expected alleles in the order of their bases")
        done = 0
        while done < len(places):
            stop = self._block.start + len(self._block.effects)
            end = int(np.searchsorted(places, stop))
            some = slice(done, end)
            self._fill(places[some], self._deleted_bp[records[some]], alleles[some], scores[some])
            done = end
            if done < len(places):
                yield self._block
                self._block = self._new_block(stop)

    def finish(self) -> Iterator[EffectBlock]:
        """Yields the blocks that are left."""
        while True:
            yield self._block
            stop = self._block.start + len(self._block.effects)
            if stop >= self._bases.num_bases:
                return
            self._block = self._new_block(stop)

    def _fill(self, places: Integers, deleted_bp: Integers, alleles: Integers, scores: Float32s) -> None:
        offsets = places - self._block.start
        is_base = deleted_bp == 0
        # The three others in their order: up to the genome's letter they are numbered as all four are.
        letters = alleles - 1 + (alleles - 1 >= self._bases.codes[places])
        self._block.effects[offsets[is_base], letters[is_base]] = scores[is_base]
        self._block.deletions[offsets[~is_base], deleted_bp[~is_base] - 1] = scores[~is_base]

    def _new_block(self, start: int) -> EffectBlock:
        codes = self._bases.codes[start : start + self._block_size]
        effects = np.full((len(codes), 4, self._num_tracks), np.nan, dtype=np.float32)
        known = np.flatnonzero(codes != N_CODE)
        effects[known, codes[known]] = 0
        shape = (len(codes), self._bases.max_deletion_bp, self._num_tracks)
        return EffectBlock(start, effects, np.full(shape, np.nan, dtype=np.float32))


def block_bases(num_tracks: int) -> int:
    """Returns the number of bases of a block."""
    return max(1, BLOCK_BYTES // (4 * 4 * num_tracks))


@dataclass(frozen=True)
class EffectArrays:
    """Describes arrays of effects.

    Attributes:
      bases: the bases.
      statistic: the name of the statistic.
      tracks: the tracks' identifiers.
      metadata: JSON by its name, as in the metadata of a table.
      mean_of: the number of letters whose mean the effects are less; None for raw effects.
    """

    bases: SaturatedBases
    statistic: str
    tracks: Sequence[str]
    metadata: Mapping[bytes, bytes]
    mean_of: int | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the arrays, of JSON's types."""
        described = {"kind": SATURATION_KIND, "statistic": self.statistic, "mean_of": self.mean_of}
        return described | {name.decode(): json.loads(value) for name, value in self.metadata.items()}

    @property
    def shapes(self) -> dict[str, tuple[int, int, int]]:
        """The shapes of the arrays that are written in pieces."""
        num_bases, num_tracks, longest = self.bases.num_bases, len(self.tracks), self.bases.max_deletion_bp
        shapes = {EFFECTS: (num_bases, 4, num_tracks)}
        return shapes | {DELETIONS: (num_bases, longest, num_tracks)} if longest else shapes

    @property
    def labels(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that name the bases and tracks of the effects."""
        return {
            "contig": np.array(self.bases.contig_names),
            "pos": self.bases.positions,
            "codes": self.bases.codes,
            "tracks": np.array(self.tracks),
        }


class Sink(Protocol):
    """Arrays that are being written."""

    def put(self, block: EffectBlock) -> None:
        """Writes the next bases."""
        ...

    def close(self) -> None:
        """Writes the rest."""
        ...


class SaturationArrays:
    """Arrays that are written as a table is: allele by allele."""

    def __init__(self, sink: Sink, arrays: EffectArrays) -> None:
        self._sink = sink
        self._blocks = EffectBlocks(arrays.bases, len(arrays.tracks))

    def write(self, alleles: Sequence[VcfAllele], scores: Float32s, percentiles: Float32s | None = None) -> None:
        """Adds alleles, in the order of the list of changes; there are no percentiles."""
        records = np.array([allele.record for allele in alleles], dtype=np.int64)
        numbers = np.array([allele.allele for allele in alleles], dtype=np.int64)
        self._put(self._blocks.add(records, numbers, scores))

    def close(self) -> None:
        """Writes the rest."""
        self._put(self._blocks.finish())
        self._sink.close()

    def _put(self, blocks: Iterable[EffectBlock]) -> None:
        for block in blocks:
            self._sink.put(block)


def open_sink(target: BinaryIO | Path, arrays: EffectArrays) -> Sink:
    """Starts arrays: a NumPy archive in a file, a Zarr store in an empty folder."""
    return _ZarrSink(target, arrays) if isinstance(target, Path) else _NpzSink(target, arrays)


class _NpzSink:
    """Arrays that are written in pieces are kept in temporary files until the archive takes one after another."""

    def __init__(self, stream: BinaryIO, arrays: EffectArrays) -> None:
        self._stream = stream
        self._arrays = arrays
        folder = Path(stream.name).parent
        self._pieces: dict[str, IO[bytes]] = {
            name: tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
            for name in arrays.shapes
        }

    def put(self, block: EffectBlock) -> None:
        for name, file in self._pieces.items():
            file.write(np.ascontiguousarray(getattr(block, name), dtype="<f4").data)

    def close(self) -> None:
        described = json.dumps(self._arrays.attributes)
        with zipfile.ZipFile(self._stream, "w", zipfile.ZIP_STORED) as archive:
            for name, shape in self._arrays.shapes.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member, self._pieces[name] as pieces:
                    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(member, header)
                    pieces.seek(0)
                    shutil.copyfileobj(pieces, member, 1 << 20)
            for name, values in (self._arrays.labels | {ATTRIBUTES: np.array(described)}).items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, values, allow_pickle=False)


class _ZarrSink:
    def __init__(self, folder: Path, arrays: EffectArrays) -> None:
        self._store = ZarrArrays(folder, arrays.attributes)
        self._labels = arrays.labels
        self._arrays = {name: self._store.create(name, shape, "<f4") for name, shape in arrays.shapes.items()}

    def put(self, block: EffectBlock) -> None:
        for name, array in self._arrays.items():
            values = getattr(block, name)
            array[block.start : block.start + len(values)] = values

    def close(self) -> None:
        for name, values in self._labels.items():
            self._store.add(name, values)


def read_described(path: Path) -> dict[str, Any]:
    """Returns the attributes of arrays of a saturation.

    Raises:
      InputError: they cannot be read, or are not those of a saturation.
    """
    attributes = read_attributes(path) if path.name.endswith(ZARR_SUFFIX) else _npz_attributes(path)
    if attributes.get("kind") != SATURATION_KIND:
        raise InputError(f"{path} is not an output of 'enformer-vep saturate', or is damaged")
    return attributes


def saved_blocks(
    path: Path, shapes: Mapping[str, tuple[int, int, int]], tracks: Sequence[int]
) -> Iterator[EffectBlock]:
    """Yields the effects of some tracks, read from the arrays' first row on.

    Args:
      path: the arrays.
      shapes: those that the arrays should have, by name.
      tracks: the wanted tracks' places.

    Raises:
      InputError: they cannot be read, or have other shapes.
    """
    num_bases, _, num_tracks = shapes[EFFECTS]
    size = block_bases(num_tracks)
    open_arrays = _open_zarr if path.name.endswith(ZARR_SUFFIX) else _open_npz
    try:
        with ExitStack() as stack:
            arrays = {name: open_arrays(path, name, shape, stack) for name, shape in shapes.items()}
            for start in range(0, num_bases, size):
                stop = min(start + size, num_bases)
                blocks = {name: read(start, stop)[..., list(tracks)] for name, read in arrays.items()}
                none = np.empty((stop - start, 0, len(tracks)), dtype=np.float32)
                yield EffectBlock(start, blocks[EFFECTS], blocks.get(DELETIONS, none))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is damaged: {cause(error)}") from error


def _open_zarr(path: Path, name: str, shape: tuple[int, int, int], _: ExitStack) -> Read:
    check_zarr_support()
    import zarr

    array = cast("Any", zarr.open_group(path, mode="r")[name])
    _check_shape(name, tuple(array.shape), shape)
    return lambda start, stop: cast("Float32s", array[start:stop])


def _open_npz(path: Path, name: str, shape: tuple[int, int, int], stack: ExitStack) -> Read:
    archive = stack.enter_context(zipfile.ZipFile(path))
    member = stack.enter_context(archive.open(f"{name}.npy"))
    np.lib.format.read_magic(member)
    _check_shape(name, np.lib.format.read_array_header_1_0(member)[0], shape)
    row_bytes = 4 * shape[1] * shape[2]

    def read(start: int, stop: int) -> Float32s:
        values = member.read((stop - start) * row_bytes)
        return np.frombuffer(values, dtype="<f4").reshape(stop - start, *shape[1:])

    return read


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    if shape != expected:
        raise ValueError(f"{name} has the shape {shape}, expected {expected}")


def _npz_attributes(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            attributes = json.loads(str(archive[ATTRIBUTES]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not an output of 'enformer-vep saturate', or is damaged: {cause(error)}"
        ) from error
    return attributes if isinstance(attributes, dict) else {}
