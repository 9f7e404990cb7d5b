"""Writes any weights file as one safetensors file of ours, without TensorFlow."""

import dataclasses
from pathlib import Path

from enformer_vep import __version__
from enformer_vep.errors import OutputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.model.fitting import fitting_config
from enformer_vep.model.location import SAFETENSORS_SUFFIX, locate_model
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.own_file import write_own_file


def convert_model(model: str, out: str, *, overwrite: bool, cache: str | None = None) -> str:
    """Converts a weights file.

    Args:
      model: a name, a folder, a prefix or a file.
      out: the file to write, which appears only when it is whole.
      overwrite: whether an existing file is replaced.
      cache: the folder of fetched weights, None for the user's.

    Returns:
      What was written, in one line.

    Raises:
      WeightsError: there is no such file, or it is damaged, or its tensors are not those of an Enformer.
      OutputError: the file's name is unusable, or exists.
      EnformerVepError: the file cannot be written.
    """
    path = Path(out)
    if path.suffix != SAFETENSORS_SUFFIX:
        raise OutputError(f"cannot write weights to {out!r}: expected a name that ends in {SAFETENSORS_SUFFIX}")
    check_writable(path, overwrite=overwrite)
    location = locate_model(model, Cache.at(cache).folder)
    source = open_source(location)
    config = fitting_config(source)
    settings, identity = source.settings(), source.identity()
    origin = settings.source or f"{identity.file_format} {location.path.name}, by enformer-vep {__version__}"
    with whole_file(path) as file:
        write_own_file(source, dataclasses.replace(settings, config=config, source=origin), file)
    known = "the published Enformer" if identity.is_published else "not the published Enformer"
    heads = ", ".join(f"{head} ({num_tracks:,} tracks)" for head, num_tracks in config.heads.items())
    return f"{path}: {path.stat().st_size / 1e6:,.1f} MB; heads: {heads}; weights: {known}"
