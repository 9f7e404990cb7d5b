import pytest

from enformer_vep.genome.allele_classes import AlleleClasses, allele_class


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
