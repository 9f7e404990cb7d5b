"""Tables and lists of variants that have no VCF header."""

import gzip
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.errors import SkipReason
from enformer_vep.genome.variant import check_alleles
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.header import is_table_row, split_variant
from enformer_vep.io.vcf.reader import VcfReader, survey_vcf
from enformer_vep.io.vcf.selection import Selection

CONTIG = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=12)
SEQUENCE = st.text("ACGTNacgt", min_size=1, max_size=5)


def read(path: Path, content: bytes, selection: Selection | None = None) -> tuple[list[VcfAllele], str]:
    path.write_bytes(content)
    with closing(VcfReader(str(path), selection)) as reader:
        return list(reader), reader.notice


def places(found: list[VcfAllele]) -> list[tuple]:
    return [(allele.record, *allele.fields[:5]) for allele in found]


TWO = [(0, "chr1", 5, "x_1", "A", "C"), (1, "chr1", 7, "x_2", "AG", "A")]
ROWS = b"chr1\t5\tx_1\tA\tC\nchr1\t7\tx_2\tAG\tA\n"
TABLES = {
    "five columns": (ROWS, "has no #CHROM line"),
    "more columns": (ROWS.replace(b"\n", b"\t.\tPASS\n"), "has no #CHROM line"),
    "a first line": (b"##fileformat=VCFv4.2\n" + ROWS, "has no #CHROM line"),
    "a header without its last line": (b"##fileformat=VCFv4.2\n##contig=<ID=chr1>\n" + ROWS, "has no #CHROM line"),
    "a #CHROM line alone": (b"#CHROM\tPOS\tID\tREF\tALT\n" + ROWS, "no '##fileformat' line"),
    "names of columns": (b"chrom\tpos\tid\tref\talt\tbeta\n" + ROWS, "no '##fileformat' line"),
    "a header of six columns": (
        b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\t QUAL\n" + ROWS,
        "is read without FILTER, INFO",
    ),
    "comments and CR LF": (b"# mine\n\n" + ROWS.replace(b"\n", b"\r\n"), "has no #CHROM line"),
    "gzip": (gzip.compress(ROWS), "has no #CHROM line"),
}


@pytest.mark.parametrize(("content", "notice"), TABLES.values(), ids=TABLES)
def test_tables_without_a_header(content: bytes, notice: str, tmp_path: Path) -> None:
    found, said = read(tmp_path / "a.txt", content)
    assert places(found) == TWO
    assert notice in said
    assert str(tmp_path / "a.txt") in said


def test_a_whole_header_needs_no_notice(tmp_path: Path) -> None:
    header = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    assert read(tmp_path / "a.vcf", header + ROWS)[1] == ""


@pytest.mark.parametrize(
    ("row", "is_row"),
    [
        (b"chr1\t5\t.\tA\tC,<*>", True),
        (b"1\t5\trs5\tacgt\tN\t.", True),
        (b"1\t948921\t925952\tT\tC", True),  # ClinVar's IDs are numbers
        (b"1\t948921\t948921\tT\tC", False),  # ANNOVAR's input: start and end
        (b"1\t948920\t948921\tT\tC", False),  # BED
        (b"chr1\t5\t.\tA\t<*>", False),
        (b"chr1\tx\t.\tA\tC", False),
        (b"chr1\t5\t.\tA", False),
        (b"a b\t5\t.\tA\tC", False),
        (b"chr1\t5\t.\tname\tC", False),
    ],
)
def test_what_is_plainly_a_row(row: bytes, is_row: bool) -> None:
    assert is_table_row(row) is is_row


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b"chr1:900016:G:T", ("chr1", 900016, "G", "T")),
        (b"chr1-900016-G-T", ("chr1", 900016, "G", "T")),
        (b"1_900016_G_T", ("1", 900016, "G", "T")),
        (b"chr1:900016 G>T", ("chr1", 900016, "G", "T")),
        (b"chr1:900016G>T", None),
        (b"chr1:900016_G/T", ("chr1", 900016, "G", "T")),
        (b"1:900016:GA:T,G", ("1", 900016, "GA", "T,G")),
        (b"chr1_14677_G_A_b38", ("chr1", 14677, "G", "A")),
        (b" chr1:5:A:C \r", ("chr1", 5, "A", "C")),
        (b"HLA-A*01:01:5:A:C", ("HLA-A*01:01", 5, "A", "C")),
        (b"chrUn_KI270742v1_5_A_C", ("chrUn_KI270742v1", 5, "A", "C")),
        (b"NC_000001.11:5:A:C", ("NC_000001.11", 5, "A", "C")),
        (b"chr1:5:A", None),
        (b"chr1:5:A:", None),
        (b"chr1:5:-:A", None),
        (b"chr1:x:A:C", None),
        (b"rs123", None),
        (b"chr1 5 A C", None),
    ],
)
def test_lines_of_a_list(line: bytes, fields: tuple | None) -> None:
    found = split_variant(line)
    assert (found and (found[0].decode(), int(found[1]), *(text.decode() for text in found[3:]))) == fields


@given(CONTIG, st.integers(0, 10**9), SEQUENCE, SEQUENCE, st.sampled_from(":-_"))
def test_any_contig_is_parsed_from_the_right(contig: str, pos: int, ref: str, alt: str, mark: str) -> None:
    found = split_variant(f"{contig}{mark}{pos}{mark}{ref}{mark}{alt}".encode())
    assert found == [contig.encode(), str(pos).encode(), b".", ref.encode(), alt.encode()]


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        (b"chr1:5:A:C\nchr1:7:AG:A,T\n", "is read as a list of variants"),
        (b"\nvariant_id\n\nchr1-5-A-C\n \nchr1_7_AG_A,T", "below the title 'variant_id'"),
        (gzip.compress(b"# mine\r\nchr1:5:A:C\r\nchr1:7:AG:A,T\r\n", mtime=0), "is read as a list of variants"),
    ],
    ids=["plain", "with a title", "gzip"],
)
def test_lists(content: bytes, notice: str, tmp_path: Path) -> None:
    found, said = read(tmp_path / "list", content)
    assert places(found) == [
        (0, "chr1", 5, ".", "A", "C"),
        (1, "chr1", 7, ".", "AG", "A"),
        (1, "chr1", 7, ".", "AG", "T"),
    ]
    assert notice in said


def test_a_line_of_a_list_that_is_no_variant_is_skipped(tmp_path: Path) -> None:
    found, _ = read(tmp_path / "list", b"chr1:5:A:C\nrs12\n\nchr1:6\nchr1:7:A:R\n")
    assert [allele.record for allele in found] == [0, 1, 2, 3]
    assert [bool(allele.malformed) for allele in found] == [False, True, True, False]
    problem = check_alleles(found[3].variant, 100)
    assert problem is not None
    assert problem[0] is SkipReason.INVALID_ALT
    assert found[1].malformed == (
        "line 2 is not a variant: expected CHROM:POS:REF:ALT, found 'rs12'; an rsID gives neither a position nor "
        "alleles"
    )
    assert (found[2].id, found[2].malformed.split(":")[0]) == ("chr1:6", "line 4 is not a variant")


def test_the_id_of_such_a_line_is_one_field(tmp_path: Path) -> None:
    (_, found), _ = read(tmp_path / "list", b"chr1:5:A:C\nfoo\tbar  baz\n")
    assert found.id == "foo bar baz"
    assert found.malformed.endswith(r"found 'foo\tbar  baz'")


def test_a_list_is_selected_from_by_region(tmp_path: Path) -> None:
    selection = Selection.from_options(["1:6-8"], pass_only=True, include_id_file=None)
    found, _ = read(tmp_path / "list", b"chr1:5:A:C\nchr1:7:A:C\nodd\n", selection)
    assert [allele.record for allele in found] == [1, 2]  # nobody knows where the odd one is
    survey = survey_vcf(str(tmp_path / "list"), selection)
    assert (survey.num_records, survey.num_records_left_out) == (3, 1)
    assert survey.notice
