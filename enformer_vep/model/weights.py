"""Loads and saves Enformer's weights, in the published formats and our own.

All three are TensorFlow checkpoints on disk: the published Sonnet checkpoint (keys `module/...`), the published
SavedModel's variables (keys `model/...`), and our own saved models, which are Sonnet checkpoints with a `config.json`
beside them. TensorFlow checks each tensor's CRC-32C as it reads it.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from enformer_vep.errors import OutputError, WeightsError
from enformer_vep.model.bundle import BundleEntry, BundleIndex, read_bundle_index
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.keys import (
    ATTRIBUTE_SUFFIX,
    CHECKPOINT_ROOT,
    SAVED_MODEL_ROOT,
    are_published,
    checkpoint_variables,
    is_training_state,
    published_tensors,
)
from enformer_vep.model.location import CONFIG_NAME, ModelLocation

CONFIG_FORMAT = 1
PREFIX_NAME = "model"

_IGNORED_KEYS = re.compile(
    r"_CHECKPOINTABLE_OBJECT_GRAPH|save_counter/|(_?optimizer|learning_rate|(global_)?step)(/|$)|.*/\.OPTIMIZER_SLOT/"
)


@dataclass(frozen=True)
class LoadedModel:
    """A model with its weights, and their identity.

    Attributes:
      model: the model.
      name: its name, `enformer` unless its config says otherwise.
      notice: a notice that must accompany everything written with it, None for a real model.
      index_path: the index file of the checkpoint it was read from.
      file_format: 'checkpoint', 'saved_model' or 'enformer-vep'.
      sha256: digest of the keys and stored checksums of all tensors that inference reads.
      is_published: whether those are the published ones.
    """

    model: Enformer
    name: str
    notice: str | None
    index_path: Path
    file_format: str
    sha256: str
    is_published: bool


def load_model(location: ModelLocation) -> LoadedModel:
    """Reads a model's weights, each tensor once.

    Args:
      location: where `locate_model` found them.

    Returns:
      The model on the current device.

    Raises:
      WeightsError: a key is missing, unexpected or misshapen, a file is cut short or damaged, or the config is wrong.
    """
    index = read_bundle_index(location.index_path)
    file_keys = _our_keys(index, location)
    entries = {key: index.entries[file_key] for key, file_key in file_keys.items()}
    _check_data_files(index, location)
    settings = _read_settings(location.config_path)
    try:
        config = EnformerConfig.from_dict(settings["config"]) if settings else _infer_config(entries)
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"{location.config_path or location.index_path}: {error}") from error
    with _uninitialised():
        model = Enformer(config)
    variables = checkpoint_variables(model)
    _check_keys(entries, variables, location)
    read_tensor = _tensor_reader(location)
    for key, file_key in file_keys.items():
        variables[key].assign(read_tensor(file_key))
    crcs = {key: entry.masked_crc32c for key, entry in entries.items() if not is_training_state(key)}
    is_saved_model = any(file_key.startswith(SAVED_MODEL_ROOT) for file_key in file_keys.values())
    return LoadedModel(
        model=model,
        name=settings.get("name", location.name),
        notice=settings.get("notice"),
        index_path=location.index_path,
        file_format="enformer-vep" if settings else "saved_model" if is_saved_model else "checkpoint",
        sha256=hashlib.sha256(json.dumps(sorted(crcs.items())).encode()).hexdigest(),
        is_published=are_published(crcs),
    )


def save_model(model: Enformer, folder: Path, *, name: str = "enformer", notice: str | None = None) -> None:
    """Writes a model into a new folder: a checkpoint with the published keys, and its config.

    Args:
      model: the model.
      folder: the folder to create; it appears only when it is complete.
      name: the model's name.
      notice: a notice that must accompany everything written with the model.

    Raises:
      OutputError: the folder exists, or cannot be written.
    """
    if folder.exists():
        raise OutputError(f"{folder} exists: choose a new folder for the model")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            whole = Path(temporary) / "model"
            whole.mkdir()
            tree = _nested(checkpoint_variables(model))
            tf.train.Checkpoint(**{CHECKPOINT_ROOT.rstrip("/"): tree}).write(str(whole / PREFIX_NAME))
            (whole / "checkpoint").write_text(f'model_checkpoint_path: "{PREFIX_NAME}"\n', encoding="utf-8")
            settings = {"format": CONFIG_FORMAT, "name": name, "notice": notice, "config": model.config.to_dict()}
            (whole / CONFIG_NAME).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
            os.rename(whole, folder)
    except OSError as error:
        raise OutputError(f"cannot write the model to {folder}: {error.strerror}") from error


def _nested(variables: Mapping[str, tf.Variable]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, variable in variables.items():
        *path, leaf = key.split("/")
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[leaf] = variable
    return tree


@contextmanager
def _uninitialised() -> Iterator[None]:
    """Creates variables as zeros, without drawing initial values that would be overwritten."""

    def creator(next_creator: Callable[..., tf.Variable], **kwargs: Any) -> tf.Variable:
        if callable(kwargs["initial_value"]):
            kwargs["initial_value"] = np.zeros(kwargs["shape"], kwargs["dtype"].as_numpy_dtype)
        return next_creator(**kwargs)

    with tf.variable_creator_scope(creator):
        yield


def _our_keys(index: BundleIndex, location: ModelLocation) -> dict[str, str]:
    """Maps each of our keys that the file has to the key in the file.

    Raises:
      WeightsError: the file has keys that are not ours.
    """
    by_saved_model_key = {tensor.saved_model_key: tensor.checkpoint_key for tensor in published_tensors()}
    found, left_over = {}, []
    for file_key in index.entries:
        path = file_key.removesuffix(ATTRIBUTE_SUFFIX)
        if path.startswith(CHECKPOINT_ROOT) and "/.OPTIMIZER_SLOT/" not in path:
            found[path.removeprefix(CHECKPOINT_ROOT)] = file_key
        elif path in by_saved_model_key:
            found[by_saved_model_key[path]] = file_key
        elif not _IGNORED_KEYS.match(file_key):
            left_over.append(path)
    if left_over:
        raise WeightsError(f"{location.index_path}: not an Enformer's weights, {_some(left_over, 'unexpected key')}")
    return found


def _check_keys(
    entries: Mapping[str, BundleEntry], variables: Mapping[str, tf.Variable], location: ModelLocation
) -> None:
    missing = [key for key in variables if key not in entries and not is_training_state(key)]
    left_over = [key for key in entries if key not in variables]
    misshapen = [
        f"{key} (expected {list(variables[key].shape)}, found {list(entry.shape)})"
        for key, entry in entries.items()
        if key in variables and tuple(variables[key].shape) != entry.shape
    ]
    found = [(missing, "missing key"), (left_over, "unexpected key"), (misshapen, "misshapen key")]
    if problems := [_some(keys, what) for keys, what in found if keys]:
        raise WeightsError(f"{location.index_path}: {'; '.join(problems)}")


def _some(keys: list[str], what: str) -> str:
    """'329 missing keys: a, b, c ...'."""
    return f"{len(keys)} {what}{'s' * (len(keys) != 1)}: {', '.join(keys[:3])}{' ...' * (len(keys) > 3)}"


def _check_data_files(index: BundleIndex, location: ModelLocation) -> None:
    for shard in range(index.num_shards):
        path = location.prefix.with_name(f"{location.prefix.name}.data-{shard:05d}-of-{index.num_shards:05d}")
        needed = max((e.offset + e.size for e in index.entries.values() if e.shard == shard), default=0)
        found = path.stat().st_size if path.is_file() else None
        if found is None:
            raise WeightsError(f"{path} is missing beside {location.index_path.name}: download it too")
        if found < needed:
            raise WeightsError(f"{path} is cut short: expected {needed} bytes, found {found}: download it again")


def _tensor_reader(location: ModelLocation) -> Callable[[str], Any]:
    """Returns a function from a file's key to its tensor, whose checksum is checked."""
    try:
        reader = tf.train.load_checkpoint(str(location.prefix))
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{location.index_path} cannot be read ({_first_line(error)}): download it again") from error

    def read_tensor(file_key: str) -> Any:
        try:
            return reader.get_tensor(file_key)
        except (tf.errors.OpError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{location.prefix}: the tensor {file_key.removesuffix(ATTRIBUTE_SUFFIX)} is damaged "
                f"({_first_line(error)}): download the data file again"
            ) from error

    return read_tensor


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _read_settings(config_path: Path | None) -> dict[str, Any]:
    """Reads a model's `config.json`; returns nothing if there is none, as beside the published weights."""
    if config_path is None:
        return {}
    try:
        settings = json.loads(config_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{config_path} is not a model's config: {_first_line(error)}") from error
    if not isinstance(settings, dict) or settings.get("format") != CONFIG_FORMAT or "config" not in settings:
        raise WeightsError(f"{config_path} is not a model's config of format {CONFIG_FORMAT}")
    return settings


def _infer_config(entries: Mapping[str, BundleEntry]) -> EnformerConfig:
    """Reads the sizes of a model from its tensors' shapes; the window's length is taken to be the official one.

    Raises:
      ValueError: a tensor that gives a size is missing, or the sizes are not those of an Enformer.
    """

    def shape(key: str, num_axes: int) -> tuple[int, ...]:
        if key not in entries:
            raise ValueError(f"not an Enformer's weights: missing key {key}")
        if len(entries[key].shape) != num_axes:
            raise ValueError(f"misshapen key {key} (expected {num_axes} axes, found {list(entries[key].shape)})")
        return entries[key].shape

    def count(pattern: str) -> int:
        return 1 + max((int(match[1]) for key in entries if (match := re.match(pattern, key))), default=-1)

    attention = "_trunk/_layers/2/_layers/0/_layers/0/_module/_layers/1"
    _, num_heads, _, key_size = shape(f"{attention}/_r_w_bias", 4)
    has_pooling_logits = "_trunk/_layers/0/_layers/2/_logit_linear/w" in entries
    return EnformerConfig(
        channels=shape("_trunk/_layers/4/_layers/0/_layers/2/w", 3)[1],
        num_transformer_layers=count(r"_trunk/_layers/2/_layers/(\d+)/"),
        num_heads=num_heads,
        key_size=key_size,
        heads={
            match[1]: shape(key, 2)[1] for key in entries if (match := re.fullmatch(r"_heads/(\w+)/_layers/0/w", key))
        },
        pooling_type="attention" if has_pooling_logits else "max",
        stem_width=shape("_trunk/_layers/0/_layers/0/w", 3)[0],
        tower_width=shape("_trunk/_layers/1/_layers/0/_layers/0/_layers/2/w", 3)[0],
        num_tower_blocks=count(r"_trunk/_layers/1/_layers/(\d+)/"),
    )
