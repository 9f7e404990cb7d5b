"""Loads Enformer's weights from any source into a model, and saves models in our own form.

A saved model is a folder with a Sonnet checkpoint of the published keys, and a `config.json` beside it.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from enformer_vep.errors import OutputError
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.fitting import fitting_config
from enformer_vep.model.keys import checkpoint_variables
from enformer_vep.model.location import CONFIG_NAME, ModelLocation
from enformer_vep.model.mapped_tensors import tensor_of
from enformer_vep.model.sources.checkpoint import CHECKPOINT_ROOT
from enformer_vep.model.sources.memory import untouched_zeros
from enformer_vep.model.sources.model_config import config_file_text
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.source import WeightsIdentity

PREFIX_NAME = "model"


@dataclass(frozen=True)
class LoadedModel:
    """A model with its weights, and their identity.

    Attributes:
      model: the model.
      name: its name, `enformer` unless its config says otherwise.
      notice: a notice that must accompany everything written with it, None for a real model.
      identity: which weights they are.
    """

    model: Enformer
    name: str
    notice: str | None
    identity: WeightsIdentity


def load_model(location: ModelLocation) -> LoadedModel:
    """Reads a model's weights, each tensor once.

    Where the file has them as TensorFlow needs them, the variables use its pages in memory, which processes share.
    Nothing writes to these: a variable that is changed has a copy from then on.

    Args:
      location: where `locate_model` found them.

    Returns:
      The model on the current device.

    Raises:
      WeightsError: a key is missing, unexpected or misshapen, a file is cut short or damaged, or the config is wrong.
    """
    source = open_source(location)
    config = fitting_config(source)
    with _uninitialised():
        model = Enformer(config)
    variables = checkpoint_variables(model)
    for key in source.entries():
        variables[key].assign(tensor_of(source.read(key)))
    settings = source.settings()
    return LoadedModel(model, settings.name or location.name, settings.notice, source.identity())


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
            (whole / CONFIG_NAME).write_text(config_file_text(model.config, name, notice), encoding="utf-8")
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
            kwargs["initial_value"] = tensor_of(untouched_zeros(kwargs["shape"], kwargs["dtype"].as_numpy_dtype))
        return next_creator(**kwargs)

    with tf.variable_creator_scope(creator):
        yield
