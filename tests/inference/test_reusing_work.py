"""What the reusing engine computes, and what it knows already: passes, bins, graphs and batches are counted."""

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.genome.views import Comparison
from enformer_vep.model.enformer import Enformer, Graphs
from tests.comparisons import SUMS
from tests.inference.tiny_alleles import GEOMETRY, allele, deletion, look, make_engine, snv
from tests.support import precisions

pytestmark = pytest.mark.slow


def test_nothing_is_recomputed_that_is_known(model: Enformer) -> None:
    """A policy that fell back to the whole tower would be seen here."""
    num_bins = GEOMETRY.num_tower_bins
    num_tile_bins = 2 * num_bins  # as many bins as a window; the windows in question lie in two tiles each
    engine = make_engine(model)
    list(engine.compare([look(snv(3000))], SUMS))
    counts = engine.counts()
    assert (counts.transformer_passes, counts.tower_bins_computed) == (
        2,
        num_tile_bins + 2 * 6 + 6,
    )  # and patches of 6 bins
    assert counts.tower_bins_reused == num_bins - 6
    list(engine.compare([look(snv(3000))], SUMS))  # the same window: one pass and one patch
    assert engine.counts().transformer_passes == 3
    assert engine.counts().tower_bins_computed == counts.tower_bins_computed + 6


@pytest.mark.parametrize(
    ("placement", "num_references", "num_tiles"),
    [
        ("centred", 40, 80),  # a window of its own for each, and most of its bins on a grid of its own
        ("grid", 10, 2),  # 40 variants in 500 bp: one for each bin that they stand in
        ("shared:600", 2, 2),
    ],
)
def test_what_each_placement_shares(model: Enformer, placement: str, num_references: int, num_tiles: int) -> None:
    engine = make_engine(model)
    comparisons = [look(snv(3000 + 12 * i), placement) for i in range(40)]
    list(engine.compare(comparisons, SUMS))
    counts = engine.counts()
    assert counts.transformer_passes - len(comparisons) <= num_references
    num_references = counts.transformer_passes - len(comparisons)
    bins_in_tiles = counts.tower_bins_computed - 6 * (len(comparisons) + 2 * num_references)
    assert bins_in_tiles <= num_tiles * GEOMETRY.num_tower_bins


def test_a_deletions_flank_is_shared_on_its_own_grid(model: Enformer) -> None:
    engine = make_engine(model)
    list(engine.compare([look(deletion(3000), "grid")], SUMS))
    before = engine.counts().tower_bins_computed
    list(engine.compare([look(deletion(3010), "grid")], SUMS))  # two bases less, in the same window
    assert engine.counts().tower_bins_computed - before <= 2 * 6 + 6  # patches alone: at the deletion and at the end


@pytest.mark.parametrize("precision", precisions("float32", "mixed", "bfloat16"))
@pytest.mark.parametrize("batch_size", [1, 3])
def test_graphs_are_traced_once(
    model: Enformer, precision: str, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "graphs", Graphs())  # not those of the tests before
    engine = make_engine(model, precision=precision, batch_size=batch_size)

    def comparisons() -> Iterator[Comparison]:
        for start in range(3000, 3400, 80):
            yield look(snv(start))
            yield look(allele(start, 1, "ACGT"))

    list(engine.compare(comparisons(), SUMS))
    num_traces = engine.num_traces
    list(engine.compare([*comparisons(), look(snv(9000))], SUMS))
    assert engine.num_traces == num_traces
    if batch_size == 1:
        assert num_traces == (3 if precision == "float32" else 5)  # tile, patch, and one pass or three


def test_out_of_memory_halves_the_batch(model: Enformer, monkeypatch: pytest.MonkeyPatch) -> None:
    comparisons = [look(snv(start)) for start in (3000, 4000, 6000)]
    expected = list(make_engine(model, batch_size=2).compare(comparisons, SUMS))
    engine = make_engine(model, batch_size=8)
    passes = engine._passes
    predict = passes._predict  # type: ignore[attr-defined]

    def with_little_memory(tower: tf.Tensor, position_keys: list[tf.Tensor]) -> list[tf.Tensor]:
        if len(tower) > 3:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        found: list[tf.Tensor] = predict(tower, position_keys)
        return found

    monkeypatch.setattr(passes, "_predict", with_little_memory)
    for found, other in zip(engine.compare(comparisons, SUMS), expected, strict=True):
        np.testing.assert_allclose(found["ALT"], other["ALT"], rtol=1e-6)  # tiles of another batch have other last bits
    assert engine.counts().batch_size == 2
