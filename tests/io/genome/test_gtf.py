"""GTF files: what genes they give, and what is wrong with those that cannot be read."""

import gzip
import time
from pathlib import Path

import pytest

from enformer_vep.errors import GeneError
from enformer_vep.io.genome.gene_choices import TranscriptChoice
from enformer_vep.io.genome.gtf import read_genes
from tests.gtf_files import Transcript, from_starts, gencode, line, write_gtf

TRANSCRIPTS = [
    Transcript("ACTB", "chr7", 5_527_151, 5_530_601, "-", ("basic", "Ensembl_canonical", "MANE_Select")),
    Transcript("ACTB", "chr7", 5_527_200, 5_530_709, "-", ("basic",)),
    Transcript("ACTB", "chr7", 5_527_300, 5_530_709, "-", ()),
    Transcript("TERC", "chr3", 100, 551, "+", ("basic", "Ensembl_canonical")),
]


def starts(path: str, transcripts: TranscriptChoice = "all") -> dict[str, tuple[tuple[int, ...], int]]:
    return {gene.name: (gene.tss, gene.num_transcripts) for gene in read_genes(path, transcripts).genes}


@pytest.fixture
def gtf(tmp_path: Path) -> str:
    return write_gtf(tmp_path / "genes.gtf", TRANSCRIPTS)


def test_a_transcript_starts_at_its_end_on_the_reverse_strand(gtf: str) -> None:
    found = read_genes(gtf)
    assert starts(gtf) == {"ACTB": ((5_530_600, 5_530_708), 3), "TERC": ((99,), 1)}
    assert (found.num_transcripts, found.num_unstranded) == (4, 0)
    first = found.genes[0]
    assert (first.id, first.contig, first.strand) == ("ENSG_ACTB.1", "chr7", "-")


def test_tags_choose_transcripts(gtf: str) -> None:
    assert starts(gtf, "basic") == {"ACTB": ((5_530_600, 5_530_708), 2), "TERC": ((99,), 1)}
    assert starts(gtf, "canonical") == {"ACTB": ((5_530_600,), 1), "TERC": ((99,), 1)}
    assert starts(gtf, "MANE") == {"ACTB": ((5_530_600,), 1)}


@pytest.mark.parametrize("choice", ["basic", "canonical", "MANE"])
def test_a_gtf_without_tags_is_refused(choice: TranscriptChoice, tmp_path: Path) -> None:
    path = write_gtf(tmp_path / "genes.gtf", [Transcript("G", "chr1", 10, 20, "+", ())])
    assert starts(path) == {"G": ((9,), 1)}
    with pytest.raises(
        GeneError, match=rf"no transcript with tag .*--transcripts {choice} asks for: use --transcripts"
    ):
        read_genes(path, choice)


def test_gzip_and_bgzip(gtf: str, tmp_path: Path) -> None:
    pysam = pytest.importorskip("pysam")
    packed = tmp_path / "genes.gtf.gz"
    packed.write_bytes(gzip.compress(Path(gtf).read_bytes()))
    pysam.tabix_compress(gtf, str(tmp_path / "genes.gtf.bgz"), force=True)
    assert starts(str(packed)) == starts(str(tmp_path / "genes.gtf.bgz")) == starts(gtf)


def test_ensembl_and_refseq(tmp_path: Path) -> None:
    path = tmp_path / "ensembl.gtf"
    attributes = (
        'gene_id "ENSG1"; gene_version "3"; transcript_id "ENST1"; transcript_version "1"; tag "gencode_basic";'
    )
    path.write_text("#!genome-build GRCh38.p14\n" + line("1", "transcript", 11, 20, "+", attributes))
    assert starts(str(path), "basic") == {"ENSG1": ((10,), 1)}  # a gene without a symbol
    path = tmp_path / "refseq.gtf"
    attributes = (
        'gene_id "DDX11L1"; transcript_id "NM_1.2"; db_xref "GeneID:1"; gbkey "mRNA"; gene "DDX11L1"; '
        'product "a product; with a semicolon"; tag "MANE Select"; transcript_biotype "mRNA";'
    )
    path.write_text("#gtf-version 2.2\n" + line("NC_000001.11", "transcript", 11, 20, "-", attributes) + "###\n")
    assert starts(str(path), "MANE") == {"DDX11L1": ((19,), 1)}


def test_transcripts_are_put_together_from_exons(tmp_path: Path) -> None:
    path = tmp_path / "exons.gtf"
    text = gencode(TRANSCRIPTS)
    path.write_text("".join(row for row in text.splitlines(keepends=True) if "\ttranscript\t" not in row))
    assert starts(str(path)) == {"ACTB": ((5_530_600, 5_530_708), 3), "TERC": ((99,), 1)}
    assert starts(str(path), "MANE") == {"ACTB": ((5_530_600,), 1)}


def test_a_gene_on_two_contigs_is_two_genes(tmp_path: Path) -> None:
    path = write_gtf(tmp_path / "genes.gtf", from_starts([("SHOX", "chrX", 50, "+"), ("SHOX", "chrY", 70, "+")]))
    assert [(gene.contig, gene.tss) for gene in read_genes(path).genes] == [("chrX", (49,)), ("chrY", (69,))]


def test_transcripts_on_no_strand_are_counted(tmp_path: Path) -> None:
    path = write_gtf(tmp_path / "genes.gtf", [*TRANSCRIPTS, Transcript("MSTRG", "chr1", 10, 20, ".")])
    found = read_genes(path)
    assert (found.num_transcripts, found.num_unstranded) == (5, 1)
    assert "MSTRG" not in {gene.name for gene in found.genes}


GOOD = 'gene_id "G"; transcript_id "T";'


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            "chr1\tX\ttranscript\t1\t2\n",
            r"line 6: not a line of a GTF: expected 9 columns separated by tabs, found 5: ",
        ),
        ("chr1 X exon 1 2 . + . x\n", r"line 6: .*expected 9 columns separated by tabs, found 1: 'chr1 X exon"),
        (line("chr1", "transcript", 0, 5, "+", GOOD), "line 6: .*expected a start from 1 and .*found '0' and '5'"),
        (line("chr1", "transcript", 9, 5, "+", GOOD), "line 6: .*expected a start from 1 and .*found '9' and '5'"),
        (line("chr1", "transcript", 1, 5, "x", GOOD), r"line 6: .*expected strand \+ or -, found 'x'"),
        (line("chr1", "transcript", 1, 5, "+", 'transcript_id "T";'), 'line 6: .*expected gene_id "..." among'),
        (line("chr1", "transcript", 1, 5, "+", "ID=T;Parent=G"), "line 6: .*this looks like GFF3, which 'gffread -T'"),
    ],
)
def test_a_malformed_line_is_named(bad: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "genes.gtf"
    path.write_text("#!made\n#!for a test\n" + line("chr1", "transcript", 1, 5, "+", GOOD) + "# a comment\n\n" + bad)
    with pytest.raises(GeneError, match=message) as caught:
        read_genes(str(path))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path} line 6: ")


def test_what_is_no_gtf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeneError, match=r"no such file: none\.gtf: expected a GTF"):
        read_genes("none.gtf")
    empty = tmp_path / "empty.gtf"
    empty.write_text("# nothing\n")
    with pytest.raises(GeneError, match="neither transcripts nor exons"):
        read_genes(str(empty))
    cut = tmp_path / "cut.gtf.gz"
    cut.write_bytes(gzip.compress(gencode(TRANSCRIPTS).encode())[:-20])
    with pytest.raises(GeneError, match=r"cut\.gtf\.gz cannot be read"):
        read_genes(str(cut))
    damaged = tmp_path / "damaged.gtf.gz"
    packed = bytearray(gzip.compress(gencode(TRANSCRIPTS).encode()))
    packed[40] ^= 255
    damaged.write_bytes(bytes(packed))
    with pytest.raises(GeneError, match=r"damaged\.gtf\.gz (cannot be read|line)"):
        read_genes(str(damaged))
    exons = tmp_path / "exons.gtf"
    exons.write_text(line("chr1", "exon", 1, 5, "+", 'gene_id "G";'))
    with pytest.raises(GeneError, match=r"exons\.gtf line 1: .*no transcript_id"):
        read_genes(str(exons))


@pytest.mark.slow
def test_60_000_genes_are_read_in_seconds(tmp_path: Path) -> None:
    rows = [
        Transcript(
            f"G{number}", f"chr{1 + number % 22}", 1_000 * number + 10 * i + 1, 1_000 * number + 900, "+-"[i % 2]
        )
        for number in range(60_000)
        for i in (0, 2, 4, 6)
    ]
    path = write_gtf(tmp_path / "genes.gtf", rows)
    started = time.perf_counter()
    found = read_genes(path)
    assert time.perf_counter() - started < 30  # 3 s on an idle machine
    assert (len(found.genes), found.num_transcripts) == (60_000, 240_000)
    assert found.genes[7].tss == (7_000, 7_020, 7_040, 7_060)
