"""What a selection leaves of a VCF, and what a survey takes from it."""

from pathlib import Path

import pytest

from enformer_vep.genome.variant import check_alleles
from enformer_vep.io.vcf.reader import survey_vcf
from enformer_vep.io.vcf.selection import Selection
from tests.io.vcf.vcf_files import HEADER, read_all, write, write_bcf

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
