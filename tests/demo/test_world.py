from collections.abc import Sequence

import numpy as np
import pytest

from enformer_vep.demo.motifs import FACTOR_BY_NAME, FACTORS
from enformer_vep.demo.world import (
    BACKGROUND_COUNTS,
    CAGE_TRACKS,
    OPEN_TRACK,
    TRACKS,
    TSS_COUNTS,
    expected_counts,
    held_out_contig,
    noisy_counts,
    promoter_heights,
    site_centres,
    training_contig,
)
from enformer_vep.genome.codes import Codes, encode

GATA, TATA = "CAGATAAGGA", "CTATAAAAGG"
EMPTY = "ACACACACACACACAC"


def sequence_with(sites: Sequence[tuple[int, str]], length_bp: int = 2_560) -> Codes:
    """Sequence without any site but these, which are laid so that their middle stands at the position named."""
    codes = encode(EMPTY * (length_bp // len(EMPTY)))
    for centre, site in sites:
        start = centre - len(site) // 2
        codes[start : start + len(site)] = encode(site)
    return codes


def heights(codes: Codes, activator: str) -> np.ndarray:
    promoters, sites = (site_centres(codes, FACTOR_BY_NAME[name]) for name in ("TBP", activator))
    return promoter_heights(promoters, sites)


def test_nothing_but_background_without_sites() -> None:
    counts = expected_counts(sequence_with([]))
    assert counts.shape == (20, len(TRACKS))
    np.testing.assert_allclose(counts, BACKGROUND_COUNTS, atol=1e-12)


def test_a_site_gives_30_counts_spread_over_300_bp() -> None:
    counts = expected_counts(sequence_with([(1_280, GATA)])) - BACKGROUND_COUNTS
    gata, open_chromatin = counts[:, TRACKS.index("DEMO:CHIP:GATA")], counts[:, TRACKS.index(OPEN_TRACK)]
    # 1,130 to 1,430: bins 8 to 11 from 1,024 have 22, 128, 128 and 22 bp of it, at 0.1 a bp.
    np.testing.assert_allclose(gata[8:12], [2.2, 12.8, 12.8, 2.2], atol=1e-9)
    np.testing.assert_allclose(open_chromatin, gata / 3, atol=1e-9)
    assert gata.sum() == pytest.approx(30)
    assert counts.sum() == pytest.approx(40)


def test_an_enhancer_raises_its_own_cell_types_promoters_and_less_from_farther_away() -> None:
    def height(*distances_bp: int) -> float:
        sites = [(60_000 + distance_bp, GATA) for distance_bp in distances_bp]
        return float(heights(sequence_with([(60_000, TATA), *sites], 128_000), "GATA")[0])

    assert height() == TSS_COUNTS
    assert height(20_000) == pytest.approx(TSS_COUNTS + 1.5)  # 2 * (1 - (20 / 40)^2)
    assert height(-20_000) == pytest.approx(height(20_000))
    assert height(20_000, -20_000) == pytest.approx(TSS_COUNTS + 3)
    assert height(5_000) > height(30_000) > height(41_000) == TSS_COUNTS
    codes = sequence_with([(60_000, TATA), (65_000, GATA)], 128_000)
    for activator in ("AP1", "ETS"):
        assert heights(codes, activator).tolist() == [TSS_COUNTS]
    counts = expected_counts(codes)[:, [TRACKS.index(track) for track in CAGE_TRACKS]] - BACKGROUND_COUNTS
    np.testing.assert_allclose(counts.sum(axis=0), [heights(codes, "GATA")[0], TSS_COUNTS, TSS_COUNTS], atol=1e-9)
    # 59,950 to 60,050 lies in bins 468 (59,904 to 60,032) and 469.
    assert np.flatnonzero(counts[:, 0] > 1e-9).tolist() == [468, 469]


def test_contigs_are_the_same_each_time_and_differ() -> None:
    first, second = held_out_contig("made_up_2"), training_contig(0)
    np.testing.assert_array_equal(first.codes, held_out_contig("made_up_2").codes)
    np.testing.assert_array_equal(noisy_counts(first), noisy_counts(held_out_contig("made_up_2")))
    shared = min(len(first.codes), len(second.codes))
    assert 0.2 < np.mean(first.codes[:shared] == second.codes[:shared]) < 0.3
    assert not np.array_equal(second.codes, training_contig(1).codes)


def test_the_world_is_full_of_sites_and_of_what_nearly_is_one() -> None:
    codes = training_contig(3).codes
    gc = np.isin(codes, [1, 2]).mean()
    assert 0.39 < gc < 0.46
    assert (codes[:1_000] == 4).all()
    assert (codes[-1_000:] == 4).all()
    for factor in FACTORS:
        mismatches = factor.mismatches(codes).min(axis=0)
        assert (mismatches == 0).sum() > 50
        assert (mismatches == 1).sum() > 50
    promoters = len(FACTOR_BY_NAME["TBP"].sites(codes))
    assert 80 < promoters < 250


def test_counts_scatter_around_what_is_expected() -> None:
    contig = held_out_contig("made_up_2")
    expected, counts = expected_counts(contig.codes), noisy_counts(contig)
    assert counts.dtype == np.int64
    scatter = (counts - expected) ** 2 / expected  # of Poisson counts, 1 on average
    assert 0.9 < scatter[expected > 1].mean() < 1.1
