"""Every statistic against a plain statement of it in NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.genome.genes import BinPairs
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.reductions import REDUCTIONS, reduce_bins
from enformer_vep.model.enformer import Enformer
from enformer_vep.scoring import STATISTICS, finish, needed_reductions
from tests.comparisons import ALL_STATISTICS, SUMS
from tests.inference.tiny_alleles import GEOMETRY, deletion, look, make_engine, snv
from tests.test_scoring import direct

ALL = tuple(STATISTICS.values())


def scores_of(r: np.ndarray, d: np.ndarray, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """All statistics through both halves: float64 [B, M, tracks] each."""
    weights = np.ones((1, 1, d.shape[1])) if weights is None else weights
    names = needed_reductions(ALL)
    reduced = tf.function(lambda r, d, weights: reduce_bins(r, d, weights, names))(
        *(tf.constant(x, tf.float32) for x in (r, d, weights))
    ).numpy()
    assert reduced.dtype == np.float64
    assert reduced.shape == (len(d), len(names), weights.shape[1], d.shape[2])
    rows = [finish(dict(zip(names, row, strict=True)), ALL) for row in reduced]
    return {name: np.stack([row[name] for row in rows]) for name in STATISTICS}


def predictions(
    shape: tuple[int, ...], seed: int = 0, num_references: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """R over many decades and d of any sign, above -r; float32, r with a row for each of d or with one for all."""
    generator = np.random.default_rng(seed)
    r = np.exp(generator.normal(-1, 3, (num_references or shape[0], *shape[1:]))).astype(np.float32)
    d = r * np.expm1(generator.normal(0, 0.3, shape))
    return r, d.astype(np.float32)


# One track with two bins, r = 1, 3 and a = 3, 7: d = 2, 4. log2(1 + x) is 1, 2 and 2, 3.
BY_HAND = {
    "SAD": 6.0,  # 2 + 4
    "SAR": 2.0,  # 1 + 1
    "SADR": np.log2(11 / 5),  # 1 + 10, 1 + 4
    "sqrtSAD": np.sqrt(7) - 1,  # sqrt(3) - 1 + sqrt(7) - sqrt(3)
    "SAX": 4.0,
    "SAXR": 1.0,
    "D1": 6.0,
    "logD1": 2.0,
    "D2": np.sqrt(20),  # 4 + 16
    "logD2": np.sqrt(2),  # 1 + 1
    # p = 1.5, a quarter of the way from 1 to 3. r' = 2.5/7, 4.5/7 and a' = 4.5/13, 8.5/13.
    # a' - r' = -1/91, 1/91; a'/r' = 63/65, 119/117.
    "JS": (np.log(65 / 63) + np.log(119 / 117)) / 91 / 2,
    # p = 1.25. r' = 9/22, 13/22 and a' = 13/30, 17/30. a' - r' = 4/165, -4/165; a'/r' = 143/135, 187/195.
    "logJS": (np.log(143 / 135) + np.log(195 / 187)) * 4 / 165 / 2,
    "REF": 4.0,
    "ALT": 10.0,
}


@pytest.mark.parametrize("name", STATISTICS)
def test_by_hand(name: str) -> None:
    found = scores_of(np.array([[[1], [3]]]), np.array([[[2], [4]]]))[name]
    np.testing.assert_allclose(found, [[[BY_HAND[name]]]], rtol=1e-6)


def test_statistics_need_what_there_is() -> None:
    assert set(needed_reductions(ALL)) == set(REDUCTIONS)


@pytest.mark.parametrize("num_references", [1, 3])
@pytest.mark.parametrize("num_regions", [1, 2])
def test_every_statistic_is_its_formula(num_references: int, num_regions: int) -> None:
    r, d = predictions((3, 61, 7), num_references=num_references)
    generator = np.random.default_rng(1)
    weights = np.ones((3, num_regions, 61))
    weights[:, 1:] = generator.integers(0, 2, (3, num_regions - 1, 61))
    weights[2, 0, 17:] = 0  # not all bins in the first set either: 17, so that the quartile is a bin's own value
    found = scores_of(r, d, weights)
    for row in range(3):
        for region in range(num_regions):
            chosen = weights[row, region] > 0
            of_r = r[row % num_references][chosen].astype(np.float64)
            of_a = of_r + d[row][chosen]
            for name in STATISTICS:
                expected = direct(name, of_r, of_a)
                # Of signed sums, what float32 loses in one bin is relative to the largest term, not to the sum.
                scale = direct({"SAD": "D1", "SAR": "logD1", "sqrtSAD": "REF"}.get(name, name), of_r, of_a)
                error = np.abs(found[name][row, region] - expected)
                assert (error <= 2e-6 * np.abs(scale)).all(), name


@pytest.mark.parametrize("size", [1e-5, 1e-7, 1e-12, 1e-20])
def test_tiny_differences_are_exact(size: float) -> None:
    r, d = predictions((1, 40, 5), seed=2)
    d = (size * d).astype(np.float32)
    found = scores_of(r, d)
    # To first order, in float64: f(r + d) - f(r) = f'(r) d, and of distributions by their weights r' (see the docs).
    x, dx = r[0].astype(np.float64), d[0].astype(np.float64)
    of_log, of_root = dx / (1 + x) / np.log(2), dx / 2 / np.sqrt(x)

    def divergence(f: np.ndarray, df: np.ndarray) -> np.ndarray:
        padded = f + np.percentile(f, 25, axis=0)
        change = df / padded - df.sum(0) / padded.sum(0)
        return np.asarray((padded / padded.sum(0) * change**2).sum(0) / 2)

    expected = {
        "SAD": dx.sum(0),
        "SAR": of_log.sum(0),
        "SADR": dx.sum(0) / (1 + x.sum(0)) / np.log(2),
        "sqrtSAD": of_root.sum(0),
        "SAX": np.take_along_axis(dx, np.abs(dx).argmax(0)[None], 0)[0],
        "SAXR": np.take_along_axis(of_log, np.abs(of_log).argmax(0)[None], 0)[0],
        "D1": np.abs(dx).sum(0),
        "logD1": np.abs(of_log).sum(0),
        "D2": np.sqrt((dx**2).sum(0)),
        "logD2": np.sqrt((of_log**2).sum(0)),
        "JS": divergence(x, dx),
        "logJS": divergence(np.log2(1 + x), of_log),
        "REF": x.sum(0),
        "ALT": x.sum(0) + dx.sum(0),
    }
    for name in STATISTICS:
        assert expected[name].all(), name
        np.testing.assert_allclose(found[name][0, 0], expected[name], rtol=1e-4, err_msg=name)


def test_equal_alleles_score_exactly_zero() -> None:
    r, d = predictions((2, 30, 4), seed=3)
    found = scores_of(r, np.zeros_like(d))
    for name in STATISTICS:
        if name in ("REF", "ALT"):
            np.testing.assert_allclose(found[name][:, 0], r.sum(1), rtol=1e-6)
        else:
            assert not found[name].any(), name


def test_zeros_in_the_reference_count_what_they_should() -> None:
    r, d = predictions((1, 12, 2), seed=4)
    r[:, 3:9] = d[:, 3:9] = 0  # half of the bins: the pseudo-count of JS is 0, and so is what both predict there
    r[0, :, 1], d[0, :, 1] = 0, 0  # nothing at all
    d[0, 3, 1] = np.float32(-1e-30)  # rounding below nothing is nothing for roots and shares
    found = scores_of(r, d)
    kept = np.r_[0:3, 9:12]
    x = r[0, kept, :1].astype(np.float64)
    a = x + d[0, kept, :1]
    r_share, a_share = x / x.sum(0), a / a.sum(0)
    expected = ((a_share - r_share) * np.log(a_share / r_share)).sum(0) / 2
    np.testing.assert_allclose(found["JS"][0, 0, :1], expected, rtol=1e-5)
    np.testing.assert_allclose(found["sqrtSAD"][0, 0, :1], (np.sqrt(a) - np.sqrt(x)).sum(0), rtol=1e-5)
    for name in ("JS", "logJS", "sqrtSAD"):
        assert found[name][0, 0, 1] == 0, name


def test_a_bin_that_appears_from_nothing_is_infinitely_surprising() -> None:
    r, d = np.ones((1, 8, 1)), np.zeros((1, 8, 1))
    r[0, :4], d[0, 0] = 0, 1
    assert scores_of(r, d)["JS"] == np.inf


@pytest.mark.parametrize("order", [1, -1])
def test_of_equal_magnitudes_the_first_bin_counts(order: int) -> None:
    d = order * np.array([0.5, 2, -2, 2, -1, -2])
    found = scores_of(np.zeros((1, 6, 1)), d[None, :, None] * (d > -1)[None, :, None])
    # With order 1: 0.5, 2, 0, 2 ..., with order -1: 0, 0, 2, 0, 1, 2.
    assert found["SAX"] == 2
    both = scores_of(np.full((1, 6, 1), 3), d[None, :, None])
    assert both["SAX"] == 2 * order
    # With r = 3: log2(1 + 3 + 2) - 2 = 0.58 and log2(1 + 3 - 2) - 2 = -1.
    assert both["SAXR"] == pytest.approx(-1)


def test_only_chosen_bins_count() -> None:
    r, d = predictions((2, 20, 3), seed=6)
    weights = np.zeros((1, 3, 20))
    weights[0, 1, 4:9] = 1
    weights[0, 2, 7] = 1
    found = scores_of(r, d, weights)
    alone = scores_of(r[:, 4:9], d[:, 4:9])
    spoiled_r, spoiled_d = r.copy(), d.copy()
    spoiled_r[:, 12:], spoiled_d[:, 12:] = np.nan, np.inf  # as bins that were never computed might be
    spoiled = scores_of(spoiled_r, spoiled_d, weights)
    for name in STATISTICS:
        assert not found[name][:, 0].any(), name  # no bin at all
        np.testing.assert_allclose(found[name][:, 1], alone[name][:, 0], rtol=2e-6, atol=1e-6, err_msg=name)
        np.testing.assert_array_equal(spoiled[name], found[name], err_msg=name)
    assert not found["JS"][:, 2].any()  # a single bin has its whole share in both
    np.testing.assert_array_equal(found["SAX"][:, 2], d[:, 7])


def test_what_is_not_finite_is_not_hidden() -> None:
    r, d = predictions((1, 9, 2), seed=7)
    d[0, 4, 0] = np.nan
    found = scores_of(r, d)
    for name in set(STATISTICS) - {"REF"}:
        assert not np.isfinite(found[name][0, 0, 0]), name
        assert np.isfinite(found[name][0, 0, 1]), name


LOGARITHMIC = {"SAR", "SAXR", "logD1", "logD2", "JS", "logJS"}


@pytest.mark.parametrize("num_bins", [4, 57, 896])
def test_a_track_alone_has_the_bits_it_has_among_others(num_bins: int) -> None:
    r, d = predictions((3, num_bins, 128), seed=8, num_references=1)
    many = scores_of(r, d)
    for track in (0, 63, 127):
        for row in (0, 2):
            alone = scores_of(r[:, :, track : track + 1], d[row : row + 1, :, track : track + 1])
            for name in STATISTICS:
                expected = many[name][row, 0, track]
                if name in LOGARITHMIC:  # TensorFlow's log1p itself may differ in its last bit with the block's shape
                    np.testing.assert_allclose(alone[name][0, 0, 0], expected, rtol=1e-6, err_msg=name)
                else:
                    assert alone[name][0, 0, 0] == expected, name


def test_in_one_block_no_track_or_allele_depends_on_another() -> None:
    r, d = predictions((3, 57, 65), seed=9, num_references=1)
    others_r, others_d = predictions((3, 57, 65), seed=10, num_references=1)
    others_r[:, :, 64], others_d[:, :, 64] = r[:, :, 64], d[:, :, 64] / 2
    others_d[1, :, 64] = d[1, :, 64]
    first, second = scores_of(r, d), scores_of(others_r, others_d)
    for name in STATISTICS:
        assert first[name][1, 0, 64] == second[name][1, 0, 64], name
        assert (first[name] != second[name]).sum() >= 3 * 64, name


def test_nothing_is_computed_that_was_not_asked_for() -> None:
    r, d = (tf.constant(x) for x in predictions((1, 5, 2)))
    weights = tf.ones((1, 1, 5))

    def operations(name: str) -> set[str]:
        graph = tf.function(lambda r, d, weights: reduce_bins(r, d, weights, [name])).get_concrete_function(
            r, d, weights
        )
        return {operation.type for operation in graph.graph.get_operations()}

    assert not operations("difference") & {"Log1p", "Sqrt", "Max", "TopKV2"}
    assert {"Log1p", "TopKV2"} <= operations("log_divergence")


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
    reducer = next(iter(engine._promoter_reducers.values()))
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
