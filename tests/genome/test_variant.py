import pytest

from enformer_vep.errors import SkipReason
from enformer_vep.genome.variant import AlleleClasses, Interval, abbreviate, allele_class, check_alleles
from tests.support import variant


def test_positions() -> None:
    deletion = variant(ref="ACGT", alt="A", pos=100)
    assert (deletion.start, deletion.end) == (99, 103)


@pytest.mark.parametrize(
    ("alt", "reason"),
    [
        (".", SkipReason.NO_ALT),
        ("", SkipReason.NO_ALT),
        ("*", SkipReason.SPANNING_DELETION),
        ("<DEL>", SkipReason.SYMBOLIC_ALT),
        ("<*>", SkipReason.SYMBOLIC_ALT),
        ("<NON_REF>", SkipReason.SYMBOLIC_ALT),
        ("A[chr2:100[", SkipReason.BREAKEND),
        ("]chr2:100]A", SkipReason.BREAKEND),
        (".A", SkipReason.BREAKEND),
        ("A.", SkipReason.BREAKEND),
        ("N", SkipReason.INVALID_ALT),
        ("AR", SkipReason.INVALID_ALT),
        ("A C", SkipReason.INVALID_ALT),
        ("ACGTA", SkipReason.ALLELE_TOO_LONG),
    ],
)
def test_alts_that_cannot_be_placed(alt: str, reason: SkipReason) -> None:
    problem = check_alleles(variant(alt=alt), max_allele_bp=4)
    assert problem is not None
    assert problem[0] is reason
    assert problem[1]


@pytest.mark.parametrize("alt", ["C", "a", "ACGT", "acgt"])
def test_plain_alts_can_be_placed(alt: str) -> None:
    assert check_alleles(variant(alt=alt), max_allele_bp=4) is None


@pytest.mark.parametrize(("ref", "reason"), [(".", SkipReason.INVALID_REF), ("A-", SkipReason.INVALID_REF)])
def test_refs_that_are_no_sequence(ref: str, reason: SkipReason) -> None:
    problem = check_alleles(variant(ref=ref), max_allele_bp=4)
    assert problem is not None
    assert problem[0] is reason


def test_a_long_ref_is_too_long_as_well() -> None:
    assert check_alleles(variant(ref="ACGT", alt="A"), max_allele_bp=4) is None
    problem = check_alleles(variant(ref="ACGTA", alt="A"), max_allele_bp=4)
    assert problem == (SkipReason.ALLELE_TOO_LONG, "the allele has 5 bp, but the window has room for 4 bp")


def test_long_alleles_are_abbreviated() -> None:
    assert abbreviate("ACGT") == "ACGT"
    assert abbreviate("A" * 100) == "AAAAAAAAAAAAAAAA...(100 bp)"


def test_an_interval_does_not_end_before_it_starts() -> None:
    assert Interval("chr1", -5, 5).length == 10
    with pytest.raises(ValueError, match="chr1:5-4"):
        Interval("chr1", 5, 4)


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        ("A", "C", "snv"),
        ("AT", "AC", "snv"),  # in longer words
        ("GAT", "GCT", "snv"),
        ("A", "AT", "insertion"),
        ("CAT", "CAAT", "insertion"),
        ("AT", "A", "deletion"),
        ("CAAT", "CAT", "deletion"),
        ("AT", "GC", "other"),
        ("AT", "CGG", "other"),
        ("A", "A", "other"),
        ("a", "A", "other"),
        ("at", "AC", "snv"),
    ],
)
def test_classes(ref: str, alt: str, expected: str) -> None:
    assert allele_class(ref, alt) == expected


def test_counts() -> None:
    found = AlleleClasses.count([("A", "C"), ("A", "AT"), ("A", "G"), ("AT", "GC")])
    assert found == AlleleClasses(snv=2, insertion=1, deletion=0, other=1)
    assert (found + found).total == 8
    assert str(found) == "2 SNVs, 1 insertion, 1 other"
