"""Genes, the bins of their promoters, and which variants they reach; every number here is worked out by hand."""

import numpy as np
import pytest

from enformer_vep.genome.edit import Edit
from enformer_vep.genome.genes import BinPairs, Gene, GeneIndex, PromoterBins, TssBins, scored_interval, tss_window
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.windows import IndelPolicy
from tests.gtf_files import gene
from tests.support import TINY_CONFIG

GEOMETRY = TINY_CONFIG.geometry
WINDOW = Interval("chr1", 10_000, 13_072)
"""24 bins of 128 bp, of which 4 are cropped at each end: the scored ones are 10,512 to 12,560."""


def bins(*tss: int, width: TssBins = TssBins.THREE) -> list[int]:
    """The bins of a gene for an allele that does not change the length."""
    pairs = PromoterBins(width, IndelPolicy.LEFT, GEOMETRY).pairs(gene(*tss), WINDOW, None)
    assert all(alternate == reference for reference, alternate in pairs.items())
    return sorted(pairs)


def test_the_scored_part_of_a_window() -> None:
    assert scored_interval(WINDOW, GEOMETRY) == Interval("chr1", 10_512, 12_560)


@pytest.mark.parametrize(
    ("tss", "expected"),
    [
        (11_535, [6, 7, 8]),  # the centre, the last base of bin 7
        (11_536, [7, 8, 9]),  # the first base of bin 8
        (10_511, []),  # the base before the scored bins
        (10_512, [0, 1]),  # the first base of bin 0, whose left neighbour is cropped
        (10_639, [0, 1]),  # its last base
        (10_640, [0, 1, 2]),
        (12_559, [14, 15]),  # the last scored base
        (12_560, []),
    ],
)
def test_three_bins_around_a_start(tss: int, expected: list[int]) -> None:
    assert bins(tss) == expected


def test_ten_bins_are_those_of_huang() -> None:
    # In a window of 896 bins they are 443 to 452 around 447: here 3 to 12 around 7.
    assert bins(11_535, width=TssBins.TEN) == list(range(3, 13))
    assert bins(10_512, width=TssBins.TEN) == list(range(6))
    assert bins(12_559, width=TssBins.TEN) == list(range(11, 16))
    official = TssBins.TEN.around(447)
    assert (official[0], official[-1]) == (443, 452)


def test_the_starts_of_a_gene_make_one_set_of_bins() -> None:
    assert bins(10_900, 11_000, 12_000) == [2, 3, 4, 10, 11, 12]  # in bins 3, 3 and 11
    assert bins(11_000, 11_100) == [2, 3, 4, 5]  # in neighbouring bins
    assert bins(9_000, 11_000, 99_000) == [2, 3, 4]  # two of them outside


def test_the_strand_does_not_change_the_bins() -> None:
    promoters = PromoterBins(TssBins.TEN, IndelPolicy.LEFT, GEOMETRY)
    forward, reverse = (promoters.pairs(gene(11_535, strand=strand), WINDOW, None) for strand in "+-")
    assert forward == reverse


def insertion(at: int, length_bp: int) -> Edit:
    return Edit("chr1", at, at, at, bytes(length_bp), at)


def deletion(start: int, length_bp: int) -> Edit:
    return Edit("chr1", start, start + length_bp, start, b"", start + length_bp)


UPSTREAM, DOWNSTREAM = 10_700, 11_500  # in bins 1 and 7


@pytest.mark.parametrize(
    ("policy", "edit", "tss", "expected"),
    [
        # The left flank stays in place: what lies right of an insertion of a bin is a bin further right.
        (IndelPolicy.LEFT, insertion(11_000, 128), DOWNSTREAM, {6: 7, 7: 8, 8: 9}),
        (IndelPolicy.LEFT, insertion(11_000, 128), UPSTREAM, {0: 0, 1: 1, 2: 2}),
        (IndelPolicy.LEFT, deletion(11_000, 256), DOWNSTREAM, {6: 4, 7: 5, 8: 6}),
        # 11,500 is base 92 of its bin: 35 more stay in the bin, 36 do not.
        (IndelPolicy.LEFT, insertion(11_000, 35), DOWNSTREAM, {6: 6, 7: 7, 8: 8}),
        (IndelPolicy.LEFT, insertion(11_000, 36), DOWNSTREAM, {6: 7, 7: 8, 8: 9}),
        # A start that is deleted stands where the deletion is, at 11,400, in bin 6.
        (IndelPolicy.LEFT, deletion(11_400, 300), DOWNSTREAM, {6: 5, 7: 6, 8: 7}),
        # The alternate's bins must be scored too: bin 16 is not.
        (IndelPolicy.LEFT, insertion(11_000, 128 * 8), DOWNSTREAM, {6: 14, 7: 15}),
        (IndelPolicy.LEFT, insertion(11_000, 128 * 20), DOWNSTREAM, {}),
        # Both flanks stay in place.
        (IndelPolicy.TOWER, insertion(11_000, 128), DOWNSTREAM, {6: 6, 7: 7, 8: 8}),
        (IndelPolicy.TOWER, deletion(11_000, 128), DOWNSTREAM, {6: 6, 7: 7, 8: 8}),
        # Longer ones are stitched: of a deletion, the reference has the places of the alternate.
        (IndelPolicy.TOWER, insertion(11_000, 256), DOWNSTREAM, {6: 6, 7: 7, 8: 8}),
        (IndelPolicy.TOWER, deletion(11_000, 256), DOWNSTREAM, {4: 4, 5: 5, 6: 6}),
        (IndelPolicy.STITCH, deletion(11_000, 128), DOWNSTREAM, {5: 5, 6: 6, 7: 7}),
        (IndelPolicy.STITCH, deletion(11_000, 128), UPSTREAM, {0: 0, 1: 1, 2: 2}),
        # Half of the mean has a start at its place, the other half a bin away from it.
        (IndelPolicy.AVERAGE, insertion(11_000, 128), DOWNSTREAM, {6: 6, 7: 7, 8: 8, 9: 9}),
        (IndelPolicy.AVERAGE, insertion(11_000, 128), UPSTREAM, {0: 0, 1: 1, 2: 2}),  # -1 is cropped
    ],
)
def test_a_start_that_an_allele_moves(policy: IndelPolicy, edit: Edit, tss: int, expected: dict[int, int]) -> None:
    assert PromoterBins(TssBins.THREE, policy, GEOMETRY).pairs(gene(tss), WINDOW, edit) == expected


def test_distances_are_those_of_the_gene() -> None:
    forward, reverse = gene(100, 500), gene(100, 500, strand="-")
    assert [forward.distance_bp(position) for position in (90, 100, 120, 480, 600)] == [-10, 0, 20, -20, 100]
    assert [reverse.distance_bp(position) for position in (90, 100, 120, 480, 600)] == [10, 0, -20, 20, -100]
    assert forward.nearest_tss(300) == 100  # of two that are equally near, the left one


def test_the_centre_of_a_gene_is_one_of_its_starts() -> None:
    assert gene(100).centre == 100
    assert gene(100, 200).centre == 100
    assert gene(100, 200, 900).centre == 200


def test_a_gene_needs_a_strand_and_a_start() -> None:
    with pytest.raises(ValueError, match="strand"):
        gene(100, strand=".")
    with pytest.raises(ValueError, match="start"):
        Gene("G", "G", "chr1", "+", (), 0)


def test_genes_that_start_in_an_interval() -> None:
    index = GeneIndex([gene(200, 900, name="B"), gene(100, name="A"), gene(100, name="C", contig="chr2")])
    assert [found.name for found in index.genes] == ["A", "B", "C"]

    def names(start: int, end: int, contig: str = "chr1") -> list[str]:
        return [index.genes[number].name for number in index.with_start_in(Interval(contig, start, end))]

    assert names(0, 1000) == ["A", "B"]  # B once, though both of its transcripts start there
    assert names(100, 101) == ["A"]
    assert names(101, 200) == []
    assert names(900, 901) == ["B"]
    assert names(0, 1000, "chr2") == ["C"]
    assert names(0, 1000, "chr3") == []


def test_a_window_of_the_gene_has_the_whole_variant() -> None:
    # A window of 3,072 bp has its centre at 1,535. A centre at 6,534 begins a window at 4,999, where the variant is;
    # one at 3,463 ends a window at 5,000.
    snv = Variant("chr1", 5_000, "A", "C")
    starts = [3_462, 3_463, 6_534, 6_535]
    index = GeneIndex([gene(start, name=str(start)) for start in starts])
    assert [index.genes[number].tss[0] for number in index.around(snv, "chr1", GEOMETRY)] == [3_463, 6_534]
    window = tss_window(gene(6_534), GEOMETRY)
    assert (window.start, window.end) == (4_999, 4_999 + 3_072)
    assert tss_window(gene(3_463), GEOMETRY).end == 5_000
    long_allele = Variant("chr1", 5_000, "A", "C" * 100)  # 99 bp more must fit in
    assert [index.genes[number].tss[0] for number in index.around(long_allele, "chr1", GEOMETRY)] == [6_534]
    assert index.around(snv, "chr2", GEOMETRY) == []


def test_pairs_of_several_genes_are_padded() -> None:
    pairs = BinPairs.of([{3: 4, 5: 6}, {7: 7}, {}])
    assert pairs.num_genes == 3
    np.testing.assert_array_equal(pairs.numbers, [[[3, 5], [7, -1], [-1, -1]], [[4, 6], [7, -1], [-1, -1]]])
    assert BinPairs.of([]).numbers.shape == (2, 0, 0)
