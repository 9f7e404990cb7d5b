"""The pass over a VCF before a run counts everything, looks at every contig, and samples evenly."""

from itertools import pairwise
from pathlib import Path

import pytest

from enformer_vep.io.vcf.survey import survey_alleles, survey_vcf
from tests.io.vcf.vcf_files import read_all
from tests.support import write_vcf


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
