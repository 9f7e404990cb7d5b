"""Finished outputs of `saturate` as the input of another command, in each of their formats."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet

from enformer_vep.errors import InputError
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.io.arrays.saturation_arrays import (
    EffectArrays,
    EffectBlock,
    EffectBlocks,
    read_described,
    saved_blocks,
)
from enformer_vep.io.tables.outputs import NPZ_SUFFIX, SATURATION_SUFFIXES, ZARR_SUFFIX
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.score.results import RUN_METADATA, SATURATION_METADATA, TRACKS_METADATA
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import cause


@dataclass(frozen=True)
class SavedSaturation:
    """The effects of a finished run.

    Attributes:
      path: the output.
      bases: the bases.
      statistic: the name of the statistic.
      tracks: the tracks, in the output's order.
      run: the run record without its course, as JSON values.
      table: the same output, if it is a table.
    """

    path: Path
    bases: SaturatedBases
    statistic: str
    tracks: TrackTable
    run: Mapping[str, Any]
    table: ScoreTable | None = None

    @classmethod
    def find(cls, path: str) -> "SavedSaturation":
        """Reads the record of the run and its bases, and no effects.

        Raises:
          InputError: it is no such output, is not whole, or cannot be read.
        """
        if not path.endswith(SATURATION_SUFFIXES) or not Path(path).exists():
            problem = "no such file" if path.endswith(SATURATION_SUFFIXES) else "unknown format"
            formats = ", ".join(SATURATION_SUFFIXES)
            raise InputError(f"{problem}: {path}: expected an output of 'enformer-vep saturate' ({formats})")
        saved = cls._of_arrays(Path(path)) if path.endswith((NPZ_SUFFIX, ZARR_SUFFIX)) else cls._of_table(path)
        if "shard" in saved.run:
            raise InputError(f"{path} is a shard: join all shards with 'merge' first")
        return saved

    @classmethod
    def _of_table(cls, path: str) -> "SavedSaturation":
        table = ScoreTable.find(path)
        metadata = pyarrow.parquet.read_schema(path).metadata
        if SATURATION_METADATA not in metadata:
            raise InputError(f"{path} is an output of 'score': expected one of 'enformer-vep saturate'")
        bases = _bases(path, json.loads(metadata[SATURATION_METADATA]))
        (statistic,) = table.record.identity.scoring.names
        return cls(Path(path), bases, statistic, table.tracks, json.loads(metadata[RUN_METADATA]), table)

    @classmethod
    def _of_arrays(cls, path: Path) -> "SavedSaturation":
        described = read_described(path)
        if described.get("mean_of") is not None:
            raise InputError(f"{path} has centred effects, which nothing can be derived from: give the raw ones")
        try:
            run = described[RUN_METADATA.decode()]
            tracks = TrackTable(run["head"], pd.DataFrame(described[TRACKS_METADATA.decode()]))
            bases, statistic = _bases(str(path), described[SATURATION_METADATA.decode()]), described["statistic"]
        except (KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged: its attributes lack {error}") from error
        return cls(path, bases, statistic, tracks, run)

    def arrays(self, tracks: TrackTable, metadata: Mapping[bytes, bytes], mean_of: int | None) -> EffectArrays:
        """Describes the arrays of the effects on some of the tracks."""
        return EffectArrays(self.bases, self.statistic, tracks.identifiers, metadata, mean_of)

    def blocks(self, tracks: TrackTable) -> Iterator[EffectBlock]:
        """Yields the effects of some of the tracks, base by base.

        Raises:
          InputError: the output is damaged.
        """
        places = {name: place for place, name in enumerate(self.tracks.identifiers)}
        wanted = [places[name] for name in tracks.identifiers]
        if self.table is None:
            shapes = self.arrays(self.tracks, {}, None).shapes
            yield from saved_blocks(self.path, shapes, wanted)
        else:
            yield from self._blocks_of_table(self.table, wanted)

    def _blocks_of_table(self, table: ScoreTable, tracks: Sequence[int]) -> Iterator[EffectBlock]:
        blocks = EffectBlocks(self.bases, len(tracks))
        try:
            for rows in table.batches(self.statistic, tracks):
                records, alleles = (rows.fields[name].to_numpy() for name in ("record", "allele"))
                yield from blocks.add(records, alleles, rows.scores)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self.path} is damaged: {cause(error)}") from error
        yield from blocks.finish()


def _bases(path: str, values: Any) -> SaturatedBases:
    try:
        return SaturatedBases.from_json_values(values)
    except ValueError as error:
        raise InputError(f"{path} is damaged: {cause(error)}") from error
