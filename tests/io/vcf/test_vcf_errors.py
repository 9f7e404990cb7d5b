"""Files that are no VCF, and VCFs that are damaged: one line of error each."""

import gzip
from contextlib import closing
from pathlib import Path

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.errors import DamagedVcfError, VcfError
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.reader import VcfReader, survey_vcf
from tests.io.vcf.vcf_files import HEADER, RECORD, RECORDS, read_all, write, write_bcf
from tests.support import write_vcf

REFUSED = {
    "empty": (b"", "is empty"),
    "empty gzip": (gzip.compress(b""), "is empty"),
    "neither header nor variants": (b"chr1\t5\t.\tA\tdog\n", "is not a VCF: expected a first line '##fileformat=VCF"),
    "start and end": (b"chr1\t5\t6\tA\tC\n", "is not a VCF"),
    "three columns": (b"chr1\t5\t6\n", "is not a VCF"),
    "commas": (b"chr1,5,.,A,C\n", "is not a VCF"),
    "the header of another table": (b"##source=x\n" + RECORD, "is not a VCF"),
    "rsIDs": (b"rs123\nrs4\n", "list of rsIDs.*bcftools view -i"),
    "rsIDs below a title": (b"rsid\nrs123\n", "list of rsIDs.*bcftools view -i"),
    "VCF 3.3": (HEADER.replace(b"4.2", b"3.3") + RECORD, "is VCF 3.3, .*expected VCF 4.0 or later; .*vcf-convert"),
    "VCF 3.2": (b"##format=VCFv3.2\n" + RECORD, "is VCF 3.2"),
    "another first line": (b"\n" + HEADER, "is not a VCF"),
    "no #CHROM line": (
        b"##fileformat=VCFv4.2\n" + RECORD.replace(b"A", b"<X>"),
        "line 2: expected a #CHROM line before",
    ),
    "nothing after the first line": (b"##fileformat=VCFv4.2\n", "has no #CHROM line"),
    "spaces": (HEADER.replace(b"\t", b" "), "line 2: .*separated by tabs, found 1.*separate the columns with tabs"),
    "4 columns": (HEADER[: HEADER.index(b"\tALT")] + b"\n", "line 2: .*at least 8 columns"),
    "columns in another order": (HEADER.replace(b"REF\tALT", b"ALT\tREF"), "expected column REF, found 'ALT'"),
    "FASTA": (b">chr1\nACGT\n", "found FASTA"),
    "binary": (b"\x00\x01\x02binary", "is not a VCF"),
    "bzip2": (b"BZh91AY&SY", "run 'bunzip2'"),
    "zip": (b"PK\x03\x04", "run 'unzip'"),
    "BAM": (gzip.compress(b"BAM\x01..."), "found BAM"),
    "gzip of text": (gzip.compress(b"some text\n"), "found 'some text'"),
    "returns alone": (HEADER.replace(b"\n", b"\r"), "carriage returns"),
    "byte order mark": (b"\xef\xbb\xbf" + HEADER, "byte order mark.*without BOM"),
    "UTF-16": (HEADER.decode().encode("utf-16"), "is not a VCF"),
    "BCF of version 1": (b"BCF\x04" + bytes(50), "is BCF 1: expected BCF 2.2 or VCF; convert it"),
    "BCF 2.1": (b"BCF\x02\x01" + bytes(50), "is BCF 2.1: expected BCF 2.2 or VCF; convert it .*gatk"),
    "BCF 2.0 in gzip": (gzip.compress(b"BCF\x02\x00" + bytes(50)), "is BCF 2.0: expected BCF 2.2"),
    "BCF and nothing more": (b"BCF", "its version is unknown"),
    "BCF without its header": (b"BCF\x02\x02" + b"\xff" * 50, "is a BCF that cannot be read"),
    "BCF in gzip": (gzip.compress(b"BCF\x02\x02" + bytes(50)), "is a BCF that cannot be read"),
    "a long line": (b"x" * 5000, "is not a VCF"),
    "long lines of letters": ((b"x" * 5000 + b"\n") * 5, "is not a VCF"),
    "long lines of marks": ((b"1-1-A-" * 5000 + b"\n") * 5, "is not a VCF"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_a_vcf_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf", content)
    with pytest.raises(VcfError, match=message) as caught:
        VcfReader(path)
    assert caught.value.exit_code == 2
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(path)
    with pytest.raises(VcfError, match=r"^NAME "):
        VcfReader(path, name="NAME")


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(VcfError, match="no such file"):
        VcfReader(str(tmp_path / "none.vcf"))
    with pytest.raises(VcfError, match="is a folder"):
        VcfReader(str(tmp_path))


@pytest.mark.parametrize("kind", ["vcf.gz", "gz", "bcf"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "no end", "more"])
def test_damage_says_what_was_read(kind: str, damage: str, tmp_path: Path) -> None:
    plain = write_vcf(
        tmp_path / "a.vcf", [("chr1", pos, f"rs{pos * pos}", "A", "C") for pos in range(1, 20_000)], contigs=("chr1",)
    )
    path = tmp_path / f"a.{kind}"
    if kind == "bcf":
        write_bcf(path, plain)
    elif kind == "gz":
        write(path, gzip.compress(Path(plain).read_bytes()))
    else:
        pysam.tabix_compress(plain, str(path))
    whole = path.read_bytes()
    content = bytearray(whole)
    if damage == "flipped":
        content[len(whole) * 3 // 4] ^= 4
    content = {"cut": content[: len(whole) // 2], "no end": content[:-28], "more": content + b"more"}.get(
        damage, content
    )
    path.write_bytes(content)
    with pytest.raises(DamagedVcfError) as caught:
        read_all(path)
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(DamagedVcfError):
        survey_vcf(str(path))
    if kind != "bcf" or damage == "flipped":
        read = []
        with (
            closing(VcfReader(str(path))) as reader,
            pytest.raises(DamagedVcfError, match=r"; [\d,]+ records before") as caught,
        ):
            read.extend(allele for allele in reader)
        assert f"; {len(read):,} records before" in str(caught.value)
        if kind != "gz" or damage != "flipped":  # gzip has one checksum, at its end
            assert [allele.variant.pos for allele in read] == list(range(1, len(read) + 1))
        assert len(read) > 1000


@settings(deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"##fileformat=VCF", HEADER, HEADER + RECORD, b"BCF\x02\x02", b"\x1f\x8b\x08"]),
    st.sampled_from([bytes, gzip.compress]),
)
def test_any_bytes_are_variants_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes, compress
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "bytes", compress(start + data))
    try:
        found = read_all(path)
    except VcfError as error:
        message = str(error)
    else:
        message = ""
        assert all(isinstance(allele, VcfAllele) for allele in found)
    assert "\n" not in message


def test_a_damaged_bcf_is_closed_without_a_word(tmp_path: Path) -> None:
    # Found by tests/fuzz_vcf.py: htslib fails once more when what it failed to read is closed.
    plain = write_vcf(tmp_path / "a.vcf", RECORDS, contigs=("chr2", "chr1", "1"))
    whole = Path(write_bcf(tmp_path / "a.bcf", plain, "wu")).read_bytes()
    for size in range(5, len(whole)):
        try:
            read_all(write(tmp_path / "cut.bcf", whole[:size]))
        except VcfError:
            continue
        assert size > len(whole) - 300  # at the end of a record, where nothing tells that more are missing
