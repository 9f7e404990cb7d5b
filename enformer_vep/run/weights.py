"""Describes, checks and converts weights files, without TensorFlow.

To describe a checkpoint, a SavedModel or our own file, only the index or the header is read.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from enformer_vep import __version__
from enformer_vep.errors import OutputError, WeightsError
from enformer_vep.fetch.cache import Cache
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.model.architecture import Misfits, find_misfits, fitting_config, source_config
from enformer_vep.model.config import OFFICIAL_CONFIG, EnformerConfig
from enformer_vep.model.location import SAFETENSORS_SUFFIX, locate_model
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.own_file import write_own_file
from enformer_vep.model.sources.source import (
    ModelSettings,
    TensorEntry,
    WeightsIdentity,
    WeightsSource,
    is_training_state,
    published_tensors,
)

NUM_NAMED = 3
"""Tensors that are named in a line of text; the others are counted."""


@dataclass(frozen=True)
class PublishedTensors:
    """How tensors compare with the published ones, by their checksums.

    Attributes:
      same: number of those that are the same.
      other: keys of those with other values.
      absent: keys of those that the file has not, without training state.
      absent_state: number of tensors of training state that the file has not.
    """

    same: int
    other: tuple[str, ...]
    absent: tuple[str, ...]
    absent_state: int

    @classmethod
    def among(cls, entries: dict[str, TensorEntry]) -> "PublishedTensors":
        """Compares tensors by our keys."""
        absent = [tensor.checkpoint_key for tensor in published_tensors() if tensor.checkpoint_key not in entries]
        present = [tensor for tensor in published_tensors() if tensor.checkpoint_key in entries]
        other = tuple(t.checkpoint_key for t in present if entries[t.checkpoint_key].masked_crc32c != t.masked_crc32c)
        needed = tuple(key for key in absent if not is_training_state(key))
        return cls(len(present) - len(other), other, needed, len(absent) - len(needed))

    def __str__(self) -> str:
        total = len(published_tensors())
        if not self.other and not self.absent:
            state = f" ({self.absent_state} of training state are left out)" if self.absent_state else ""
            return f"yes: {self.same} of {total} tensors have the official checksums{state}"
        if not self.same:
            return "no: none of the tensors has the official checksum"
        others = [f"{len(self.other)} differ: {_named(self.other)}"] if self.other else []
        others += [f"{len(self.absent)} absent: {_named(self.absent)}"] if self.absent else []
        return f"no: {self.same} of {total} tensors have the official checksums; {'; '.join(others)}"


@dataclass(frozen=True)
class ModelReport:
    """The description of a weights file.

    Attributes:
      identity: its format, path and digest, and whether the weights are the published ones.
      settings: the settings of its model; the config is inferred from the tensors if the file has none.
      num_tensors: tensors with a key of ours.
      num_parameters: values in those that inference reads.
      published: how they compare with the published ones.
      misfits: what keeps them from being loaded; against the official sizes if the file's are not known.
      faults: what is wrong with the config or the files.
    """

    identity: WeightsIdentity
    settings: ModelSettings
    num_tensors: int
    num_parameters: int
    published: PublishedTensors
    misfits: Misfits
    faults: tuple[str, ...]

    @property
    def is_loadable(self) -> bool:
        """Whether its model can be loaded, if no tensor is damaged."""
        return not self.faults and not str(self.misfits)

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON values."""
        config = self.settings.config
        return {
            "format": self.identity.file_format,
            "file": str(self.identity.path),
            "name": self.settings.name,
            "notice": self.settings.notice,
            "source": self.settings.source,
            "config": None if config is None else config.to_dict(),
            "num_tensors": self.num_tensors,
            "num_parameters": self.num_parameters,
            "tensors_sha256": self.identity.tensors_sha256,
            "is_published": self.identity.is_published,
            "published_tensors": asdict(self.published),
            "missing": self.misfits.missing,
            "foreign": self.misfits.unexpected,
            "misshapen": self.misfits.misshapen,
            "faults": self.faults,
            "is_loadable": self.is_loadable,
        }

    def __str__(self) -> str:
        settings, misfits = self.settings, self.misfits
        is_known = settings.config is not None
        lines = [
            ("format", self.identity.file_format),
            ("file", str(self.identity.path)),
            ("name", settings.name),
            ("notice", settings.notice),
            ("made from", settings.source),
            ("configuration", _config_text(settings.config) if settings.config else "unknown"),
            ("tensors", f"{self.num_tensors}, of which inference reads {self.num_parameters:,} values"),
            ("published", str(self.published)),
            ("missing" if is_known else "missing of the official model", _counted(misfits.missing)),
            ("foreign", _counted(misfits.unexpected)),
            ("misshapen", _counted(misfits.misshapen) if misfits.misshapen else None),
            *(("fault", fault) for fault in self.faults),
            ("loadable", "yes" if self.is_loadable else "no"),
        ]
        width = max(len(name) for name, text in lines if text is not None) + 2
        return "\n".join(f"{name + ':':{width}}{text}" for name, text in lines if text is not None)


def report_model(model: str, cache: str | None = None) -> ModelReport:
    """Describes a weights file, whether or not its model can be loaded.

    Args:
      model: a name, a folder, a prefix or a file.
      cache: the folder of fetched weights, None for the user's.

    Raises:
      WeightsError: there is no such file, or it is no weights file.
    """
    source = open_source(locate_model(model, Cache.at(cache).folder))
    entries = dict(source.entries())
    faults = []
    settings = ModelSettings()
    try:
        settings = source.settings()
    except WeightsError as error:
        faults.append(str(error))
    try:
        config: EnformerConfig | None = source_config(source) if not faults else None
    except WeightsError as error:
        faults.append(str(error))
        config = None
    faults += _file_faults(source)
    misfits = find_misfits(entries, config or OFFICIAL_CONFIG)
    return ModelReport(
        identity=source.identity(),
        settings=ModelSettings(config, settings.name, settings.notice, settings.source),
        num_tensors=len(entries),
        num_parameters=sum(prod(entry.shape) for key, entry in entries.items() if not is_training_state(key)),
        published=PublishedTensors.among(entries),
        misfits=Misfits(misfits.missing, (*source.foreign, *misfits.unexpected), misfits.misshapen),
        faults=tuple(faults),
    )


def _file_faults(source: WeightsSource) -> list[str]:
    try:
        source.check_files()
    except WeightsError as error:
        return [str(error)]
    return []


def _named(keys: Sequence[str]) -> str:
    return ", ".join(keys[:NUM_NAMED]) + " ..." * (len(keys) > NUM_NAMED)


def _counted(keys: Sequence[str]) -> str:
    return f"{len(keys)}: {_named(keys)}" if keys else "none"


def _config_text(config: EnformerConfig) -> str:
    heads = ", ".join(f"{head} {num_tracks:,}" for head, num_tracks in config.heads.items())
    return (
        f"{config.channels} channels, {config.num_transformer_layers} transformer layers of {config.num_heads} heads, "
        f"a window of {config.sequence_length_bp:,} bp, {config.num_bins} bins; tracks: {heads}"
    )


def check_official_weights(folder: Path) -> None:
    """Reads the official weights from end to end.

    Each tensor is compared with the checksum that its file stores, if it does, and the checksums with the published
    ones.

    Args:
      folder: the folder of a checkpoint, of a SavedModel, or with a state of PyTorch.

    Raises:
      WeightsError: a file is missing or cut short, a tensor is damaged, or the weights are not the published ones.
    """
    source = open_source(locate_model(str(folder)))
    source.check_files()
    for key in source.entries():
        source.read(key)
    if not source.identity().is_published:
        raise WeightsError(f"the weights in {folder} are whole, but not the official ones")


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
