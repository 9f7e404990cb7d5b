"""Opens the model that a run asks for, on its device, with the names of its tracks."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from enformer_vep.errors import InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.inference.device import Device, prepare_device
from enformer_vep.io.tracks.table import TrackTable, read_track_table, unnamed_tracks
from enformer_vep.model.location import ModelLocation
from enformer_vep.run.fetched import find_track_table
from enformer_vep.run.settings import ComputeSettings, ScoringSettings
from enformer_vep.wording import did_you_mean

if TYPE_CHECKING:
    from enformer_vep.model.weights import LoadedModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenModel:
    """A model that is ready to run.

    Attributes:
      loaded: the model, on the device.
      device: the device.
      tracks: the wanted tracks of the wanted head.
      batch_size: sequences that are run at a time.
      fetched_tracks: the fetched table of the published tracks, None if there is none.
    """

    loaded: "LoadedModel"
    device: Device
    tracks: TrackTable
    batch_size: int
    fetched_tracks: Path | None = None


def open_model(location: ModelLocation, scoring: ScoringSettings, compute: ComputeSettings, cache: Cache) -> OpenModel:
    """Prepares the device and loads a model. Imports TensorFlow.

    Args:
      location: where the model is.
      scoring: which head and tracks are wanted, and the windows that must fit the model.
      compute: the device and its settings.
      cache: where fetched track tables are.

    Raises:
      DeviceError: there is no such device.
      InputError: the model cannot be loaded, or has no such head or tracks; or windows or shifts do not fit it.
    """
    device = prepare_device(compute.device, compute.precision, allow_nondeterministic=compute.allow_nondeterministic)
    from enformer_vep.model.weights import load_model

    loaded = load_model(location)
    try:
        geometry = loaded.model.config.geometry
        scoring.placement.check(geometry)
        scoring.views.check(geometry)
    except ValueError as error:
        raise InputError(str(error)) from error
    fetched = find_track_table(scoring.head, cache, is_published=loaded.identity.is_published)
    tracks = choose_tracks(scoring, loaded, location, fetched)
    return OpenModel(loaded, device, tracks, device.batch_size(compute.batch_size), fetched)


def choose_tracks(
    scoring: ScoringSettings, loaded: "LoadedModel", location: ModelLocation, fetched: Path | None = None
) -> TrackTable:
    """Returns the tracks that are wanted, with their names.

    Args:
      scoring: which are wanted. A table that is named here comes first.
      loaded: the model.
      location: where it is; a table beside it comes second.
      fetched: the fetched table of the published tracks, None if there is none.

    Raises:
      InputError: the model does not have this head or these tracks, or the track table belongs to another head.
    """
    heads, head = loaded.model.config.heads, scoring.head
    if head not in heads:
        raise InputError(f"unknown head {head!r}: this model has {', '.join(heads)}{did_you_mean(head, heads)}")
    if track_table := scoring.track_table or location.track_table_path(head) or fetched:
        tracks = read_track_table(str(track_table), head, heads[head])
    else:
        prefix = f"{loaded.name}_" if loaded.notice else ""
        tracks = unnamed_tracks(head, heads[head], prefix=prefix, description=loaded.notice or "")
    return tracks if scoring.tracks is None else tracks.select(scoring.tracks)


def notify(model: OpenModel, scoring: ScoringSettings, compute: ComputeSettings) -> None:
    """Logs what the user should know about the model and the tracks' names, once the command is known to be usable."""
    loaded, tracks = model.loaded, model.tracks
    if loaded.notice:
        logger.info("model %s: %s", loaded.name, loaded.notice)
    else:
        known = "the published Enformer" if loaded.identity.is_published else "not the published Enformer"
        logger.info("weights: %s, according to their checksums %s", loaded.identity.path, known)
    if tracks.is_unnamed:
        names = f"{tracks.identifiers[0]} to {tracks.identifiers[-1]}"
        advice = "; 'enformer-vep fetch tracks' gets their names" if loaded.identity.is_published else ""
        logger.info("without --track-table, tracks are named by head and number: %s%s", names, advice)
    elif model.fetched_tracks is not None and scoring.track_table is None:
        logger.info("tracks: named by the fetched table %s", model.fetched_tracks)
    if model.batch_size != (compute.batch_size or model.batch_size):
        logger.info("a CPU runs one sequence at a time: --batch-size %d has no effect", compute.batch_size)
