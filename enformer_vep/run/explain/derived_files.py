"""The files that are derived from the effects of a saturation: arrays, importance as bigWig, TF-MoDISco's input."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.genome.codes import N_CODE
from enformer_vep.genome.saturation import SaturatedBases, centred, importance
from enformer_vep.genome.tiling import covering_bins
from enformer_vep.genome.variant import Interval
from enformer_vep.io.arrays.bigwig import BigWigFolder, whole_bigwig_folder
from enformer_vep.io.arrays.modisco_files import write_modisco
from enformer_vep.io.arrays.saturation_arrays import EffectArrays, EffectBlock, Sink, open_sink
from enformer_vep.io.files import whole_file, whole_folder
from enformer_vep.io.tables.outputs import ZARR_SUFFIX
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.score.results import to_json
from enformer_vep.wording import plural

logger = logging.getLogger(__name__)

IMPORTANCE_KIND = "enformer-vep importance"

Float32s = npt.NDArray[np.float32]


@contextmanager
def whole_arrays(path: Path, arrays: EffectArrays) -> Iterator[Sink]:
    """Opens arrays of effects, raw or centred as `arrays` says; they appear when the block ends.

    Raises:
      EnformerVepError: they cannot be written.
    """
    if path.name.endswith(ZARR_SUFFIX):
        with whole_folder(path) as folder:
            yield _Centred(open_sink(folder, arrays), arrays.mean_of)
    else:
        with whole_file(path) as stream:
            yield _Centred(open_sink(stream, arrays), arrays.mean_of)


class _Centred:
    """Takes the mean off substitutions on their way to a file, if wanted; deletions stay as they are."""

    def __init__(self, sink: Sink, mean_of: int | None) -> None:
        self._sink = sink
        self._mean_of = mean_of

    def put(self, block: EffectBlock) -> None:
        if self._mean_of is not None:
            block = block._replace(effects=centred(block.effects, self._mean_of))
        self._sink.put(block)

    def close(self) -> None:
        self._sink.close()


@contextmanager
def whole_importance(
    path: Path, bases: SaturatedBases, tracks: TrackTable, run: Mapping[str, Any], mean_of: int
) -> Iterator[Sink]:
    """Opens a folder of one bigWig file per track with the importance of each base; it appears when the block ends.

    Raises:
      EnformerVepError: it cannot be written.
    """
    with whole_bigwig_folder(path, tracks, bases.num_bases, 1) as folder:
        yield _Importance(folder, bases, to_json({"kind": IMPORTANCE_KIND, "mean_of": mean_of, "run": run}), mean_of)


class _Importance:
    def __init__(self, folder: BigWigFolder, bases: SaturatedBases, record: bytes, mean_of: int) -> None:
        self._folder = folder
        self._bases = bases
        self._record = record
        self._mean_of = mean_of
        self._is_there: list[npt.NDArray[np.bool_]] = []

    def put(self, block: EffectBlock) -> None:
        values = importance(block.effects, self._mean_of)
        self._is_there.append(~np.isnan(values[:, 0]))  # what was not scored was scored on no track
        self._folder.write(values)

    def close(self) -> None:
        is_there, bases = np.concatenate(self._is_there), self._bases
        if not is_there.any():
            raise InputError("no base has the effects of all of its substitutions: expected at least one")
        if num_missing := int(np.count_nonzero(~is_there & (bases.codes != N_CODE))):
            logger.warning("%s left out: not all of their substitutions were scored", plural(num_missing, "base"))
        names = np.array(bases.contig_names)[is_there]
        places = zip(names.tolist(), bases.positions[is_there].tolist(), strict=True)
        spans = covering_bins((Interval(contig, pos - 1, pos) for contig, pos in places), 1)
        self._folder.finish(bases.contigs, spans, self._record, is_there)


@contextmanager
def whole_modisco(prefix: Path, bases: SaturatedBases, mean_of: int) -> Iterator[Sink]:
    """Opens the input of TF-MoDISco: the mean over tracks of the centred effects of each region.

    Raises:
      InputError: a base has no effects.
      EnformerVepError: the files cannot be written.
    """
    yield _Modisco(prefix, bases, mean_of)


class _Modisco:
    def __init__(self, prefix: Path, bases: SaturatedBases, mean_of: int) -> None:
        self._prefix = prefix
        self._bases = bases
        self._mean_of = mean_of
        self._scores: list[Float32s] = []

    def put(self, block: EffectBlock) -> None:
        self._scores.append(centred(block.effects, self._mean_of).mean(axis=2, dtype=np.float64).astype(np.float32))

    def close(self) -> None:
        bases, scores = self._bases, np.concatenate(self._scores)
        is_missing = np.isnan(scores).any(axis=1)
        if len(missing := np.flatnonzero(is_missing & (bases.codes != N_CODE))):
            contig, pos = bases.contig_names[missing[0]], bases.positions[missing[0]]
            raise InputError(
                f"{plural(len(missing), 'base')} lack effects (first: {contig}:{pos}): TF-MoDISco needs those of every "
                "base that is not N"
            )
        scores[is_missing] = 0
        places = [bases.places(region) for region in bases.regions]
        write_modisco(self._prefix, [bases.codes[place] for place in places], [scores[place] for place in places])
