"""Which variable of our model each of our keys stands for.

The published Sonnet checkpoint names a variable by its path through nested Sequentials; these paths are our keys.
`architecture.tensor_shapes` gives the same keys without a model.
"""

import tensorflow as tf

from enformer_vep.model.attention import RelativeAttention
from enformer_vep.model.conv_blocks import AttentionPool, ConvBlock, HalvingBlock
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.layers import Conv1D, Linear
from enformer_vep.model.norms import BatchNorm, LayerNorm
from enformer_vep.model.transformer import TransformerBlock

Variables = dict[str, tf.Variable]


def checkpoint_variables(model: Enformer) -> Variables:
    """Returns every variable of the model by its key in the published checkpoint, without root and suffix.

    These include the moving averages' `_hidden` and `_counter`, which only training reads.
    """
    found = _halving_block("_trunk/_layers/0/_layers", model.stem)
    for i, tower_block in enumerate(model.tower_blocks):
        found |= _halving_block(f"_trunk/_layers/1/_layers/{i}/_layers", tower_block)
    for i, transformer_block in enumerate(model.transformer_blocks):
        found |= _transformer_block(f"_trunk/_layers/2/_layers/{i}/_layers", transformer_block)
    found |= _conv_block("_trunk/_layers/4/_layers/0", model.final_pointwise)
    for head, linear in model.heads.items():
        found |= _linear(f"_heads/{head}/_layers/0", linear)
    return found


def _linear(prefix: str, linear: Linear | Conv1D) -> Variables:
    return {f"{prefix}/w": linear.w} | ({} if linear.b is None else {f"{prefix}/b": linear.b})


def _layer_norm(prefix: str, norm: LayerNorm) -> Variables:
    return {f"{prefix}/scale": norm.scale, f"{prefix}/offset": norm.offset}


def _batch_norm(prefix: str, norm: BatchNorm) -> Variables:
    found = {f"{prefix}/scale": norm.scale, f"{prefix}/offset": norm.offset}
    for name, average in (("moving_mean", norm.moving_mean), ("moving_variance", norm.moving_variance)):
        found[f"{prefix}/{name}/average"] = average.average
        found[f"{prefix}/{name}/_hidden"] = average._hidden
        found[f"{prefix}/{name}/_counter"] = average._counter
    return found


def _conv_block(prefix: str, block: ConvBlock) -> Variables:
    return _batch_norm(f"{prefix}/_layers/0", block.norm) | _linear(f"{prefix}/_layers/2", block.convolution)


def _halving_block(prefix: str, block: HalvingBlock) -> Variables:
    wide = block.wide
    found = _linear(f"{prefix}/0", wide) if isinstance(wide, Conv1D) else _conv_block(f"{prefix}/0", wide)
    found |= _conv_block(f"{prefix}/1/_module", block.pointwise)
    if isinstance(block.pool, AttentionPool):
        found |= _linear(f"{prefix}/2/_logit_linear", block.pool.logit_linear)
    return found


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
