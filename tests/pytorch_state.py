"""The weights of a model of ours as the package enformer-pytorch holds them: name by name, as its modules have them."""

from collections.abc import Mapping

import numpy as np

from enformer_vep.model.config import EnformerConfig

Weights = Mapping[str, np.ndarray]


def pytorch_state(weights: Weights, config: EnformerConfig) -> dict[str, np.ndarray]:
    """Returns the state of `enformer_pytorch.Enformer`, as `state_dict()` has it, but each tensor once.

    Args:
      weights: the values by our keys.
      config: the sizes.
    """
    state: dict[str, np.ndarray] = {}

    def linear(name: str, key: str) -> None:
        state[f"{name}.weight"] = weights[f"{key}/w"].T
        if f"{key}/b" in weights:
            state[f"{name}.bias"] = weights[f"{key}/b"]

    def convolution(name: str, key: str) -> None:
        state[f"{name}.weight"] = np.moveaxis(weights[f"{key}/w"], [0, 1, 2], [2, 1, 0])
        state[f"{name}.bias"] = weights[f"{key}/b"]

    def layer_norm(name: str, key: str) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = weights[f"{key}/scale"], weights[f"{key}/offset"]

    def conv_block(name: str, key: str) -> None:
        norm = f"{key}/_layers/0"
        layer_norm(f"{name}.0", norm)
        state[f"{name}.0.running_mean"] = weights[f"{norm}/moving_mean/average"].ravel()
        state[f"{name}.0.running_var"] = weights[f"{norm}/moving_variance/average"].ravel()
        state[f"{name}.0.num_batches_tracked"] = np.array(7, np.int64)
        convolution(f"{name}.2", f"{key}/_layers/2")

    def pool(name: str, key: str) -> None:
        state[f"{name}.to_attn_logits.weight"] = weights[f"{key}/_logit_linear/w"].T[:, :, np.newaxis, np.newaxis]

    stem = "_trunk/_layers/0/_layers"
    convolution("stem.0", f"{stem}/0")
    conv_block("stem.1.fn", f"{stem}/1/_module")
    pool("stem.2", f"{stem}/2")
    for i in range(config.num_tower_blocks):
        block = f"_trunk/_layers/1/_layers/{i}/_layers"
        conv_block(f"conv_tower.{i}.0", f"{block}/0")
        conv_block(f"conv_tower.{i}.1.fn", f"{block}/1/_module")
        pool(f"conv_tower.{i}.2", f"{block}/2")
    for i in range(config.num_transformer_layers):
        block = f"_trunk/_layers/2/_layers/{i}/_layers"
        layer_norm(f"transformer.{i}.0.fn.0", f"{block}/0/_module/_layers/0")
        attention, name = f"{block}/0/_module/_layers/1", f"transformer.{i}.0.fn.1"
        state[f"{name}.rel_content_bias"] = weights[f"{attention}/_r_w_bias"]
        state[f"{name}.rel_pos_bias"] = weights[f"{attention}/_r_r_bias"]
        linear(f"{name}.to_q", f"{attention}/_q_layer")
        linear(f"{name}.to_k", f"{attention}/_k_layer")
        linear(f"{name}.to_v", f"{attention}/_v_layer")
        linear(f"{name}.to_rel_k", f"{attention}/_r_k_layer")
        linear(f"{name}.to_out", f"{attention}/_embedding_layer")
        layer_norm(f"transformer.{i}.1.fn.0", f"{block}/1/_module/_layers/0")
        linear(f"transformer.{i}.1.fn.1", f"{block}/1/_module/_layers/1")
        linear(f"transformer.{i}.1.fn.4", f"{block}/1/_module/_layers/4")
    conv_block("final_pointwise.1", "_trunk/_layers/4/_layers/0")
    for head in config.heads:
        linear(f"_heads.{head}.0", f"_heads/{head}/_layers/0")
    return {name: np.ascontiguousarray(values).reshape(values.shape) for name, values in state.items()}
