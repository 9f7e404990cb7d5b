import subprocess
import sys
from pathlib import Path

import pysam
import pytest

from enformer_vep.errors import VcfError
from enformer_vep.io.vcf import VcfReader, count_alleles
from tests.support import write_vcf

RECORDS = [
    ("chr2", 100, "rs1", "A", "C"),
    ("chr1", 50, ".", "AT", "A,<DEL>,*"),
    ("1", 7, "x;y", "g", "."),
]
EXPECTED = [
    ("chr2", 100, "rs1", "A", "C", 0, 1),
    ("chr1", 50, ".", "AT", "A", 1, 1),
    ("chr1", 50, ".", "AT", "<DEL>", 1, 2),
    ("chr1", 50, ".", "AT", "*", 1, 3),
    ("1", 7, "x;y", "g", ".", 2, 1),
]


def alleles(path: str) -> list[tuple]:
    reader = VcfReader(path)
    found = [(v.chrom, v.pos, v.id, v.ref, v.alt, v.record, v.allele) for v in reader]
    assert reader.num_records == len({allele[5] for allele in found})
    reader.close()
    return found


def test_every_alt_is_read_in_order(tmp_path: Path) -> None:
    assert alleles(write_vcf(tmp_path / "a.vcf", RECORDS)) == EXPECTED


def test_bgzipped_vcf_and_bcf(tmp_path: Path) -> None:
    plain = write_vcf(tmp_path / "a.vcf", RECORDS, contigs=("chr2", "chr1", "1"))
    pysam.tabix_compress(plain, str(tmp_path / "a.vcf.gz"))
    assert alleles(str(tmp_path / "a.vcf.gz")) == EXPECTED
    with (
        pysam.VariantFile(plain) as source,
        pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=source.header) as bcf,
    ):
        for record in source:
            bcf.write(record)
    assert alleles(str(tmp_path / "a.bcf")) == EXPECTED


def test_standard_input(tmp_path: Path) -> None:
    plain = write_vcf(tmp_path / "a.vcf", RECORDS)
    script = "from enformer_vep.io.vcf import VcfReader\nfor v in VcfReader('-'): print(v.chrom, v.pos, v.alt)"
    with open(plain) as vcf:
        run = subprocess.run([sys.executable, "-c", script], stdin=vcf, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [f"{allele[0]} {allele[1]} {allele[4]}" for allele in EXPECTED]
    assert run.stderr == ""


def test_genotypes_are_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "a.vcf"
    path.write_text(
        '##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\n"
        "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1|1\n"
    )
    assert alleles(str(path)) == [("1", 5, ".", "A", "C", 0, 1)]


def test_a_header_without_records_is_no_error(tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "a.vcf", [])
    assert alleles(path) == []
    assert count_alleles(path) == 0


def test_count_alleles(tmp_path: Path) -> None:
    assert count_alleles(write_vcf(tmp_path / "a.vcf", RECORDS)) == 5
    assert count_alleles("-") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a VCF"),
        (b"chr1\t5\t.\tA\tC\t.\t.\t.\n", "is not a VCF"),
        (b"##fileformat=VCFv4.2\nchr1\t5\t.\tA\tC\t.\t.\t.\n", "has a #CHROM line"),
        (b">chr1\nACGT\n", "is not a VCF"),
        (b"\x00\x01\x02binary", "is not a VCF"),
        (b"BZh91AY&SY", "is not a VCF"),
    ],
)
def test_what_is_not_a_vcf_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.vcf"
    path.write_bytes(content)
    with pytest.raises(VcfError, match=message) as caught:
        list(VcfReader(str(path)))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(VcfError, match="no such file"):
        VcfReader(str(tmp_path / "none.vcf"))
    with pytest.raises(VcfError, match="is a folder"):
        VcfReader(str(tmp_path))


def test_a_cut_bgzip_is_refused(tmp_path: Path) -> None:
    plain = write_vcf(tmp_path / "a.vcf", [("chr1", pos, ".", "A", "C") for pos in range(1, 20_000)])
    pysam.tabix_compress(plain, str(tmp_path / "a.vcf.gz"))
    whole = (tmp_path / "a.vcf.gz").read_bytes()
    (tmp_path / "cut.vcf.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VcfError, match="cut short"):
        list(VcfReader(str(tmp_path / "cut.vcf.gz")))


def test_a_line_that_is_no_record_is_named_by_its_number(tmp_path: Path) -> None:
    path = Path(write_vcf(tmp_path / "a.vcf", RECORDS))
    path.write_text(path.read_text() + "chr1\tnine\n")
    with pytest.raises(VcfError, match="record 4 cannot be read"):
        list(VcfReader(str(path)))


def test_gzip_that_is_not_bgzip_says_what_to_do(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "a.vcf.gz"
    path.write_bytes(gzip.compress(Path(write_vcf(tmp_path / "a.vcf", RECORDS)).read_bytes()))
    with pytest.raises(VcfError, match="expected bgzip; run"):
        list(VcfReader(str(path)))
