"""Every file of a corpus of odd and broken VCFs: read, judged against two genomes, and compared with its verdict.

The verdicts are an opinion; where ours differs, `DIFFERENCES` and the comments say why. `pytest -rP` shows the totals.
"""

from collections import Counter
from contextlib import closing
from csv import DictReader
from pathlib import Path

import pytest

from enformer_vep.errors import DamagedVcfError, SkipReason, VcfError
from enformer_vep.genome.variant import check_alleles
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.reader import VcfReader

GENOMES = ("hg38_sparse", "b37_sparse")
MAX_ALLELE_BP = 98_304

OUR_CLASSES = {
    "score": "score",
    "score_if_alias": "score",  # chr1 and 1 are one contig
    "skip_alt_eq_ref": "alt_eq_ref",
    "skip_alt_has_N": "invalid_alt",
    "skip_breakend": "breakend",
    "skip_contig": "contig_not_in_fasta",
    "skip_empty_alt": "no_alt",
    "skip_gvcf_block": "symbolic_alt",
    "skip_invalid_alt": "invalid_alt",
    "skip_no_alt": "no_alt",
    "skip_out_of_range": "out_of_range",
    "skip_ref_invalid": "invalid_ref",
    "skip_ref_mismatch": "ref_mismatch",
    "skip_star": "spanning_deletion",
    "skip_symbolic": "symbolic_alt",
}
"""What the corpus calls our reasons."""

DIFFERENCES = {
    "cyvcf2/test-format-string.vcf": (
        "ALT = REF is no reason of ours: it is judged like any allele, and its contig is in neither genome",
        {"contig_not_in_fasta": 1},
        {"alt_eq_ref": 1},
    ),
    "gcp-variant-transforms/invalid-4.0-POS-empty.vcf": (
        "the corpus counts no allele of a record without a position; ours has a row in the skips",
        {"malformed_record": 1},
        {},
    ),
    "gcp-variant-transforms/invalid-4.0.vcf": (
        "the same, where POS is a blank; both its ALTs are one malformed line",
        {"malformed_record": 1},
        {},
    ),
    **{
        f"gcp-variant-transforms/{name}": (
            "ALT '.TC' and 'CT.' are single breakends (VCF 4.3, 5.4.9), not letters that are unknown",
            {"breakend": 2},
            {"invalid_alt": 2},
        )
        for name in ("invalid-4.2-AF-mismatch.vcf", "option_allow_incompatible_schema.vcf", "valid-4.2.vcf.gz")
    },
    "made/edge_records.vcf": (
        "ALT = REF is scored; an allele of 200 kb does not fit; POS 12x, -5, 10^30, and 4 columns, are malformed",
        {"score": 2, "allele_too_long": 2, "malformed_record": 4},
        {"alt_eq_ref": 2, "score": 2, "out_of_range": 1},
    ),
}
"""By file: why ours differs, the counts that only we have, and those that only the corpus has."""

OTHER_CASE = {
    ("made/edge_records.vcf", "hg38_sparse"): "score",
    ("made/edge_records.vcf", "b37_sparse"): "ref_mismatch",
}
"""What becomes of an allele on CHR1, which is chr1 for us and no contig for the corpus."""

SAME_RECORDS = {
    "cyvcf2/multi-contig.bcf": "cyvcf2/multi-contig.vcf.gz",
    "cyvcf2/test.snpeff.bcf": "cyvcf2/test.snpeff.vcf",
    "htslib/vcf_file.bcf": "htslib/vcf_file.vcf",
}
"""The corpus does not say what is in its BCF files; these have the same records as text."""

READ_WITHOUT_HEADER = {
    # All that it lacks is the #CHROM line, as do the tables of this field. Its rows are plainly those of a VCF.
    "made/missing_chrom_line.vcf": "made/crlf.vcf",
}
"""Files that the corpus refuses and we read with a notice, and what has the same records."""

DAMAGED = {
    # What was read until the damage. Of a damaged bgzip block that is nothing; the corpus has what zlib inflates of it:
    # 849 records of the flipped one and 1298, the last of them half a line, of the cut one.
    "made/bitflip.vcf.gz": ("cannot be inflated", 848),
    "made/trunc_mid_block.vcf.gz": ("is cut short", 848),
    "made/garbage_after_eof.vcf.gz": ("does not end with its compressed data", 2000),
    "made/no_eof_block.vcf.gz": ("is cut short", 2000),
}


def judge(path: str, genome: Genome) -> Counter[str]:
    """Counts alleles by what becomes of them; closes the books of the reader."""
    counts: Counter[str] = Counter()
    records = set()
    with closing(VcfReader(path)) as reader:
        for allele in reader:
            variant = allele.variant
            problem = (SkipReason.MALFORMED_RECORD, allele.malformed) if allele.malformed else None
            problem = problem or check_alleles(variant, MAX_ALLELE_BP)
            problem = problem or genome.check_variant(variant, genome.resolve(variant.chrom))
            counts[str(problem[0]) if problem else "score"] += 1
            records.add(allele.record)
    assert reader.num_alleles == sum(counts.values())
    assert records == set(range(reader.num_records))
    # Swapped alleles are told from other mismatches by us alone.
    counts["ref_mismatch"] += counts.pop("ref_alt_swapped", 0)
    return +counts


def expected_counts(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for entry in filter(None, text.split(";")):
        name, number = entry.split("=")
        counts[OUR_CLASSES[name]] += int(number)
    return counts


@pytest.fixture(scope="module")
def genomes(shared_data: Path) -> dict[str, Genome]:
    return {name: Genome(str(shared_data / "genome" / f"{name}.fa.gz")) for name in GENOMES}


@pytest.fixture(scope="module")
def corpus(shared_data: Path) -> dict[str, dict[str, str]]:
    with (shared_data / "odd_vcf" / "expected.tsv").open() as lines:
        return {row["file"]: row for row in DictReader(lines, delimiter="\t")}


def outcome(path: str, genome: Genome) -> Counter[str] | VcfError:
    try:
        return judge(path, genome)
    except VcfError as error:
        return error


def test_every_file_is_scored_skipped_within_or_refused(
    shared_data: Path, corpus: dict[str, dict[str, str]], genomes: dict[str, Genome]
) -> None:
    assert len(corpus) == 140
    for name, genome in genomes.items():
        total: Counter[str] = Counter()
        for file, row in corpus.items():
            found = outcome(str(shared_data / "odd_vcf" / file), genome)
            if isinstance(found, DamagedVcfError):
                message, num_records = DAMAGED[file]
                assert message in str(found)
                assert f"{num_records:,} records before" in str(found)
                assert found.exit_code == 1
                total["damaged"] += 1
            elif isinstance(found, VcfError):
                # What the corpus would refuse or else score with a warning is refused.
                assert row["verdict"] in ("refuse", "refuse_or_warn"), found
                assert found.exit_code == 2
                assert "\n" not in str(found)
                total["refused"] += 1
            else:
                # What it would refuse or else score as far as it can be read is scored.
                assert row["verdict"] in ("accept", "accept_or_refuse") or file in READ_WITHOUT_HEADER, file
                expected = expected_counts(corpus[(SAME_RECORDS | READ_WITHOUT_HEADER).get(file, file)][name])
                _, only_ours, only_theirs = DIFFERENCES.get(file, ("", {}, {}))
                if (file, name) in OTHER_CASE:
                    expected[OTHER_CASE[file, name]] += 1
                    expected["contig_not_in_fasta"] -= 1
                assert found == expected - Counter(only_theirs) + Counter(only_ours), (file, name)
                total["read to the end"] += 1
                total["of them with a score"] += found["score"] > 0
                total["of them with a skip"] += found.total() > found["score"]
                total["of them header only"] += not found
        print(name, dict(total))
        assert (total["read to the end"], total["refused"], total["damaged"]) == (122, 14, 4)
