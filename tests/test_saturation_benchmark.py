"""The sites of benchmarks/saturation_truth.py are what it says, and are judged rightly."""

import numpy as np
import pytest

from benchmarks.saturation_truth import FLANK_BP, Site, judge, report, strongest_sites
from enformer_vep.demo.motifs import FACTOR_BY_NAME, FACTORS
from enformer_vep.demo.world import held_out_contig
from enformer_vep.genome.codes import encode


@pytest.fixture(scope="module")
def ap1() -> tuple[Site, np.ndarray]:
    """ATGASTCAT between two flanks, and the codes of its contig."""
    return Site(FACTOR_BY_NAME["AP1"], FLANK_BP), encode("A" * FLANK_BP + "ATGACTCAT" + "C" * FLANK_BP)


def test_the_strongest_sites_are_sites_of_every_factor_in_turn() -> None:
    contig = held_out_contig("made_up_2")
    sites = strongest_sites(contig, 50)
    assert len({(site.factor.name, site.start) for site in sites}) == 50
    assert [site.factor for site in sites[:8]] == list(FACTORS)
    for site in sites:
        # There is the site, in the middle, and no other of its factor.
        assert site.factor.sites(contig.codes[site.region]).tolist() == [FLANK_BP]


def test_which_letters_break_a_site(ap1: tuple[Site, np.ndarray]) -> None:
    site, codes = ap1
    breaks = site.breaks(codes)
    assert not breaks[:FLANK_BP].any()
    assert not breaks[-FLANK_BP:].any()
    of_site = breaks[FLANK_BP:-FLANK_BP]
    assert of_site.sum(axis=1).tolist() == [3, 3, 3, 3, 2, 3, 3, 3, 3]  # S is C or G
    assert of_site[4].tolist() == [True, False, False, True]
    assert of_site[0].tolist() == [False, True, True, True]


def test_effects_are_judged_by_hand_numbers(ap1: tuple[Site, np.ndarray]) -> None:
    site, codes = ap1
    breaks = site.breaks(codes)
    effects = np.where(breaks, np.float32(-30), np.float32(0.5))
    effects[np.arange(len(codes)), codes] = 0
    judged = judge(breaks, codes, effects)
    assert (judged.is_recovered, judged.auroc, judged.share_lowered, judged.size) == (True, 1.0, 1.0, 60.0)
    worse = effects.copy()
    worse[0, 1:] = -50  # a base of the flank comes before all of the site
    judged = judge(breaks, codes, worse)
    num_others = 3 * len(codes) - breaks.sum()
    assert not judged.is_recovered
    assert judged.auroc == pytest.approx(1 - 3 / num_others)
    turned = judge(breaks, codes, -effects)
    assert (turned.is_recovered, turned.auroc, turned.share_lowered) == (False, 0.0, 0.0)
    lines = report([site], [judge(breaks, codes, effects)])
    assert lines[-1] == "| all | 1 | 1 | 1.000, 1.000 | 100.0% | 60 |"
