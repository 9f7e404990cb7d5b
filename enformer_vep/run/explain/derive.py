"""Derives arrays, bigWig files and TF-MoDISco's input from the effects of a saturation, in one pass over them."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError, OutputError
from enformer_vep.genome.codes import N_CODE
from enformer_vep.genome.saturation import SaturatedBases, centred, importance
from enformer_vep.genome.tiling import covering_bins
from enformer_vep.genome.variant import Interval
from enformer_vep.io.arrays.bigwig import (
    BigWigFolder,
    check_bigwig_support,
    check_file_names,
    is_bigwig_folder,
    whole_bigwig_folder,
)
from enformer_vep.io.arrays.modisco_files import check_equal_lengths, modisco_paths, write_modisco
from enformer_vep.io.arrays.saturation_arrays import EffectArrays, EffectBlock, Sink, open_sink
from enformer_vep.io.arrays.zarr_folder import check_zarr_folder, check_zarr_support
from enformer_vep.io.files import check_folder, check_writable, whole_file, whole_folder
from enformer_vep.io.tables.outputs import NPZ_SUFFIX, SATURATION_KIND, ZARR_SUFFIX
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.explain.saved_saturation import SavedSaturation
from enformer_vep.run.progress import StopSignals
from enformer_vep.run.record_json import is_record_of
from enformer_vep.run.score.results import (
    RUN_METADATA,
    SATURATION_METADATA,
    TRACKS_METADATA,
    to_json,
    tracks_to_json,
)
from enformer_vep.wording import listed, plural

logger = logging.getLogger(__name__)

Float32s = npt.NDArray[np.float32]

IMPORTANCE_KIND = "enformer-vep importance"

MAX_UNCHOSEN_TRACKS = 50
"""Of more tracks, nobody wants a bigWig file each or the mean without having said so."""


@dataclass(frozen=True)
class DeriveSettings:
    """The outputs that are derived, and how; None for one that is not wanted.

    Attributes:
      saturation: an output of `saturate`.
      effects: arrays of the raw effects.
      centred: arrays of the effects less their mean over letters.
      importance: a folder of one bigWig file per track, with the genome's letter's centred effect at each base.
      modisco: the prefix of the names of TF-MoDISco's input.
      mean_of: the number of letters that the mean is taken over: see `genome.saturation.centred`.
      tracks: the wanted tracks, None for all.
      overwrite: whether existing files are overwritten.

    Raises:
      InputError: nothing is wanted.
    """

    saturation: str
    effects: str | None = None
    centred: str | None = None
    importance: str | None = None
    modisco: str | None = None
    mean_of: int = 4
    tracks: TrackChoice | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not self.wanted:
            raise InputError("nothing to derive: name an output with --effects, --centred, --importance or --modisco")

    @property
    def wanted(self) -> list[str]:
        """The names of the outputs."""
        return [name for name in (self.effects, self.centred, self.importance, self.modisco) if name is not None]


def derive(settings: DeriveSettings) -> str:
    """Derives all that is wanted.

    Returns:
      A line that says what was done.

    Raises:
      InputError: the settings or the saturation cannot be used.
      EnformerVepError: an output cannot be written.
    """
    _check_outputs(settings)
    saved = SavedSaturation.find(settings.saturation)
    tracks = saved.tracks if settings.tracks is None else saved.tracks.select(settings.tracks)
    _check_fits(settings, saved, tracks)
    with StopSignals(), ExitStack() as stack:
        makers = [stack.enter_context(maker) for maker in _makers(settings, saved, tracks)]
        for block in saved.blocks(tracks):
            for maker in makers:
                maker.put(block)
        for maker in makers:
            maker.close()
    what = f"{plural(saved.bases.num_bases, 'base')} of {plural(len(tracks.identifiers), 'track')}"
    return f"derived from {what}: {', '.join(settings.wanted)}"


def _makers(
    settings: DeriveSettings, saved: SavedSaturation, tracks: TrackTable
) -> Iterator[AbstractContextManager[Sink]]:
    metadata = {
        TRACKS_METADATA: tracks_to_json(tracks),
        RUN_METADATA: json.dumps(saved.run).encode(),
        SATURATION_METADATA: saved.bases.to_json(),
    }
    bases, mean_of = saved.bases, settings.mean_of
    if settings.effects is not None:
        yield whole_arrays(Path(settings.effects), saved.arrays(tracks, metadata, None))
    if settings.centred is not None:
        yield whole_arrays(Path(settings.centred), saved.arrays(tracks, metadata, mean_of))
    if settings.importance is not None:
        yield whole_importance(Path(settings.importance), bases, tracks, saved.run, mean_of)
    if settings.modisco is not None:
        yield whole_modisco(Path(settings.modisco), bases, mean_of)


def _check_outputs(settings: DeriveSettings) -> None:
    """Checks that the outputs can be written, before anything is read.

    Raises:
      OutputError: one cannot.
    """
    if len(set(settings.wanted)) < len(settings.wanted):
        raise OutputError(f"an output is named twice: {listed(settings.wanted)}")
    for out in filter(None, (settings.effects, settings.centred)):
        if out.endswith(ZARR_SUFFIX):
            check_zarr_support()
            check_zarr_folder(Path(out), SATURATION_KIND, overwrite=settings.overwrite)
        elif out.endswith(NPZ_SUFFIX):
            check_writable(Path(out), overwrite=settings.overwrite)
        else:
            raise OutputError(f"cannot tell the format of {out!r}: expected a name that ends in .npz or .zarr")
        if Path(out).absolute() == Path(settings.saturation).absolute():
            raise OutputError(f"{out} is the saturation itself: name another output")
    if settings.importance is not None:
        check_folder(Path(settings.importance), _is_importance, overwrite=settings.overwrite)
        check_bigwig_support()
    if settings.modisco is not None:
        for path in modisco_paths(Path(settings.modisco)):
            check_writable(path, overwrite=settings.overwrite)


def _check_fits(settings: DeriveSettings, saved: SavedSaturation, tracks: TrackTable) -> None:
    """Checks that the outputs can be made of this saturation.

    Raises:
      InputError: one cannot.
    """
    num_tracks = len(tracks.identifiers)
    if settings.tracks is None and num_tracks > MAX_UNCHOSEN_TRACKS:
        for option, out, what in (
            ("--importance", settings.importance, "a bigWig file each"),
            ("--modisco", settings.modisco, "their mean"),
        ):
            if out is not None:
                raise InputError(f"which tracks? {option} makes {what} of {num_tracks:,}: choose some with --tracks")
    if settings.importance is not None:
        check_file_names(tracks.identifiers)
    if settings.modisco is not None:
        check_equal_lengths([region.length for region in saved.bases.regions])


def _is_importance(folder: Path) -> bool:
    return is_bigwig_folder(folder, lambda record: is_record_of(record, IMPORTANCE_KIND))


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
