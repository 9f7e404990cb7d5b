"""What is reduced over a few bins is what is reduced over whole predictions with all other bins masked."""

from dataclasses import replace

import numpy as np
import pytest

from enformer_vep.genome.genes import BinPairs
from enformer_vep.genome.views import Comparison
from enformer_vep.model.enformer import Enformer
from enformer_vep.scoring import STATISTICS
from tests.comparisons import ALL_STATISTICS, SUMS
from tests.inference.tiny_alleles import GEOMETRY, deletion, look, make_engine, snv

SETS = [[3, 4, 5], [0, 1, 7, 8, 9], [15]]


def with_genes(start: int, num_genes: int) -> Comparison:
    """A comparison whose regions are the three sets of bins, the first of which are those of its genes, too."""
    comparison = look(snv(start))
    regions = np.zeros((len(SETS), GEOMETRY.num_bins), dtype=np.float32)
    for row, numbers in enumerate(SETS):
        regions[row, numbers] = 1
    genes = BinPairs.of([{number: number for number in numbers} for numbers in SETS[:num_genes]])
    return replace(comparison, regions=regions, genes=genes)


@pytest.mark.parametrize("options", [{}, {"precision": "mixed"}, {"tracks": [3, 1]}, {"batch_size": 2}])
def test_promoters_are_regions(model: Enformer, options: dict) -> None:
    engine = make_engine(model, **options)
    no_genes = replace(with_genes(3000, 3), genes=None)
    comparisons = [with_genes(3000, 3), no_genes, with_genes(3005, 1), with_genes(9000, 2)]
    found = list(engine.compare_with_genes(comparisons, ALL_STATISTICS, ALL_STATISTICS))
    assert [len(of_genes.get("SAD", ())) for _, of_genes in found] == [3, 0, 1, 2]
    for index in (0, 2, 3):
        of_regions, of_genes = found[index]
        for statistic in ALL_STATISTICS:
            values = of_genes[statistic.name]
            np.testing.assert_allclose(values, of_regions[statistic.name][: len(values)], rtol=1e-6, atol=1e-12)


def test_one_graph_serves_any_number_of_genes(model: Enformer) -> None:
    engine = make_engine(model)
    list(engine.compare_with_genes([with_genes(3000, 1)], SUMS, SUMS))
    reducer = next(iter(engine._comparer._promoter_reducers.values()))
    assert reducer._reduce.experimental_get_tracing_count() == 1
    list(engine.compare_with_genes([with_genes(3000 + n, 1 + n % 3) for n in range(5)], SUMS, SUMS))
    assert reducer._reduce.experimental_get_tracing_count() == 1


def test_without_statistics_of_the_window(model: Enformer) -> None:
    engine = make_engine(model)
    ((expected, _),) = engine.compare_with_genes([with_genes(3000, 3)], SUMS, ())
    ((none, found),) = engine.compare_with_genes([with_genes(3000, 3)], (), SUMS)
    assert none == {}
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_bins_of_the_alternate_may_lie_elsewhere(model: Enformer) -> None:
    comparison = look(deletion(3000))
    (reference,) = make_engine(model).predict([comparison.views[0].reference])
    ((alternate),) = make_engine(model).predict([comparison.views[0].alternate])
    statistics = [STATISTICS[name] for name in ("SADR", "REF", "ALT")]
    comparison = replace(comparison, genes=BinPairs.of([{3: 5, 4: 6}]))
    ((_, found),) = make_engine(model).compare_with_genes([comparison], (), statistics)
    r, a = reference[[3, 4]].sum(axis=0, dtype=np.float64), alternate[[5, 6]].sum(axis=0, dtype=np.float64)
    np.testing.assert_allclose(found["REF"][0], r, rtol=1e-5)
    np.testing.assert_allclose(found["ALT"][0], a, rtol=1e-5)
    np.testing.assert_allclose(found["SADR"][0], np.log2(1 + a) - np.log2(1 + r), rtol=1e-4, atol=1e-6)
