"""Chooses the engine that a run asks for."""

from typing import TYPE_CHECKING

from enformer_vep.errors import InputError
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.windows import Placement
from enformer_vep.inference.device import Device, check_device_name
from enformer_vep.inference.engine import Engine, FetchCodes
from enformer_vep.io.tracks import TrackTable
from enformer_vep.run.settings import ScoreSettings

if TYPE_CHECKING:
    from enformer_vep.model.weights import LoadedModel


MIN_FUSED_CHANNELS = 256
"""Smallest width whose elementwise steps are compiled: compiling takes seconds, which smaller models never save."""


def check_engine(settings: ScoreSettings) -> None:
    """Checks the settings that can be checked without a model, before TensorFlow is imported.

    Raises:
      InputError: the placement is unknown, or the engine does not support the precision.
      DeviceError: the device's name is invalid.
    """
    check_device_name(settings.device)
    try:
        Placement.parse(settings.window)
    except ValueError as error:
        raise InputError(str(error)) from error
    if settings.engine == "full" and settings.precision in ("mixed", "bfloat16"):
        raise InputError(f"--precision {settings.precision} requires the reusing engine: remove --engine full")


def placement_of(settings: ScoreSettings, geometry: Geometry) -> Placement:
    """Returns the placement of a model's windows.

    Raises:
      InputError: the placement does not fit the model.
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
      settings: the run's settings.
      tracks: the chosen tracks.
      batch_size: sequences that are run at a time.
      fetch: returns the codes of the reference genome.
      device: the device that the model runs on.
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
