"""GTF files for the tests, as GENCODE, Ensembl and RefSeq write them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from enformer_vep.genome.genes import Gene


class Transcript(NamedTuple):
    """A transcript: 1-based, both ends in."""

    gene: str
    contig: str
    start: int
    end: int
    strand: str
    tags: tuple[str, ...] = ("basic",)


def line(contig: str, feature: str, start: int, end: int, strand: str, attributes: str) -> str:
    return f"{contig}\tHAVANA\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


def gencode(transcripts: Sequence[Transcript]) -> str:
    """Lines of genes, transcripts and exons, with the header of GENCODE."""
    lines = ["##description: made for a test\n", "##provider: GENCODE\n", "##format: gtf\n"]
    for number, found in enumerate(transcripts):
        contig, strand = found.contig, found.strand
        gene = f'gene_id "ENSG_{found.gene}.1"; gene_type "lncRNA"; gene_name "{found.gene}"; level 2;'
        tags = "".join(f' tag "{tag}";' for tag in found.tags)
        transcript = f'{gene} transcript_id "ENST{number}.2"; transcript_support_level "1";{tags}'
        lines.append(line(contig, "gene", found.start, found.end, strand, gene))
        lines.append(line(contig, "transcript", found.start, found.end, strand, transcript))
        lines.append(line(contig, "exon", found.start, found.start, strand, f"{transcript} exon_number 1;"))
        lines.append(line(contig, "exon", found.end, found.end, strand, f"{transcript} exon_number 2;"))
    return "".join(lines)


def write_gtf(path: Path, transcripts: Sequence[Transcript]) -> str:
    path.write_text(gencode(transcripts))
    return str(path)


def from_starts(rows: Sequence[tuple[str, str, int, str]], length_bp: int = 900) -> list[Transcript]:
    """Makes transcripts of genes, contigs, 1-based starts and strands, so long as their contig's start allows."""
    return [
        Transcript(gene, contig, tss, tss + length_bp, strand)
        if strand == "+"
        else Transcript(gene, contig, max(1, tss - length_bp), tss, strand)
        for gene, contig, tss, strand in rows
    ]


def gene(*tss: int, strand: str = "+", name: str = "G", contig: str = "chr1") -> Gene:
    return Gene(f"ENSG_{name}.1", name, contig, strand, tss, len(tss))
