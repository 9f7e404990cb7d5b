"""The identity of a run: its inputs and settings, which do not depend on where, when and in how many parts it runs."""

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from enformer_vep.errors import InputError
from enformer_vep.inference.device import Device
from enformer_vep.io.fasta import Genome
from enformer_vep.io.selection import Selection
from enformer_vep.io.tracks import TrackTable, read_track_table, unnamed_tracks
from enformer_vep.model.location import ModelLocation
from enformer_vep.run.run_record import file_identity, versions
from enformer_vep.run.settings import ScoreSettings
from enformer_vep.wording import did_you_mean

if TYPE_CHECKING:
    from enformer_vep.model.weights import LoadedModel

logger = logging.getLogger(__name__)

RUN_RECORD_FORMAT = 1


def run_identity(
    settings: ScoreSettings,
    *,
    vcf: str,
    genome: Genome,
    loaded: "LoadedModel",
    statistics: Sequence[str],
    tracks: TrackTable,
    selection: Selection,
    device: Device,
    batch_size: int,
) -> dict[str, Any]:
    """Returns what the run record says before the run; two runs that agree in it write the same bytes.

    Args:
      settings: the run's settings.
      vcf: the path of the variants, or of their copy if they came through a pipe.
      genome: the reference.
      loaded: the model.
      statistics: the scores' names.
      tracks: the chosen tracks.
      selection: the records that are wanted.
      device: the device that the model runs on.
      batch_size: sequences that are run at a time.
    """
    return {
        "format": RUN_RECORD_FORMAT,
        "notice": loaded.notice,
        "versions": versions(),
        "vcf": file_identity(vcf),
        "fasta": file_identity(settings.fasta) | {"index": file_identity(genome.index_path)},
        "model": {
            "name": loaded.name,
            "index": file_identity(loaded.index_path),
            "format": loaded.file_format,
            "tensors_sha256": loaded.sha256,
            "is_published": loaded.is_published,
            "config": loaded.model.config.to_dict(),
        },
        "head": settings.head,
        "statistics": list(statistics),
        "tracks": tracks.record(),
        "selection": selection.record(),
        "placement": settings.window,
        "engine": settings.engine,
        "precision": settings.precision,
        "device": device.kind,
        "is_deterministic": device.kind == "CPU",
        "batch_size": batch_size,
        "layout": settings.layout,
        "dtype": settings.dtype,
    }


def input_paths(settings: ScoreSettings, loaded: "LoadedModel", *, is_piped: bool) -> dict[str, str]:
    """Returns the paths of the inputs, absolute except for variants that came through a pipe."""
    return {
        "vcf": settings.vcf if is_piped else os.path.abspath(settings.vcf),
        "fasta": os.path.abspath(settings.fasta),
        "model_index": os.path.abspath(loaded.index_path),
    }


def choose_tracks(settings: ScoreSettings, loaded: "LoadedModel", location: ModelLocation) -> TrackTable:
    """Returns the tracks that are wanted, with their names.

    Raises:
      InputError: the model does not have this head or these tracks, or the track table belongs to another head.
    """
    heads = loaded.model.config.heads
    if settings.head not in heads:
        raise InputError(
            f"unknown head {settings.head!r}: this model has {', '.join(heads)}{did_you_mean(settings.head, heads)}"
        )
    num_tracks = heads[settings.head]
    if track_table := settings.track_table or location.track_table_path(settings.head):
        tracks = read_track_table(str(track_table), settings.head, num_tracks)
    else:
        prefix = f"{loaded.name}_" if loaded.notice else ""
        tracks = unnamed_tracks(settings.head, num_tracks, prefix=prefix, description=loaded.notice or "")
    return tracks if settings.tracks is None else tracks.select(settings.tracks)


def notify(loaded: "LoadedModel", tracks: TrackTable) -> None:
    """Logs what the user should know about the model and the tracks' names, once the command is known to be usable."""
    if loaded.notice:
        logger.info("model %s: %s", loaded.name, loaded.notice)
    else:
        known = "the published Enformer" if loaded.is_published else "not the published Enformer"
        logger.info("weights: %s, according to their checksums %s", loaded.index_path, known)
    if tracks.is_unnamed:
        names = f"{tracks.identifiers[0]} to {tracks.identifiers[-1]}"
        logger.info("without --track-table, tracks are named by head and number: %s", names)
