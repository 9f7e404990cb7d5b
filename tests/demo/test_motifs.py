import numpy as np
import pytest

from enformer_vep.demo.motifs import FACTOR_BY_NAME, FACTORS, Factor
from enformer_vep.genome.codes import encode, reverse_complement


@pytest.mark.parametrize(
    ("sequence", "starts"),
    [
        ("TTCAGATAAGGATT", [2]),  # SAGATAAGGR
        ("TTGAGATAAGGGTT", [2]),
        ("AATCCTTATCTGAA", [2]),  # the reverse complement of the first
        ("TTCAGATAAGGCTT", []),  # C is not R
        ("TTCAGACAAGGATT", []),
        ("TTCAGANAAGGATT", []),  # N is no base
        ("CAGATAAGGACAGATAAGGA", [0, 10]),
        ("CAGATAAGG", []),  # shorter than a site
        ("", []),
    ],
)
def test_sites_of_gata(sequence: str, starts: list[int]) -> None:
    assert FACTOR_BY_NAME["GATA"].sites(encode(sequence)).tolist() == starts


def test_a_site_that_reads_both_ways_counts_once() -> None:
    codes = encode("AAATGACTCATTT")  # ATGASTCAT: ATGAGTCAT on the other strand
    assert FACTOR_BY_NAME["AP1"].sites(codes).tolist() == [2]


def test_mismatches_are_counted_on_both_strands() -> None:
    factor = Factor("toy", "ACR")
    # At 0: ACT against ACR, 1 mismatch; against its reverse complement YGT, C in the place of G and A of Y: 2.
    # At 1: CTG against ACR: C for A, T for C: 2; against YGT: T for G, G for T: 2.
    assert factor.mismatches(encode("ACTG")).tolist() == [[1, 2], [2, 2]]


def test_the_other_strand_has_the_same_sites() -> None:
    codes = np.random.default_rng(1).integers(0, 4, 300_000).astype(np.uint8)
    for factor in FACTORS:
        forward = factor.sites(codes)
        backward = len(codes) - factor.length_bp - factor.sites(reverse_complement(codes))
        assert forward.tolist() == sorted(backward.tolist())
