"""Makes the engine that a run asks for."""

from enformer_vep.genome.layout import FetchCodes
from enformer_vep.inference.engine import Engine, EngineSettings
from enformer_vep.run.models import OpenModel
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

MIN_FUSED_CHANNELS = 256
"""Smallest width whose elementwise steps are compiled: compiling takes seconds, which smaller models never save."""


def make_engine(
    model: OpenModel,
    scoring: ScoringSettings,
    compute: ComputeSettings,
    fetch: FetchCodes,
    *,
    is_anywhere: bool = False,
) -> Engine:
    """Makes the engine that predicts the chosen tracks of a head.

    Args:
      model: the model, on its device.
      scoring: how variants are looked at.
      compute: the engine and its settings.
      fetch: returns the codes of the reference genome.
      is_anywhere: whether variants may stand anywhere in a window, as in those of genes.
    """
    from enformer_vep.inference.comparer import full_engine, reusing_engine

    enformer, head = model.loaded.model, model.tracks.head
    geometry = enformer.config.geometry
    offsets = scoring.placement.offsets(geometry)
    settings = EngineSettings(
        head,
        None if model.tracks.indices == list(range(enformer.config.heads[head])) else model.tracks.indices,
        bins=scoring.bins.computed(offsets, geometry, is_mirrored=scoring.views.reverse_complement),
        batch_size=model.batch_size,
        precision=compute.precision,
        variant_offsets=range(geometry.sequence_length_bp)
        if is_anywhere
        else scoring.views.offsets(offsets, geometry.sequence_length_bp),
        cache_bytes=compute.cache_bytes,
        is_fused=model.device.kind == "CPU" and enformer.config.channels >= MIN_FUSED_CHANNELS,
    )
    return (full_engine if compute.engine == "full" else reusing_engine)(enformer, fetch, settings)
