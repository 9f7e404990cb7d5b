"""Loads Enformer's weights from any source into a model, and saves models in our own form.

A saved model is a folder with a Sonnet checkpoint of the published keys, and a `config.json` beside it. The published
checkpoint names a variable by its path through nested Sequentials; these paths are our keys.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from enformer_vep.errors import OutputError
from enformer_vep.model.architecture import fitting_config
from enformer_vep.model.attention import RelativeAttention
from enformer_vep.model.conv_blocks import AttentionPool, ConvBlock, HalvingBlock
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.layers import BatchNorm, Conv1D, LayerNorm, Linear
from enformer_vep.model.location import CONFIG_NAME, ModelLocation
from enformer_vep.model.sources.checkpoint import CHECKPOINT_ROOT
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.source import WeightsIdentity, config_file_text, untouched_zeros
from enformer_vep.model.transformer import TransformerBlock

PREFIX_NAME = "model"

ALIGNMENT_BYTES = 64
"""TensorFlow copies memory that does not begin at a multiple of this (EIGEN_MAX_ALIGN_BYTES)."""

Variables = dict[str, tf.Variable]


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


def checkpoint_variables(model: Enformer) -> Variables:
    """Returns every variable of the model by its key in the published checkpoint, without root and suffix.

    These include the moving averages' `_hidden` and `_counter`, which only training reads. `architecture.tensor_shapes`
    gives the same keys without a model.
    """
    variables = _halving_block("_trunk/_layers/0/_layers", model.stem)
    for i, tower_block in enumerate(model.tower_blocks):
        variables |= _halving_block(f"_trunk/_layers/1/_layers/{i}/_layers", tower_block)
    for i, transformer_block in enumerate(model.transformer_blocks):
        variables |= _transformer_block(f"_trunk/_layers/2/_layers/{i}/_layers", transformer_block)
    variables |= _conv_block("_trunk/_layers/4/_layers/0", model.final_pointwise)
    for head, linear in model.heads.items():
        variables |= _linear(f"_heads/{head}/_layers/0", linear)
    return variables


def _linear(prefix: str, linear: Linear | Conv1D) -> Variables:
    return {f"{prefix}/w": linear.w} | ({} if linear.b is None else {f"{prefix}/b": linear.b})


def _layer_norm(prefix: str, norm: LayerNorm) -> Variables:
    return {f"{prefix}/scale": norm.scale, f"{prefix}/offset": norm.offset}


def _batch_norm(prefix: str, norm: BatchNorm) -> Variables:
    variables = {f"{prefix}/scale": norm.scale, f"{prefix}/offset": norm.offset}
    for name, average in (("moving_mean", norm.moving_mean), ("moving_variance", norm.moving_variance)):
        variables[f"{prefix}/{name}/average"] = average.average
        variables[f"{prefix}/{name}/_hidden"] = average._hidden
        variables[f"{prefix}/{name}/_counter"] = average._counter
    return variables


def _conv_block(prefix: str, block: ConvBlock) -> Variables:
    return _batch_norm(f"{prefix}/_layers/0", block.norm) | _linear(f"{prefix}/_layers/2", block.convolution)


def _halving_block(prefix: str, block: HalvingBlock) -> Variables:
    wide = block.wide
    variables = _linear(f"{prefix}/0", wide) if isinstance(wide, Conv1D) else _conv_block(f"{prefix}/0", wide)
    variables |= _conv_block(f"{prefix}/1/_module", block.pointwise)
    if isinstance(block.pool, AttentionPool):
        variables |= _linear(f"{prefix}/2/_logit_linear", block.pool.logit_linear)
    return variables


def _attention(prefix: str, attention: RelativeAttention) -> Variables:
    return (
        _linear(f"{prefix}/_q_layer", attention.query)
        | _linear(f"{prefix}/_k_layer", attention.key)
        | _linear(f"{prefix}/_v_layer", attention.value)
        | _linear(f"{prefix}/_r_k_layer", attention.position_key)
        | _linear(f"{prefix}/_embedding_layer", attention.output)
        | {f"{prefix}/_r_w_bias": attention.r_w_bias, f"{prefix}/_r_r_bias": attention.r_r_bias}
    )


def _transformer_block(prefix: str, block: TransformerBlock) -> Variables:
    return (
        _layer_norm(f"{prefix}/0/_module/_layers/0", block.attention_norm)
        | _attention(f"{prefix}/0/_module/_layers/1", block.attention)
        | _layer_norm(f"{prefix}/1/_module/_layers/0", block.mlp_norm)
        | _linear(f"{prefix}/1/_module/_layers/1", block.mlp_in)
        | _linear(f"{prefix}/1/_module/_layers/4", block.mlp_out)
    )


def tensor_of(values: np.ndarray[Any, Any]) -> tf.Tensor:
    """Returns an array as a tensor, without copying it if it is aligned.

    A variable that is assigned the tensor goes on to use the same memory, as an assignment passes the buffer on. An
    operation that changes a variable may write to memory that nothing else uses, so the array must be a private one,
    such as of a file mapped with mode 'c', and must be used for nothing else.

    Args:
      values: a writable array.
    """
    if values.ctypes.data % ALIGNMENT_BYTES or not values.flags.c_contiguous:
        return tf.constant(np.array(values))
    return tf.experimental.dlpack.from_dlpack(values.__dlpack__())
