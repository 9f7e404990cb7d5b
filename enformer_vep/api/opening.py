"""Opens a model and a genome."""

from contextlib import ExitStack, closing

from enformer_vep.api.messages import in_words_of_python
from enformer_vep.api.model import Model
from enformer_vep.api.options import (
    Path,
    Tracks,
    at_least,
    environment_cache,
    environment_fasta,
    environment_model,
    one_of,
    path_text,
    to_bytes,
    to_tracks,
)
from enformer_vep.api.session import Session
from enformer_vep.fetch.cache import Cache
from enformer_vep.inference.device import DEFAULT_CACHE_BYTES, PRECISIONS, Precision
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.model.location import locate_model
from enformer_vep.run.fetched import find_fasta
from enformer_vep.run.models import notify
from enformer_vep.run.models import open_model as open_on_device
from enformer_vep.run.settings import (
    ENGINES,
    ComputeSettings,
    EngineName,
    ScoringSettings,
)


@in_words_of_python
def open_model(
    model: Path | None = None,
    fasta: Path | None = None,
    *,
    head: str = ScoringSettings.head,
    tracks: Tracks | None = None,
    track_table: Path | None = None,
    precision: Precision = ComputeSettings.precision,
    engine: EngineName = ComputeSettings.engine,
    device: str | None = None,
    batch_size: int | None = None,
    cache_size: int | str = DEFAULT_CACHE_BYTES,
    allow_nondeterministic: bool = False,
    cache: Path | None = None,
) -> Model:
    """Opens a model and a genome, and keeps them for any number of calls.

    Args:
      model: a checkpoint's folder or prefix, a SavedModel's folder, a .safetensors or PyTorch file, 'enformer' (the
        official weights) or 'demo'; None for ENFORMER_VEP_MODEL, and else the official weights.
      fasta: the reference genome: a file, or the name of a fetched one such as 'hg38'; None for ENFORMER_VEP_FASTA.
      head: the head, 'human' or 'mouse'.
      tracks: the tracks that are predicted: an expression as of `--tracks`, or a list of numbers and expressions; None
        for all.
      track_table: a table that names the tracks; None for the fetched one.
      precision: 'float32', 'mixed', 'bfloat16', or on a GPU 'tf32'.
      engine: 'reusing' computes only what a variant changes; 'full' runs both sequences through the whole model.
      device: 'cpu', 'gpu' or 'gpu:N'; None for the first GPU if there is one, and else the CPU.
      batch_size: sequences that a GPU runs at a time.
      cache_size: memory for results that windows share, in bytes, or as a text such as '256M'. Calls that look at
        variants in up to four different ways, as with other tracks or another `window`, have so much each.
      allow_nondeterministic: whether a GPU may use operations whose results differ a little from run to run.
      cache: the folder of fetched files; None for ENFORMER_VEP_CACHE, and else the user's.

    Raises:
      InputError: the model, the genome or an option cannot be used.
    """
    scoring = ScoringSettings(
        environment_model(model), head, None if track_table is None else path_text(track_table), to_tracks(tracks)
    )
    compute = ComputeSettings(
        one_of("engine", engine, ENGINES),
        one_of("precision", precision, PRECISIONS),
        device,
        at_least("batch_size", batch_size, 1),
        to_bytes(cache_size),
        allow_nondeterministic,
    )
    folder = Cache.at(environment_cache(cache))
    location = locate_model(scoring.model, folder.folder)
    with ExitStack() as failed:
        genome = failed.enter_context(closing(Genome(find_fasta(environment_fasta(fasta), folder))))
        opened = open_on_device(location, scoring, compute, folder)
        notify(opened, scoring, compute)
        failed.pop_all()
        return Model(Session(location, genome, opened, scoring, compute))
