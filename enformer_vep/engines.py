"""Chooses the engine that a run asks for."""

from typing import TYPE_CHECKING

from enformer_vep.errors import InputError
from enformer_vep.geometry import Geometry
from enformer_vep.inference.device import Device, check_device_name
from enformer_vep.inference.engine import Engine, FetchCodes
from enformer_vep.io.tracks import TrackTable
from enformer_vep.settings import ScoreSettings
from enformer_vep.windows import Placement

if TYPE_CHECKING:
    from enformer_vep.model.weights import LoadedModel


MIN_FUSED_CHANNELS = 256
"""Smallest models whose elementwise steps are compiled: it takes seconds, which smaller ones never win back."""


def check_engine(settings: ScoreSettings) -> None:
    """Checks what needs no model, before TensorFlow is imported.

    Raises:
      InputError: the placement is unknown, or the engine has not the precision.
      DeviceError: the device's name is none.
    """
    check_device_name(settings.device)
    try:
        Placement.parse(settings.window)
    except ValueError as error:
        raise InputError(str(error)) from error
    if settings.engine == "full" and settings.precision in ("mixed", "bfloat16"):
        raise InputError(f"precision {settings.precision} is of the reusing engine: leave out --engine full")


def placement_of(settings: ScoreSettings, geometry: Geometry) -> Placement:
    """Returns where a model's windows lie.

    Raises:
      InputError: they cannot lie so.
    """
    placement = Placement.parse(settings.window)
    try:
        placement.check(geometry)
    except ValueError as error:
        raise InputError(str(error)) from error
    return placement


def make_engine(
    loaded: "LoadedModel",
    settings: ScoreSettings,
    tracks: TrackTable,
    *,
    batch_size: int,
    fetch: FetchCodes,
    device: Device,
) -> Engine:
    """Makes the engine that predicts the chosen tracks of a head.

    Args:
      loaded: the model, on the device.
      settings: what the run is asked for.
      tracks: the chosen tracks.
      batch_size: sequences that are run at a time.
      fetch: gives the codes of the reference genome.
      device: what the model runs on.
    """
    from enformer_vep.inference.full import FullEngine
    from enformer_vep.inference.reusing import ReusingEngine

    is_whole_head = tracks.indices == list(range(loaded.model.config.heads[settings.head]))
    indices = None if is_whole_head else tracks.indices
    if settings.engine == "full":
        return FullEngine(loaded.model, settings.head, tracks=indices, batch_size=batch_size)
    return ReusingEngine(
        loaded.model,
        settings.head,
        fetch,
        tracks=indices,
        batch_size=batch_size,
        precision=settings.precision,
        placement=Placement.parse(settings.window),
        cache_bytes=settings.cache_bytes,
        is_fused=device.kind == "CPU" and loaded.model.config.channels >= MIN_FUSED_CHANNELS,
    )
