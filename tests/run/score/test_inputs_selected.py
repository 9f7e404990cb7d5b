import logging
from pathlib import Path

import pysam
import pytest

from enformer_vep.errors import InputError
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.reader import survey_vcf
from enformer_vep.io.vcf.selection import Selection
from enformer_vep.run.score.inputs import check_selected
from tests.support import write_fasta, write_vcf

RECORDS = [("chr1", 5, "rs5", "A", "C"), ("chr2", 5, ".", "A", "C"), ("scaffold", 5, ".", "A", "C")]


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    return Genome(write_fasta(tmp_path / "genome.fa", {"chr1": "A" * 50, "chr7": "A", "NC_012920.1": "A" * 16_569}))


def check(folder: Path, genome: Genome, *regions: str, vcf: str | None = None, **tests: object) -> None:
    options: dict = {"pass_only": False, "include_id_file": None} | tests
    selection = Selection.from_options(regions, **options).with_names(genome.resolve)
    vcf = vcf or write_vcf(folder / "a.vcf", RECORDS, contigs=("declared",))
    check_selected(survey_vcf(vcf, selection), genome, selection, "a.vcf")


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (
            "chr99",
            "region 'chr99': neither a.vcf nor .*genome.fa has a contig 'chr99'; they have chr1, .* did you",
        ),
        ("chr1:abc", "region 'chr1:abc': .* has a contig 'chr1:abc'"),
        ("BRCA1", "has a contig 'BRCA1'; they have chr1, chr7, NC_012920.1, chr2, declared and 1 more$"),
        ("scafold:5-6", "has a contig 'scafold'.*did you mean scaffold"),
        ("NC_000001.10", "NC_000001.10 is chromosome 1 of GRCh37 with 249,250,621 bp, but chr1 of the FASTA has 50 bp"),
    ],
)
def test_a_region_on_no_contig(region: str, message: str, genome: Genome, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check(tmp_path, genome, "chr1", region)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("region", ["chr1", "1:1-10", "CHR1", "chr1:5", "chr2", "2", "scaffold:1-9"])
def test_a_region_with_records(region: str, genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check(tmp_path, genome, region)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("regions", "tests", "expected"),
    [
        (["chr1:10-20"], {}, "within --region chr1:10-20"),
        (["chr7"], {}, "within --region chr7"),  # in the FASTA alone
        (["MT"], {}, "within --region MT"),  # the same, by another name
        (["declared"], {}, "within --region declared"),
        (["chr7", "chr1:10-20"], {}, "within --region chr7, chr1:10-20"),
        ([], {"include_id_file": "ids"}, "listed in --include-id"),
        (["chr1"], {"include_id_file": "ids"}, "within --region chr1 and listed in --include-id"),
    ],
)
def test_nothing_selected_is_a_warning(
    regions: list[str],
    tests: dict,
    expected: str,
    genome: Genome,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "ids").write_text("rs9\n")
    check(tmp_path, genome, *regions, **{name: str(tmp_path / value) for name, value in tests.items()})
    assert caplog.messages == [f"no record of a.vcf is {expected}: the output is empty"]
    assert caplog.records[0].levelno == logging.WARNING


def test_pass_only_selects_nothing(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    vcf = tmp_path / "b.vcf"
    vcf.write_text("chr1\t5\t.\tA\tC\t.\tq10\n")
    check(tmp_path, genome, vcf=str(vcf), pass_only=True)
    assert caplog.messages == ["no record of a.vcf is unfiltered (--pass-only): the output is empty"]


def test_a_vcf_without_records_is_no_surprise(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check(tmp_path, genome, "chr1", vcf=write_vcf(tmp_path / "b.vcf", []))
    assert caplog.messages == []


def test_bed(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t0\t9\nchr98\t0\t9\nchr99\t0\t9\n")
    check(tmp_path, genome, str(bed))
    assert caplog.messages == [
        f"{bed} has 2 contigs that are in neither a.vcf nor {genome.path}: chr98, chr99; intervals there are ignored"
    ]
    bed.write_text("chr98\t0\t9\nchr99\t0\t9\n")
    with pytest.raises(InputError, match=r"has any contig of .*a.bed \(chr98, chr99\); they have chr1, "):
        check(tmp_path, genome, str(bed))


def test_an_index_knows_the_contigs_too(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    vcf = write_vcf(tmp_path / "a.vcf", RECORDS)
    pysam.tabix_index(vcf, preset="vcf")
    check(tmp_path, genome, "chr2:9", vcf=f"{vcf}.gz")
    assert caplog.messages == ["no record of a.vcf is within --region chr2:9: the output is empty"]
    with pytest.raises(InputError, match="chr99"):
        check(tmp_path, genome, "chr99", vcf=f"{vcf}.gz")


def test_regions_and_records_by_any_name(tmp_path: Path) -> None:
    genome = Genome(write_fasta(tmp_path / "genome.fa", {"chrM": "A" * 16_569}))
    vcf = write_vcf(tmp_path / "b.vcf", [("NC_012920.1", 5, ".", "A", "C"), ("mt", 7, ".", "A", "C")])
    for region in ("chrM", "MT", "J01415.2", "NC_012920.1"):
        selection = Selection.from_options([region], pass_only=False, include_id_file=None).with_names(genome.resolve)
        survey = survey_vcf(vcf, selection)
        assert (survey.num_records, survey.num_records_left_out) == (2, 0)
        check_selected(survey, genome, selection, "b.vcf")
