import gzip
import os
import re
import threading
from contextlib import closing
from pathlib import Path

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.errors import DamagedVcfError, VcfError
from enformer_vep.genome.variant import check_alleles
from enformer_vep.io.alleles import VcfAllele
from enformer_vep.io.selection import Selection
from enformer_vep.io.survey import Survey, survey_vcf
from enformer_vep.io.vcf import VcfReader
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
HEADER = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RECORD = b"chr1\t5\t.\tA\tC\t.\t.\t.\n"


def read_all(path: str | Path, selection: Selection | None = None) -> list[VcfAllele]:
    with closing(VcfReader(str(path), selection)) as reader:
        found = list(reader)
        assert reader.num_alleles == len(found)
        assert reader.num_records - reader.num_records_left_out == len({allele.record for allele in found})
    return found


def alleles(path: str | Path) -> list[tuple]:
    return [tuple(allele.fields) for allele in read_all(path)]


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def write_bcf(path: Path, plain: str, mode: str = "wb") -> str:
    with pysam.VariantFile(plain) as source, pysam.VariantFile(str(path), mode, header=source.header) as target:
        for record in source:
            target.write(record)
    return str(path)


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


SELECTED = [
    ("chr1", 5, "rs1", "A", "C", ".", "PASS"),
    ("1", 10, "rs2;rs3", "ACGT", "A,C", ".", "."),
    ("chr1", 13, ".", "A", ".", ".", "q10"),
    ("chr2", 13, "rs4", "A", "C", ".", "q10;q20"),
]


@pytest.mark.parametrize("is_bcf", [False, True])
@pytest.mark.parametrize(
    ("regions", "pass_only", "ids", "records"),
    [
        ([], False, None, [0, 1, 2, 3]),
        (["chr1:13-20"], False, None, [1, 2]),
        (["chr1:14", "2"], False, None, [3]),
        (["chr1:1-12", "1:11-13"], False, None, [0, 1, 2]),
        ([], True, None, [0, 1]),
        ([], False, {"rs3", "rs4"}, [1, 3]),
        (["chr1"], True, {"rs1", "rs4"}, [0]),
        (["chr3"], False, None, []),
    ],
)
def test_selection(
    regions: list[str], ids: set[str] | None, records: list[int], tmp_path: Path, *, pass_only: bool, is_bcf: bool
) -> None:
    header = HEADER.replace(
        b"\n#CHROM",
        b'\n##FILTER=<ID=q10,Description="">\n##FILTER=<ID=q20,Description="">\n'
        b"##contig=<ID=chr1>\n##contig=<ID=1>\n##contig=<ID=chr2>\n#CHROM",
    ).decode()
    path = tmp_path / "a.vcf"
    path.write_text(header + "".join("\t".join(map(str, record)) + "\t.\n" for record in SELECTED))
    if is_bcf:
        write_bcf(tmp_path / "a.bcf", str(path))
        path = tmp_path / "a.bcf"
    selection = Selection.from_options(regions, pass_only=pass_only, include_id_file=None)
    selection = Selection(selection.regions, selection.pass_only, None if ids is None else frozenset(ids))
    found = read_all(path, selection)
    assert [allele.record for allele in found if allele.allele == 1] == records
    assert len(found) == len(records) + (1 in records)
    survey = survey_vcf(str(path), selection)
    counts = (survey.num_records, survey.num_alleles, survey.num_records_left_out)
    assert counts == (4, len(found), 4 - len(records))
    plain = tuple(allele.variant for allele in found if check_alleles(allele.variant, 100) is None)
    assert survey.sample == plain
    assert survey.contigs == {record[0] for record in SELECTED}
    assert survey.plain_contigs == {variant.chrom for variant in plain}


def test_a_malformed_line_is_selected_unless_it_lies_elsewhere(tmp_path: Path) -> None:
    lines = [
        (b"chr1\t5\t.\tA\tC\t.\tPASS", True),
        (b"chr1\tx\trs1\tA\tC\t.\tq10", True),  # nobody knows where it is
        (b"chr2\tx\trs1\tA\tC\t.\tq10", True),
        (b"garbage", True),
        (b"chr1\t6", True),
        (b"chr1\t6x\t.\tA\tC\t.\tq10", True),
        (b"chr1\t5\t.\tA\tC", True),  # no FILTER
        (b"chr1\t50\t.\t", False),
        (b"chr2\t5", False),
        (b"chr1\t-5\t.\tA\tC", False),
    ]
    path = write(tmp_path / "a", HEADER + b"\n".join(line for line, _ in lines))
    selection = Selection.from_options(["chr1:1-10"], pass_only=True, include_id_file=None)
    assert [found.record for found in read_all(path, selection)] == [at for at, (_, is_in) in enumerate(lines) if is_in]
    assert [found.record for found in read_all(path, Selection(pass_only=True))] == list(range(10))


@pytest.mark.parametrize("num_alleles", [0, 1, 5, 6, 10, 11, 12, 1000])
def test_survey(num_alleles: int, tmp_path: Path) -> None:
    path = write_vcf(tmp_path / "a.vcf", [("chr1", pos, ".", "A", "C") for pos in range(num_alleles)])
    survey = survey_vcf(path, sample_size=5)
    positions = [variant.pos for variant in survey.sample]
    assert (survey.num_records, survey.num_alleles, survey.num_records_left_out) == (num_alleles, num_alleles, 0)
    assert min(num_alleles, 3) <= len(positions) <= 5
    if len(positions) > 1:
        stride = positions[1]
        assert positions == list(range(0, num_alleles, stride))
    assert survey == survey_vcf(path, sample_size=5)


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
