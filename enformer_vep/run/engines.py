"""Makes the engine that a run asks for."""

from enformer_vep.inference.engine import Engine, FetchCodes
from enformer_vep.run.models import OpenModel
from enformer_vep.run.settings import ComputeSettings

MIN_FUSED_CHANNELS = 256
"""Smallest width whose elementwise steps are compiled: compiling takes seconds, which smaller models never save."""


def make_engine(model: OpenModel, compute: ComputeSettings, fetch: FetchCodes) -> Engine:
    """Makes the engine that predicts the chosen tracks of a head.

    Args:
      model: the model, on its device.
      compute: the engine and its settings.
      fetch: returns the codes of the reference genome.
    """
    from enformer_vep.inference.full import FullEngine
    from enformer_vep.inference.reusing import ReusingEngine

    enformer, head = model.loaded.model, model.tracks.head
    is_whole_head = model.tracks.indices == list(range(enformer.config.heads[head]))
    indices = None if is_whole_head else model.tracks.indices
    if compute.engine == "full":
        return FullEngine(enformer, head, tracks=indices, batch_size=model.batch_size)
    return ReusingEngine(
        enformer,
        head,
        fetch,
        tracks=indices,
        batch_size=model.batch_size,
        precision=compute.precision,
        placement=model.placement,
        cache_bytes=compute.cache_bytes,
        is_fused=model.device.kind == "CPU" and enformer.config.channels >= MIN_FUSED_CHANNELS,
    )
