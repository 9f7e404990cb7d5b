"""Folders that are named after variants."""

import pytest

from enformer_vep.genome.variant import Variant
from enformer_vep.io.folder_names import FolderNames

LONG = "HLA:" + "x" * 300


@pytest.mark.parametrize(
    ("variant", "name"),
    {
        "plain": (Variant("chr1", 5, "a", "G"), "chr1_5_A_G"),
        "long": (Variant("chr1", 5, "A", "ACGTACGTT" + "A" * 20), "chr1_5_A_ACGTACGT-29bp"),
        "just short enough": (Variant("chr1", 5, "A", "A" * 20), f"chr1_5_A_{'A' * 20}"),
        "contig with other letters": (Variant("HLA:A*01/02", 5, "A", "G"), "HLA-A-01-02_5_A_G"),
        "long contig": (Variant(LONG, 5, "A", "G"), f"HLA-{'x' * 96}_5_A_G"),
        "dots": (Variant("..", 5, "A", "G"), "-_5_A_G"),
    }.values(),
)
def test_names_are_readable_and_safe(variant: Variant, name: str) -> None:
    assert FolderNames().name(variant) == name


def test_no_name_is_given_twice_whatever_its_case() -> None:
    names = FolderNames()
    variants = [("chr1", "A"), ("CHR1", "A"), ("chr1", "a"), ("chr1", "A")]
    found = [names.name(Variant(chrom, 5, ref, "G")) for chrom, ref in variants]
    assert found == ["chr1_5_A_G", "CHR1_5_A_G_2", "chr1_5_A_G_3", "chr1_5_A_G_4"]
