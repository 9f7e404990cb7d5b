import logging
from pathlib import Path

import pytest

from enformer_vep.errors import InputError
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.reader import Survey, survey_vcf
from enformer_vep.run.score.inputs import check_assembly
from tests.support import random_sequence, write_fasta, write_vcf

SEQUENCE = random_sequence(2000, seed=7)
CONTIGS = {"chr1": SEQUENCE, "chr2": "N" * 500, "chr3": "A"}
OTHER = str.maketrans("ACGT", "CGTA")


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    return Genome(write_fasta(tmp_path_factory.mktemp("genome") / "genome.fa", CONTIGS))


def base(pos: int) -> str:
    return SEQUENCE[pos - 1]


def right(*positions: int) -> list[tuple]:
    return [("chr1", pos, ".", base(pos), base(pos).translate(OTHER)) for pos in positions]


def wrong(*positions: int, chrom: str = "chr1") -> list[tuple]:
    """REF is neither the FASTA's base nor ALT."""
    return [
        (chrom, pos, ".", base(pos).translate(OTHER), base(pos).translate(OTHER).translate(OTHER)) for pos in positions
    ]


def swapped(*positions: int) -> list[tuple]:
    return [("chr1", pos, ".", base(pos).translate(OTHER), base(pos)) for pos in positions]


def shifted(by: int, *positions: int) -> list[tuple]:
    return [(chrom, pos + by, *rest) for chrom, pos, *rest in right(*positions)]


def survey(tmp_path: Path, records: list[tuple]) -> Survey:
    return survey_vcf(write_vcf(tmp_path / "a.vcf", records))


def refusal(found: Survey, genome: Genome) -> str:
    with pytest.raises(InputError) as caught:
        check_assembly(found, genome, "a.vcf", allow_mismatches=False)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_all_is_well(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        check_assembly(survey(tmp_path, right(*range(1, 300))), genome, "a.vcf", allow_mismatches=False)
        check_assembly(survey(tmp_path, []), genome, "a.vcf", allow_mismatches=False)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("records", "level"),
    [
        (right(*range(100, 109)) + wrong(50), logging.INFO),  # 1 of 10
        (right(100) + wrong(50, 60), logging.WARNING),  # more than a tenth, of too few
        (right(*range(100, 127)) + wrong(50, 60, 70), logging.INFO),  # 3 of 30
        (right(100) + wrong(50) * 5, logging.WARNING),  # one place
        ([*right(100), ("chr1", 50, ".", base(50).translate(OTHER), "AA,CC,GG,TT")], logging.WARNING),
    ],
)
def test_a_few_mismatches_are_skipped_with_a_notice(
    records: list[tuple], level: int, genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        check_assembly(survey(tmp_path, records), genome, "standard input", allow_mismatches=False)
    (record,) = caplog.records
    assert record.levelno == level
    assert "alleles checked in standard input differs from" in record.message
    assert f"first: chr1:50 {base(50).translate(OTHER)}>" in record.message
    assert record.message.endswith("such alleles are skipped")


def test_several_mismatches_refuse(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = survey(tmp_path, right(*range(100, 120)) + wrong(50, 60, 70))
    message = refusal(found, genome)
    assert message.startswith("REF of 3 of 23 alleles checked in a.vcf differs from ")
    assert "the variants and the FASTA appear to be of different assemblies; to skip the alleles" in message
    assert message.endswith("that do not match and continue, use --allow-mismatches")
    check_assembly(found, genome, "a.vcf", allow_mismatches=True)
    assert "REF of 3 of 23" in caplog.text
    assert "alleles that do not match are skipped" in caplog.text


@pytest.mark.parametrize(
    ("by", "remedy"),
    [(-1, "positions look 0-based: add 1 to each POS"), (1, "look 1 too high: subtract 1 from each POS")],
)
def test_positions_that_are_off_by_one(by: int, remedy: str, genome: Genome, tmp_path: Path) -> None:
    assert remedy in refusal(survey(tmp_path, shifted(by, *range(100, 400, 7))), genome)


def test_swapped_alleles(genome: Genome, tmp_path: Path) -> None:
    assert "REF and ALT look swapped" in refusal(survey(tmp_path, swapped(*range(100, 400, 7))), genome)
    assert "swapped" not in refusal(survey(tmp_path, swapped(100, 107) + wrong(200, 207)), genome)


def test_what_is_no_evidence(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records = [("chr2", pos, ".", "A", "C") for pos in range(1, 100)]  # N in the FASTA
    records += [("chr1", pos, ".", "N", "C") for pos in range(1, 100)]
    records += [("chr1", pos, ".", base(pos).translate(OTHER), "<NON_REF>") for pos in range(1, 100)]
    records += [("chr1", 2500 + pos, ".", "A", "C") for pos in range(100)]  # beyond the end
    with caplog.at_level(logging.INFO):
        check_assembly(survey(tmp_path, records), genome, "a.vcf", allow_mismatches=False)
    assert caplog.messages == []


def test_a_gvcf_is_judged_on_its_plain_alleles(genome: Genome, tmp_path: Path) -> None:
    blocks = [("chr1", pos, ".", base(pos), "<NON_REF>") for pos in range(1, 1900)]
    plain = [(*record[:4], f"{record[4]},<NON_REF>") for record in right(*range(1, 1900, 100))]
    found = survey(tmp_path, sorted([*blocks * 3, *plain, *wrong(50, 60, 70)], key=lambda record: record[1]))
    assert len(found.sample) == 19 + 3
    assert refusal(found, genome).startswith("REF of 3 of 22 alleles checked")


def test_no_contig_in_common(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = survey(tmp_path, [(f"scaffold_{i}", 5, ".", "A", "C") for i in range(7)])
    message = refusal(found, genome)
    assert message.startswith(f"{genome.path} has none of the contigs of the alleles to score: ")
    assert "a.vcf has scaffold_0, scaffold_1, scaffold_2, scaffold_3, scaffold_4 and 2 more, the FASTA" in message
    assert "the FASTA has chr1, chr2, chr3; the variants and the FASTA appear to be of different assemblies" in message
    check_assembly(found, genome, "a.vcf", allow_mismatches=True)
    assert "has none of the contigs of the alleles to score" in caplog.text


def test_an_accession_of_another_assembly_is_said(genome: Genome, tmp_path: Path) -> None:
    message = refusal(survey(tmp_path, [("NC_000001.11", 5, ".", "A", "C")]), genome)
    assert "a.vcf has NC_000001.11, the FASTA" in message
    assert "NC_000001.11 is chromosome 1 of GRCh38 with 248,956,422 bp, but chr1 of the FASTA has 2,000 bp" in message


def test_contigs_of_symbolic_alleles_do_not_count(genome: Genome, tmp_path: Path) -> None:
    check_assembly(survey(tmp_path, [("HPV", 5, ".", "A", "<NON_REF>")]), genome, "a.vcf", allow_mismatches=False)


def test_some_contigs_are_missing(genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = [f"scaffold_{i}" for i in range(7)]
    with caplog.at_level(logging.INFO):
        records = right(5) + [(name, 5, ".", "A", "C") for name in names]
        check_assembly(survey(tmp_path, records), genome, "a.vcf", allow_mismatches=False)
        check_assembly(survey(tmp_path, records[:2]), genome, "a.vcf", allow_mismatches=False)
    assert caplog.messages == [
        f"{genome.path} lacks 7 contigs of a.vcf: {', '.join(names[:5])} and 2 more",
        f"{genome.path} lacks 1 contig of a.vcf: scaffold_0",
    ]
