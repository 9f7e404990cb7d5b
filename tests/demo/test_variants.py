from functools import cache

import numpy as np
import pytest

from enformer_vep.demo.motifs import BASES
from enformer_vep.demo.variants import KINDS, SiteVariant, changed_sites, draw_variants
from enformer_vep.demo.world import (
    HELD_OUT_CONTIGS,
    SITE_COUNTS,
    TRACKS,
    Contig,
    cage_track,
    chip_track,
    expected_counts,
    held_out_contig,
)
from enformer_vep.genome.codes import encode

NUM_OF_KIND = {"break": 16, "create": 16, "silent": 8, "random": 10, "enhancer_break": 6}


@cache
def contigs() -> dict[str, Contig]:
    return {name: held_out_contig(name) for name in HELD_OUT_CONTIGS}


@cache
def variants() -> list[SiteVariant]:
    return draw_variants(list(contigs().values()), NUM_OF_KIND)


def true_sad(variant: SiteVariant) -> dict[str, float]:
    """What the world's rules say of a variant, summed over 60 kb to either side."""
    start = variant.pos - 1
    codes = contigs()[variant.chrom].codes[max(start - 100_000, 0) : start + 100_000].copy()
    reference = expected_counts(codes)
    codes[min(start, 100_000)] = BASES.index(variant.alt)
    return dict(zip(TRACKS, (expected_counts(codes) - reference).sum(axis=0), strict=True))


def test_there_are_as_many_of_each_kind_as_asked_for() -> None:
    kinds = [variant.kind for variant in variants()]
    assert {kind: kinds.count(kind) for kind in KINDS} == NUM_OF_KIND
    assert len({(variant.chrom, variant.pos) for variant in variants()}) == len(kinds)
    broken = [variant.factor for variant in variants() if variant.kind == "break"]
    assert all(broken.count(factor) == 2 for factor in set(broken))
    assert len(set(broken)) == 8


def test_they_are_in_order_and_have_the_references_letters() -> None:
    places = [(list(HELD_OUT_CONTIGS).index(variant.chrom), variant.pos) for variant in variants()]
    assert places == sorted(places)
    for variant in variants():
        assert BASES[contigs()[variant.chrom].codes[variant.pos - 1]] == variant.ref != variant.alt


def test_the_rules_of_the_world_say_the_same_of_each_kind_and_factor() -> None:
    one_of_each = {(variant.kind, variant.factor or variant.chrom): variant for variant in variants()}
    for variant in one_of_each.values():
        sad = true_sad(variant)
        if variant.kind in ("silent", "random"):
            assert max(map(abs, sad.values())) < 1e-6, variant
            continue
        own = {"break": -SITE_COUNTS, "create": SITE_COUNTS, "enhancer_break": -SITE_COUNTS}[variant.kind]
        assert sad[chip_track(variant.factor)] == pytest.approx(own), variant
        others = [sad[track] for track in TRACKS if ":CHIP:" in track and track != chip_track(variant.factor)]
        assert max(map(abs, others)) < 1e-6, variant
        if variant.kind == "enhancer_break":
            assert sad[cage_track(variant.factor)] < -0.5, variant
            assert variant.promoter is not None
            assert 10_000 <= abs(variant.promoter - variant.pos) <= 25_020


def test_changed_sites() -> None:
    codes = encode("ACACACACCAGATAAGGACACACA")
    assert changed_sites(codes, 9, BASES.index("C")) == {"GATA": -1}
    assert changed_sites(codes, 8, BASES.index("G")) == {}
    broken = codes.copy()
    broken[9] = BASES.index("C")
    assert changed_sites(broken, 9, BASES.index("A")) == {"GATA": 1}
    assert changed_sites(codes, 0, BASES.index("G")) == {}


def test_the_same_seed_draws_the_same_and_another_seed_others() -> None:
    small = [held_out_contig("made_up_2")]
    drawn = draw_variants(small, {"random": 5}, seed=1)
    assert drawn == draw_variants(small, {"random": 5}, seed=1)
    assert drawn != draw_variants(small, {"random": 5}, seed=2)


def test_contigs_without_sites_say_so() -> None:
    empty = Contig("empty", np.zeros(200_000, dtype=np.uint8))
    with pytest.raises(ValueError, match="these contigs do not have 1 variants of kind break"):
        draw_variants([empty], {"break": 1})
