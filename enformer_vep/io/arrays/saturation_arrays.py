"""Writes the effects of a saturation as arrays: a NumPy archive (.npz), or a Zarr store.

Both have `effects` float32 [bases, 4, tracks], `deletions` float32 [bases, longest, tracks] if there are any, `contig`,
`pos` (1-based), `codes` (A C G T N = 0 to 4), `tracks`, and attributes: what JSON can hold.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.io.arrays.effect_blocks import EffectBlock, EffectBlocks
from enformer_vep.io.arrays.zarr_folder import ZarrArrays
from enformer_vep.io.tables.outputs import SATURATION_KIND
from enformer_vep.io.vcf.alleles import VcfAllele

EFFECTS = "effects"
DELETIONS = "deletions"
ATTRIBUTES = "attributes"

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class EffectArrays:
    """What arrays hold, besides the effects.

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
        """What JSON holds of it."""
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
        """The arrays that say what the effects are those of."""
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
        """Takes where they are written, and what they hold."""
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
