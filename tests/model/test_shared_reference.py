"""A batch of alternates of one reference: each row is that of a single call, and nothing large is copied for each."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.model import attention
from enformer_vep.model.arithmetic import Arithmetic, arithmetic
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.differences import DifferenceTransformer
from tests.support import TINY_CONFIG, random_one_hot, reference_model

CONFIG = EnformerConfig(
    channels=24, num_transformer_layers=3, num_heads=2, key_size=8, heads={"human": 5}, sequence_length_bp=128 * 64,
    num_bins=40, width_multiple=4,
)  # fmt: skip
NO_BLOCK_CONFIG = EnformerConfig(**{**vars(TINY_CONFIG), "num_transformer_layers": 0})

NUM_ROWS = 4
NUM_CHANGED = 6
FIRST_BIN = np.array([3, 29, 12, 58], np.int32)  # the first and the last reach beyond the scored bins 12 to 51

MOVES = {
    "BroadcastTo", "Cast", "ConcatV2", "ExpandDims", "GatherNd", "GatherV2", "Identity", "Pack", "Reshape", "Slice",
    "Squeeze", "StridedSlice", "Tile", "Transpose",
}  # fmt: skip
"""Operations that put values elsewhere and compute nothing."""


class Case:
    """A reference, four alternates of it, and the graph of their differences."""

    def __init__(self, config: EnformerConfig, chosen: Arithmetic, *, is_few: bool, bins: range | None = None) -> None:
        model = reference_model(config)
        transformer = DifferenceTransformer(model, "human", [range(2), range(2, 5)], bins)
        num_bins = config.geometry.num_tower_bins
        rng = np.random.default_rng(3)
        tower = model.conv_tower(random_one_hot(1, config.sequence_length_bp)).numpy()
        few = rng.standard_normal((NUM_ROWS, NUM_CHANGED, config.channels)).astype(np.float32) * 0.3 * tower.std()
        first_bin = np.minimum(FIRST_BIN, num_bins - NUM_CHANGED)
        whole = np.zeros((NUM_ROWS, num_bins, config.channels), np.float32)
        for row, first in enumerate(first_bin):
            whole[row, first : first + NUM_CHANGED] = few[row]
        _, self.kept = transformer.reference(tf.constant(tower), chosen.product_dtype)
        self.d = few if is_few else whole
        self.first_bin = first_bin if is_few else None

        @tf.function(autograph=False)
        def difference(kept: Any, d: tf.Tensor, first_bin: tf.Tensor | None) -> tf.Tensor:
            with arithmetic(chosen):
                return tf.concat(transformer.difference(kept, d, first_bin), axis=-1)

        self.function = difference

    def rows(self, rows: slice) -> tuple[Any, tf.Tensor, tf.Tensor | None]:
        """The arguments for some of the alternates."""
        first_bin = None if self.first_bin is None else tf.constant(self.first_bin[rows])
        return self.kept, tf.constant(self.d[rows]), first_bin


@pytest.fixture(autouse=True)
def several_blocks_of_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "QUERY_BLOCK", 24)


@pytest.mark.parametrize("is_few", [True, False])
@pytest.mark.parametrize("is_fused", [True, False])
@pytest.mark.parametrize(
    ("config", "bins"),
    [(CONFIG, None), (CONFIG, range(7, 11)), (NO_BLOCK_CONFIG, None)],
    ids=["all bins", "four bins", "no block"],
)
def test_each_row_is_that_of_a_single_call(
    config: EnformerConfig, bins: range | None, is_fused: bool, is_few: bool
) -> None:
    case = Case(config, Arithmetic(is_fused=is_fused), is_few=is_few, bins=bins)
    together = case.function(*case.rows(slice(None))).numpy()
    assert together.shape == (NUM_ROWS, len(bins or range(config.num_bins)), 5)
    for row in range(NUM_ROWS):
        (alone,) = case.function(*case.rows(slice(row, row + 1))).numpy()
        assert np.abs(alone).max() > 1e-3
        np.testing.assert_allclose(together[row], alone, rtol=0, atol=2e-6 * np.abs(alone).max())


@pytest.mark.parametrize("is_few", [True, False])
def test_references_are_one_or_one_for_each_row(is_few: bool) -> None:
    case = Case(TINY_CONFIG, Arithmetic(), is_few=is_few)
    _, d, first_bin = case.rows(slice(None))
    shared = case.function(case.kept, d, first_bin).numpy()
    own = tf.nest.map_structure(lambda x: tf.repeat(x, NUM_ROWS, axis=0), case.kept)
    np.testing.assert_allclose(case.function(own, d, first_bin), shared, rtol=0, atol=2e-6 * np.abs(shared).max())
    two = tf.nest.map_structure(lambda x: tf.repeat(x, 2, axis=0), case.kept)
    with pytest.raises(ValueError, match="one for each of 4 rows, got 2"):
        case.function(two, d, first_bin)


def moved(graph: Any, sizes: dict[str, int]) -> Iterator[tuple[str, str, int, int]]:
    """Follows tensors through a graph and the functions that it calls, as far as they are only moved.

    Args:
      graph: the graph.
      sizes: names of tensors of the graph, and the elements of the kept tensor that each is a copy of.

    Yields:
      Of every copy: its operation, its name, its elements and those of the kept tensor.
    """
    for operation in graph.get_operations():
        if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
            called = graph._get_function(operation.get_attr("f").name).graph
            inputs = zip(called.inputs, operation.inputs, strict=True)
            yield from moved(called, {x.name: sizes[y.name] for x, y in inputs if y.name in sizes})
        elif operation.type in MOVES and (found := [sizes[x.name] for x in operation.inputs if x.name in sizes]):
            (output,) = operation.outputs
            sizes[output.name] = min(found)
            yield operation.type, output.name, math.prod(output.shape), min(found)


@pytest.mark.parametrize("is_few", [True, False])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("is_fused", [True, False])
def test_nothing_large_is_copied_for_each_row(is_few: bool, dtype: tf.DType, is_fused: bool) -> None:
    """Of the tensors that a reference keeps, rows get no copies, whether by tiling, gathering or joining.

    What a row computes with them has their size: the changes of its attention weights, its values, its activations.
    """
    case = Case(CONFIG, Arithmetic(dtype, is_fused), is_few=is_few)
    concrete = case.function.get_concrete_function(*case.rows(slice(None)))
    tensors = dict(zip((x.name for x in concrete.inputs), tf.nest.flatten(case.kept), strict=False))
    # A row's query stands beside its change, so that both are one factor: it is small, and so excepted.
    queries = {id(block.query) for block in case.kept.blocks}
    kept = {name: math.prod(x.shape) for name, x in tensors.items() if id(x) not in queries}
    assert len(kept) == len(tensors) - CONFIG.num_transformer_layers
    copies = list(moved(concrete.graph, dict(kept)))
    assert copies
    assert not [copy for copy in copies if copy[2] >= NUM_ROWS * copy[3]]
