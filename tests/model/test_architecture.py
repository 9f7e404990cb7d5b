import dataclasses

import pytest
import sonnet as snt
import tensorflow as tf

from enformer_vep.model.architecture import infer_config, tensor_dtype, tensor_shapes
from enformer_vep.model.config import OFFICIAL_CONFIG, EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.sources.source import TensorEntry
from enformer_vep.model.weights import checkpoint_variables
from tests.support import SMALL_CONFIG, TINY_CONFIG

CONFIGS = {
    "official": OFFICIAL_CONFIG,
    "small": SMALL_CONFIG,
    "tiny": TINY_CONFIG,
    "max pooling": dataclasses.replace(TINY_CONFIG, pooling_type="max", num_heads=1, key_size=5),
    "few layers": dataclasses.replace(TINY_CONFIG, num_transformer_layers=0, num_tower_blocks=1, heads={"mine": 1}),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_they_are_the_variables_of_a_model(name: str) -> None:
    snt.Module()  # looks, once, for eager execution, which there is none of in a graph
    with tf.Graph().as_default():  # whose variables take no memory
        variables = checkpoint_variables(Enformer(CONFIGS[name]))
        expected = {key: (tuple(v.shape), v.dtype.name) for key, v in variables.items()}
    assert {key: (shape, tensor_dtype(key)) for key, shape in tensor_shapes(CONFIGS[name]).items()} == expected


@pytest.mark.parametrize(
    "config",
    [
        OFFICIAL_CONFIG,
        SMALL_CONFIG,
        EnformerConfig(channels=768, num_heads=4, key_size=32, num_transformer_layers=3, heads={"mine": 7}),
        EnformerConfig(channels=384, pooling_type="max", stem_width=11, tower_width=3),
        EnformerConfig(channels=96, num_heads=2, width_multiple=16),
    ],
    ids=["official", "small", "mine", "max pooling", "narrow"],
)
def test_the_sizes_are_read_from_the_shapes(config: EnformerConfig) -> None:
    entries = {key: TensorEntry(shape, tensor_dtype(key), 0) for key, shape in tensor_shapes(config).items()}
    assert infer_config(entries) == config
