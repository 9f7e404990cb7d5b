"""Variants that a command names."""

import subprocess
import sys
from pathlib import Path

import pytest

from enformer_vep.errors import InputError, VcfError
from enformer_vep.run.arguments import is_variant, read_variants


def test_variants_and_files_are_read_in_their_order(tmp_path: Path) -> None:
    vcf = tmp_path / "two.vcf"
    vcf.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\trs5\tA\tG,T\n1\t9\t.\tC\t<DEL>\n")
    found = read_variants(["chr1:1:A:T", str(vcf), "HLA:2:7:G:C,CA"], 10)
    fields = [(a.variant.chrom, a.variant.pos, a.variant.ref, a.variant.alt, a.record, a.allele) for a in found]
    assert fields == [
        ("chr1", 1, "A", "T", 0, 1),
        ("1", 5, "A", "G", 1, 1),
        ("1", 5, "A", "T", 1, 2),
        ("1", 9, "C", "<DEL>", 2, 1),
        ("HLA:2", 7, "G", "C", 3, 1),
        ("HLA:2", 7, "G", "CA", 3, 2),
    ]


@pytest.mark.parametrize("text", ["chr1:1000:A:G", "chr1-1000-A-G", "chr1_1000_A_G", "chr1:1000 A>G"])
def test_the_usual_ways_to_write_a_variant(text: str) -> None:
    assert is_variant(text)
    (allele,) = read_variants([text], 1)
    assert (str(allele.variant), allele.id) == ("chr1:1000 A>G", ".")


def test_what_is_neither_a_variant_nor_a_file() -> None:
    with pytest.raises(VcfError, match="'chr1:1000' is neither a variant nor a file: expected chr:pos:ref:alt"):
        read_variants(["chr1:1000"], 1)


def test_too_many_and_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected at most 2 alleles, found more: choose fewer"):
        read_variants(["1:5:A:C", "1:5:A:G", "1:5:A:T"], 2)
    empty = tmp_path / "empty.vcf"
    empty.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n")
    with pytest.raises(InputError, match="expected at least one variant, found none"):
        read_variants([str(empty)], 2)


def test_standard_input_is_read() -> None:
    code = "from enformer_vep.run.arguments import read_variants as read; print(*read(['1:5:A:C', '-'], 9))"
    text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\trs5\tA\tG,T\n"
    run = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    assert run.stdout == "1:5 A>C 1:5 A>G 1:5 A>T\n"
