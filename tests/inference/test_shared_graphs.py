"""Engines of one model share its graphs: nothing is traced twice, and no engine sees another's numbers."""

import numpy as np
import pytest

from enformer_vep.inference.comparer import Comparer, full_engine
from enformer_vep.inference.engine import Engine, EngineSettings
from enformer_vep.model.enformer import Enformer, Graphs
from tests.comparisons import ALL_STATISTICS
from tests.inference.tiny_alleles import CONTIG, allele, look, make_engine, snv
from tests.support import TINY_CONFIG, precisions, reference_model

pytestmark = pytest.mark.slow

COMPARISONS = [look(snv(3000)), look(allele(3010, 1, "ACGT")), look(snv(6000))]


@pytest.fixture
def own_model() -> Enformer:
    """A model that this test alone may change."""
    return reference_model(TINY_CONFIG)


def scores(engine: Engine) -> list[np.ndarray]:
    return [values for found in engine.compare(COMPARISONS, ALL_STATISTICS) for values in found.values()]


def full(model: Enformer, **settings: object) -> Comparer:
    return full_engine(model, CONTIG.fetch, EngineSettings(**{"head": "human", **settings}))  # type: ignore[arg-type]


def assert_same_bits(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("precision", precisions("float32", "mixed"))
def test_a_second_engine_traces_nothing_and_has_the_same_bits(own_model: Enformer, precision: str) -> None:
    first = make_engine(own_model, precision=precision)
    expected = scores(first)
    num_traces = first.num_traces
    second = make_engine(own_model, precision=precision)
    assert_same_bits(scores(second), expected)
    assert second.num_traces == num_traces > 0
    assert second.counts() == first.counts()  # it computed all by itself, and knew nothing of what the first had kept
    assert second.link.num_sent == first.link.num_sent


def test_engines_with_other_settings_do_not_disturb_each_other(
    model: Enformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[dict[str, object]] = [
        {},
        {"bins": range(3, 9)},
        {"tracks": [4, 1]},
        {"tracks": [1, 4]},
        {"head": "mouse"},
    ]
    alone = []
    for settings in others:
        monkeypatch.setattr(model, "graphs", Graphs())
        alone.append(scores(full(model, **settings)))
    monkeypatch.setattr(model, "graphs", Graphs())
    for settings, expected in zip(others, alone, strict=True):
        assert_same_bits(scores(full(model, **settings)), expected)


@pytest.mark.parametrize("kind", ["full", *precisions("mixed")])
def test_an_engine_sees_weights_that_changed_since_the_graphs_were_traced(own_model: Enformer, kind: str) -> None:
    def make(model: Enformer) -> Engine:
        return full(model) if kind == "full" else make_engine(model, precision=kind)

    before = scores(make(own_model))
    changed = reference_model(TINY_CONFIG)
    for model in (own_model, changed):
        for variable in model.trainable_variables:
            variable.assign(variable * 1.01)
    expected = scores(make(changed))
    assert_same_bits(scores(make(own_model)), expected)
    assert not all(np.array_equal(a, b) for a, b in zip(before, expected, strict=True))


def test_graphs_are_made_once_for_each_key() -> None:
    graphs, made = Graphs(), []

    def make() -> object:
        made.append(object())
        return made[-1]

    assert graphs.get(("tiles", 1), make) is graphs.get(("tiles", 1), make)
    assert graphs.get(("tiles", 2), make) is made[1]
    assert len(made) == 2


def test_graphs_that_were_not_asked_for_longest_are_dropped() -> None:
    graphs = Graphs(max_kept=2)
    first, second = graphs.get("a", object), graphs.get("b", object)
    assert graphs.get("a", object) is first
    graphs.get("c", object)
    assert graphs.get("a", object) is first
    assert graphs.get("b", object) is not second
