"""Damaged bytes of BCF are found, wherever they are."""

from pathlib import Path

import pysam.bcftools
import pytest

from enformer_vep.errors import DamagedVcfError, VcfError
from enformer_vep.io.vcf.annotated_bcf import RawBcfRecord, annotate_bcf, float_entry, text_entry
from enformer_vep.io.vcf.annotations import Annotations, Declarations, InfoField
from tests.support import write_vcf

SHARED = (
    b"\x00\x00\x00\x00\x63\x00\x00\x00\x01\x00\x00\x00\x01\x00\x80\x7f"  # contig 0, position 100, 1 bp, no QUAL
    b"\x02\x00\x02\x00\x00\x00\x00\x00"  # two alleles, two entries of INFO
    b"\x07\x17A\x17C\x11\x00"  # no ID, A and C, PASS
    b"\x11\x01\x00"  # a flag, number 1
    b"\x11\x02\x31\x01\x02\x03"  # three integers, number 2
)


def test_a_record_is_read_and_edited() -> None:
    record = RawBcfRecord(SHARED)
    assert (record.rid, record.pos, record.rlen, record.ref, record.alts) == (0, 100, 1, b"A", [b"C"])
    assert record.with_info(set(), []) == SHARED
    new = record.with_info({1}, [text_entry(200, b"x" * 300), float_entry(3, [b".", b"0.1"])])
    assert new[:16] + new[18:32] == SHARED[:16] + SHARED[18:32]
    assert new[16] == 3
    assert new[31:] == (
        b"\x11\x02\x31\x01\x02\x03"
        b"\x12\xc8\x00\xf7\x12\x2c\x01" + b"x" * 300 + b"\x11\x03\x25\x01\x00\x80\x7f\xcd\xcc\xcc\x3d"
    )


@pytest.mark.parametrize("size", range(len(SHARED)))
def test_a_record_that_is_cut_is_damaged(size: int) -> None:
    with pytest.raises(ValueError, match="its bytes are not those of a record"):
        RawBcfRecord(SHARED[:size])


def test_a_file_that_is_cut_is_damaged(tmp_path: Path) -> None:
    vcf = write_vcf(tmp_path / "input.vcf", [("chr1", 5, ".", "A", "C"), ("chr1", 6, ".", "A", "C")], contigs=("chr1",))
    bcf = tmp_path / "input.bcf"
    pysam.bcftools.view("--no-version", "-O", "u", "-o", str(bcf), vcf, catch_stdout=False)
    with pysam.BGZFile(str(bcf)) as file:
        data = file.read()
    found = {}
    for size in range(len(data)):
        bcf.write_bytes(data[:size])
        found[size] = outcome(bcf)
    refused = [size for size, each in found.items() if isinstance(each, VcfError)]
    # What ends with the header or a record may be a whole file: only bgzip has an end.
    assert [found[size] for size in found if size not in refused] == [0, 1]
    assert all(isinstance(found[size], DamagedVcfError) for size in refused[-20:])


def outcome(bcf: Path) -> int | VcfError:
    """The number of records that are annotated, or the error."""
    declarations = Declarations((InfoField("ENFORMER", "String", "x"),), "##enformer_vep=<ID=ENFORMER>", "1")
    none = Annotations(iter(()), is_complete=False, name="scores")
    written: list[bytes] = []
    try:
        return annotate_bcf(str(bcf), declarations, none, written.append).num_records
    except VcfError as error:
        return error
