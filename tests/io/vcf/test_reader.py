"""What is read of a VCF: every ALT in order, fields as they stand, and lines that are no record.

The pass over a VCF before a run counts everything, looks at every contig, and samples evenly.
"""

import gzip
import os
import re
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.io.vcf.reader import Survey, VcfReader, survey_alleles, survey_vcf
from enformer_vep.io.vcf.selection import Selection
from tests.io.vcf.vcf_files import EXPECTED, HEADER, RECORD, RECORDS, alleles, read_all, write, write_bcf
from tests.support import write_vcf


def test_every_alt_is_read_in_order(tmp_path: Path) -> None:
    assert alleles(write_vcf(tmp_path / "a.vcf", RECORDS)) == EXPECTED


def test_every_kind_of_file(tmp_path: Path) -> None:
    plain = write_vcf(tmp_path / "a.vcf", RECORDS, contigs=("chr2", "chr1", "1"))
    content = Path(plain).read_bytes()
    pysam.tabix_compress(plain, str(tmp_path / "bgzip"))
    half = len(content) // 2
    for path in (
        tmp_path / "bgzip",
        write(tmp_path / "gzip", gzip.compress(content)),
        write(tmp_path / "members.vcf", gzip.compress(content[:half]) + gzip.compress(content[half:])),
        write(tmp_path / "plain.vcf.gz", content),
        write(tmp_path / "crlf.vcf", content.replace(b"\n", b"\r\n")),
        write(tmp_path / "no_end.vcf", content[:-1]),
        write(tmp_path / "blank_lines.vcf", content.replace(b"\nchr", b"\n\nchr") + b"\n\n"),
        write_bcf(tmp_path / "a.bcf", plain),
        write_bcf(tmp_path / "uncompressed.bcf", plain, "wu"),
    ):
        assert alleles(path) == EXPECTED, path


def test_the_header_of_a_file_that_was_joined_to_another_is_no_record(tmp_path: Path) -> None:
    found = read_all(write(tmp_path / "a", (HEADER + RECORD) * 2 + b"x\n"))
    assert [allele.record for allele in found] == [0, 1, 2]
    assert found[-1].malformed.startswith("line 7 ")


@pytest.mark.parametrize("version", ["4.0", "4.1", "4.2", "4.3", "4.4", "4.5"])
def test_versions(version: str, tmp_path: Path) -> None:
    assert len(read_all(write(tmp_path / "a", HEADER.replace(b"4.2", version.encode()) + RECORD))) == 1


def test_info_and_genotypes_are_not_looked_at(tmp_path: Path) -> None:
    samples = b"\t".join(b"s%d" % number for number in range(3000))
    content = (
        HEADER[:-1] + b"\tFORMAT\t" + samples + b"\nchr1\t5\t.\tA\tC\tNaN\tundeclared\tX=\xff\xfe;" + b"y" * 2_000_000
    )
    path = write(tmp_path / "a", content + b"\tGT" + b"\tno genotype" * 3000 + b"\nchr1\t6\t.\tA\tC\n")
    assert [(found.variant.pos, found.malformed) for found in read_all(path)] == [(5, ""), (6, "")]


def test_fields_as_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "a", HEADER + b"\xff\t007\t\xc3\xa4\tn\tA,,C,<*>\t.\t.\t.\n" + b"1\t0\t\tA\t\t.\t.\t.\n")
    assert alleles(path) == [
        ("\udcff", 7, "ä", "n", "A", 0, 1),
        ("\udcff", 7, "ä", "n", "", 0, 2),
        ("\udcff", 7, "ä", "n", "C", 0, 3),
        ("\udcff", 7, "ä", "n", "<*>", 0, 4),
        ("1", 0, "", "A", "", 1, 1),
    ]


@pytest.mark.parametrize(
    ("line", "reason", "read"),
    [
        (b"chr1\tnine\trs1\tA\tC,G\t.\t.\t.", "POS is 'nine', expected a whole number", ("chr1", 0, "rs1", "A", "C,G")),
        (b"chr1\t-5\t.\tA\tC", "POS is '-5'", ("chr1", 0, ".", "A", "C")),
        (b"chr1\t1_0\t.\tA\tC", "POS is '1_0'", ("chr1", 0, ".", "A", "C")),
        (b"chr1\t 5\t.\tA\tC", "POS is ' 5'", ("chr1", 0, ".", "A", "C")),
        (b"chr1\t\t.\tA\tC", "POS is ''", ("chr1", 0, ".", "A", "C")),
        (b"chr1\t9007199254740993\t.\tA\tC", "from 0 to 9007199254740992", ("chr1", 0, ".", "A", "C")),
        (b"chr1\t" + b"9" * 5000 + b"\t.\tA\tC", "POS is '999", ("chr1", 0, ".", "A", "C")),
        (b"\t5\t.\tA\tC", "CHROM is empty", (".", 5, ".", "A", "C")),
        (b"chr1\t5\t.\t\tC", "REF is empty", ("chr1", 5, ".", ".", "C")),
        (b"chr1\t5\t.\tA", "at least 5 columns separated by tabs, found 4", ("chr1", 5, ".", "A", ".")),
        (b"chr1 5 . A C", "found 1", ("chr1 5 . A C", 0, ".", ".", ".")),
        (b"\tx\t\t\t", "CHROM is empty; POS is 'x', expected a whole number .*; REF is empty", (".", 0, ".", ".", ".")),
        (b"\x00\xff", "found 1", ("\x00\udcff", 0, ".", ".", ".")),
    ],
)
def test_a_line_that_is_no_record(line: bytes, reason: str, read: tuple, tmp_path: Path) -> None:
    path = write(tmp_path / "a", HEADER + RECORD + b"\n" + line + b"\n" + RECORD)
    before, found, after = read_all(path)
    assert (before.malformed, after.malformed, after.record) == ("", "", 2)
    assert found.fields == (*read, 1, 1)
    assert found.malformed.startswith("line 5 is not a VCF record: ")
    assert re.search(reason, found.malformed)
    assert len(found.malformed) < 250


def test_the_greatest_position(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a", HEADER + b"chr1\t9007199254740992\t.\tA\tC\n" + b"chr1\t" + b"0" * 5000 + b"7\t.\tA\tC\n"
    )
    assert [(found.variant.pos, found.malformed) for found in read_all(path)] == [(2**53, ""), (7, "")]


def test_a_header_without_records_is_no_error(tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "a.vcf", [])
    assert alleles(path) == []
    assert survey_vcf(path) == Survey(0, 0, 0, ())
    assert alleles(write(tmp_path / "b", HEADER[:-1])) == []


def test_pipes(tmp_path: Path) -> None:
    plain = write_vcf(tmp_path / "a.vcf", RECORDS, contigs=("chr2", "chr1", "1"))
    pysam.tabix_compress(plain, str(tmp_path / "a.vcf.gz"))
    write_bcf(tmp_path / "a.bcf", plain)
    for name in ("a.vcf", "a.vcf.gz", "a.bcf"):
        os.mkfifo(tmp_path / f"{name}.pipe")
        content = (tmp_path / name).read_bytes()
        writer = threading.Thread(target=(tmp_path / f"{name}.pipe").write_bytes, args=(content,))
        writer.start()
        assert alleles(tmp_path / f"{name}.pipe") == EXPECTED
        writer.join()


FIELD = st.text(st.sampled_from("ACGTN.,*<>[]:chr1290-#x \u00e4\x00"), max_size=6)

LINE = st.lists(FIELD | st.sampled_from(["chr1", "5", "A", "C,G"]), max_size=9).map("\t".join)


@settings(deadline=None)
@given(lines=st.lists(LINE, max_size=8), line_end=st.sampled_from(["\n", "\r\n"]), is_compressed=st.booleans())
def test_any_text_after_a_good_header(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], line_end: str, *, is_compressed: bool
) -> None:
    content = HEADER + "".join(line + line_end for line in lines).encode()
    path = write(tmp_path_factory.getbasetemp() / "any", gzip.compress(content) if is_compressed else content)
    found = read_all(path)
    data_lines = [(number, line) for number, line in enumerate(lines, start=3) if line and line[0] != "#"]
    assert {allele.record for allele in found} == set(range(len(data_lines)))
    expected = 0
    for allele in found:
        number, line = data_lines[allele.record]
        fields = line.split("\t")
        variant = allele.variant
        if allele.malformed:
            assert allele.malformed.startswith(f"line {number} ")
            expected += 1
        else:
            assert [variant.chrom, str(variant.pos), allele.id, variant.ref] == [
                fields[0],
                fields[1].lstrip("0") or "0",
                *fields[2:4],
            ]
            assert variant.alt == fields[4].split(",")[allele.allele - 1]
            expected += allele.allele == 1
    assert expected == len(data_lines)


def test_reading_from_an_allele_on_gives_what_follows_it(tmp_path: Path) -> None:
    declared = write_vcf(tmp_path / "declared.vcf", RECORDS, contigs=("chr2", "chr1", "1"))
    plain = write(tmp_path / "plain.vcf", Path(declared).read_bytes() + b"no record\n")
    listed = write(tmp_path / "list.txt", b"chr1:5:A:C\nno variant\nchr2:7:G:GA\nchr2:8:G:T\n")
    bcf = write_bcf(tmp_path / "declared.bcf", declared)
    one_contig = Selection.from_options(["chr1"], pass_only=False, include_id_file=None)
    for path, selection in [(plain, None), (plain, one_contig), (listed, None), (bcf, None)]:
        whole = read_all(path, selection)
        for first in range(len(whole) + 2):
            with closing(VcfReader(path, selection, first_allele=first)) as reader:
                assert list(reader) == whole[first:], (path, first)
                assert reader.num_alleles == len(whole)
                assert reader.num_records - reader.num_records_left_out == len({allele.record for allele in whole})


def snv(contig: str, pos: int, alt: str = "C") -> tuple[str, int, str, str, str]:
    return contig, pos, ".", "A", alt


@pytest.mark.parametrize("num_alleles", [0, 1, 5, 6, 10, 11, 12, 1000])
def test_every_second_fourth_or_eighth_allele_is_sampled(num_alleles: int, tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "a.vcf", [("chr1", pos, ".", "A", "C") for pos in range(num_alleles)])
    survey = survey_vcf(path, sample_size=5)
    positions = [variant.pos for variant in survey.sample]
    assert (survey.num_records, survey.num_alleles, survey.num_records_left_out) == (num_alleles, num_alleles, 0)
    assert min(num_alleles, 3) <= len(positions) <= 5
    if len(positions) > 1:
        stride = positions[1]
        assert positions == list(range(0, num_alleles, stride))
    assert survey == survey_vcf(path, sample_size=5)


def test_counts_are_those_of_reading_every_allele(tmp_path: Path) -> None:
    records = [snv(f"chr{1 + i // 700}", 1 + i, ("C", "C,G", "<DEL>", "N,*,T")[i % 4]) for i in range(2000)]
    path = write_vcf(tmp_path / "a.vcf", records)
    survey = survey_vcf(path, sample_size=10)
    alleles = read_all(path)
    assert (survey.num_records, survey.num_alleles) == (2000, len(alleles))
    assert survey.contigs == {"chr1", "chr2", "chr3"}


def test_the_sample_is_spread_evenly_over_the_plain_alleles(tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "a.vcf", [snv("chr1", 1 + i, ("C", "<DEL>")[i % 3 == 1]) for i in range(3000)])
    sample = survey_vcf(path, sample_size=100).sample
    steps = [later.pos - earlier.pos for earlier, later in pairwise(sample)]
    assert 50 < len(sample) <= 100
    assert all(variant.alt == "C" for variant in sample)
    assert max(steps) <= 2 * min(steps)


def test_small_contigs_between_large_ones_do_not_crowd_the_sample(tmp_path: Path) -> None:
    records = [snv("chr1", 1 + i) for i in range(3000)] + [snv(f"scaffold_{i}", 5) for i in range(1000)]
    sample = survey_vcf(write_vcf(tmp_path / "a.vcf", records), sample_size=100).sample
    assert 0.6 < sum(variant.chrom == "chr1" for variant in sample) / len(sample) < 0.9


def test_a_contig_with_one_plain_allele_among_many_is_found(tmp_path: Path) -> None:
    lone = [*[snv("chr2", 1 + i, "<DEL>") for i in range(50)], snv("chr2", 60, "<DEL>,C")]
    records = [*[snv("chr1", 1 + i) for i in range(500)], *lone, *[snv("chr1", 600 + i) for i in range(500)]]
    records += [snv("chr3", 1 + i, "<DEL>") for i in range(50)]
    survey = survey_vcf(write_vcf(tmp_path / "a.vcf", records), sample_size=10)
    assert survey.plain_contigs == {"chr1", "chr2"}
    assert survey.contigs == {"chr1", "chr2", "chr3"}


def test_alleles_in_memory_are_surveyed_as_those_of_a_file(tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "a.vcf", [snv("chr1", 1 + i, ("C", "C,<DEL>")[i % 2]) for i in range(90)])
    of_file, of_alleles = survey_vcf(path), survey_alleles(read_all(path))
    assert of_alleles.sample == of_file.sample
    assert (of_alleles.num_records, of_alleles.num_alleles) == (of_file.num_records, of_file.num_alleles)
    assert of_alleles.plain_contigs == of_file.plain_contigs
    assert len(survey_alleles(read_all(path), sample_size=20).sample) <= 20
    assert survey_alleles([]).sample == ()
