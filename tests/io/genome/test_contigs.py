from collections import Counter

import pytest

from enformer_vep.io.genome.contigs import ContigNames, canonical_contig, known_chromosomes

HG38 = {"chr1": 248_956_422, "chrX": 156_040_895, "chrM": 16_569}
HG19 = {"chr1": 249_250_621, "chrX": 155_270_560, "chrM": 16_571}
REFSEQ38 = {"NC_000001.11": 248_956_422, "NC_000023.11": 156_040_895, "NC_012920.1": 16_569}
CHM13 = {"chr1": 248_387_328, "chrM": 16_569}
MM39 = {"1": 195_154_279, "MT": 16_299}


@pytest.mark.parametrize(
    ("names", "chrom", "expected"),
    [
        (["chr1", "chr2"], "chr1", "chr1"),
        (["chr1", "chr2"], "1", "chr1"),
        (["1", "2"], "chr1", "1"),
        (["1", "chr1"], "1", "1"),
        (["1", "chr1"], "chr1", "chr1"),
        (["1", "chr1"], "Chr1", None),
        (["1"], "2", None),
        (["chrM"], "MT", "chrM"),
        (["MT"], "chrM", "MT"),
        (["MT"], "M", "MT"),
        (["chrM", "MT"], "chrMT", None),  # two of the names: which one is meant is not known
        (["chrM", "MT"], "MT", "MT"),
        (["chrchr1"], "1", None),
        (["chr1"], "Chr1", "chr1"),
        (["chr1"], "CHR1", "chr1"),
        (["1"], "Chr1", "1"),
        (["Chr1"], "1", "Chr1"),
        (["chrX"], "x", "chrX"),
        (["chrX", "chrx"], "X", "chrX"),
        (["chrX", "chrx"], "CHRX", None),
        (["chrM"], "ChrMt", "chrM"),
        (["chr1"], "NC_000001.11", None),  # of 1 bp, as all here
    ],
)
def test_names_that_differ_in_use_or_case(names: list[str], chrom: str, expected: str | None) -> None:
    assert ContigNames(dict.fromkeys(names, 1)).resolve(chrom) == expected


@pytest.mark.parametrize(
    ("lengths", "chrom", "expected"),
    [
        (HG38, "NC_000001.11", "chr1"),
        (HG38, "CM000663.2", "chr1"),
        (HG38, "NC_000023.11", "chrX"),
        (HG38, "NC_012920.1", "chrM"),
        (HG38, "J01415.2", "chrM"),
        (HG38, "NC_000001.10", None),  # GRCh37
        (HG38, "CM000663.1", None),
        (HG38, "NC_060925.1", None),  # T2T
        (HG38, "NC_000067.7", None),  # mouse
        (HG38, "NC_000001", None),  # of no assembly
        (HG38, "NC_000002.12", None),  # not in the FASTA
        (HG19, "NC_000001.10", "chr1"),
        (HG19, "NC_000001.11", None),
        (HG19, "NC_012920.1", None),  # hg19 has another mitochondrion
        (REFSEQ38, "chr1", "NC_000001.11"),
        (REFSEQ38, "1", "NC_000001.11"),
        (REFSEQ38, "x", "NC_000023.11"),
        (REFSEQ38, "chrM", "NC_012920.1"),
        (REFSEQ38, "CM000685.2", "NC_000023.11"),
        (REFSEQ38, "NC_000001.10", None),
        (REFSEQ38, "chr2", None),
        (REFSEQ38 | {"NC_000001.10": 249_250_621}, "chr1", None),  # two assemblies
        (CHM13, "NC_060925.1", "chr1"),
        (CHM13, "CP068277.2", "chr1"),
        (CHM13, "NC_012920.1", None),  # of the same length, and another sequence
        ({"chrM": 16_569}, "NC_012920.1", "chrM"),
        (MM39, "NC_000067.7", "1"),
        (MM39, "CM000994.3", "1"),
        (MM39, "CM000994.2", None),
        (MM39, "AY172335.1", "MT"),
    ],
)
def test_accessions_are_of_one_assembly(lengths: dict[str, int], chrom: str, expected: str | None) -> None:
    assert ContigNames(lengths).resolve(chrom) == expected


def test_an_accession_of_another_assembly_is_explained() -> None:
    assert ContigNames(HG38).of_other_length("NC_000001.10") == (
        "NC_000001.10 is chromosome 1 of GRCh37 with 249,250,621 bp, but chr1 of the FASTA has 248,956,422 bp"
    )
    assert ContigNames(HG38).of_other_length("chr7") is None


def test_the_table_of_accessions() -> None:
    chromosomes = known_chromosomes()
    assert Counter(found.assembly for found in chromosomes) == {
        "GRCh38": 25,
        "GRCh37": 25,
        "T2T-CHM13v2.0": 24,
        "GRCm39": 22,
        "GRCm38": 22,
    }
    nuclear = [found for found in chromosomes if found.name != "MT"]
    accessions = [accession for found in nuclear for accession in found.accessions]
    assert len(accessions) == len(set(accessions)) == 2 * len(nuclear)
    # the length tells assemblies apart
    assert len({(found.name, found.length) for found in nuclear}) == len(nuclear)


def test_canonical_contig() -> None:
    assert [canonical_contig(name) for name in ("chr1", "1", "chrMT", "MT", "M")] == ["1", "1", "M", "M", "M"]
