"""The files that the demo writes: the made-up genome, its genes, and variants of every kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enformer_vep.demo.genes import made_up_genes, write_gtf
from enformer_vep.demo.motifs import BASES
from enformer_vep.demo.variants import SiteVariant, draw_variants
from enformer_vep.demo.world import HELD_OUT_CONTIGS, Contig, held_out_contig
from enformer_vep.genome.codes import Codes

NOTICE = "made up from a fixed seed; it belongs to no organism and means nothing biologically"

NUM_OF_KIND = {"break": 24, "create": 16, "silent": 8, "random": 24, "enhancer_break": 12}
"""How many of the demo's variants are of each kind whose truth is known."""

LINE_BP = 60
LOWER_CASE = slice(6_000, 9_000)
"""Bases that are lower case in the FASTA, like repeats in soft-masked genomes."""

_LETTERS = np.frombuffer(f"{BASES}N".encode(), dtype=np.uint8)

_HEADER = """\
##ALT=<ID=DEL,Description="Deletion">
##INFO=<ID=KIND,Number=1,Type=String,Description="True effect: break or create a site, silent (leaves a site intact), \
random (changes no site), or enhancer_break (breaks a site in an enhancer far from a promoter)">
##INFO=<ID=FACTOR,Number=1,Type=String,Description="Factor that binds the site">
##INFO=<ID=PROMOTER,Number=1,Type=Integer,Description="A promoter 10 to 25 kb away, which the enhancer raises">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""


@dataclass(frozen=True)
class Record:
    """A record of the demo's VCF.

    Attributes:
      chrom: the contig.
      pos: position of the first REF base, 1-based.
      id: the record's name.
      ref: the REF allele.
      alt: the ALT alleles, separated by commas.
      truth: what the variant does; None if the record only shows what the tool reads or skips.
    """

    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    truth: SiteVariant | None = None


def write_demo(fasta: Path, vcf: Path, gtf: Path) -> list[Record]:
    """Writes the made-up genome, variants and genes; returns the records in the order of the VCF."""
    contigs = [held_out_contig(name) for name in HELD_OUT_CONTIGS]
    records = in_order([*site_records(draw_variants(contigs, NUM_OF_KIND)), *other_records(*contigs)], contigs)
    write_fasta(fasta, contigs)
    write_vcf(vcf, contigs, records)
    write_gtf(gtf, made_up_genes(contigs), contigs, NOTICE)
    return records


def letters(codes: Codes) -> str:
    """The sequence of codes uint8 [length], in upper case."""
    return _LETTERS[codes].tobytes().decode()


def write_fasta(path: Path, contigs: Sequence[Contig]) -> None:
    """Writes contigs, some of their bases in lower case."""
    with path.open("w", encoding="ascii") as lines:
        for contig in contigs:
            sequence = letters(contig.codes)
            masked = sequence[: LOWER_CASE.start] + sequence[LOWER_CASE].lower() + sequence[LOWER_CASE.stop :]
            lines.write(f">{contig.name} {NOTICE}\n")
            lines.writelines(f"{masked[at : at + LINE_BP]}\n" for at in range(0, len(masked), LINE_BP))


def write_vcf(path: Path, contigs: Sequence[Contig], records: Sequence[Record]) -> None:
    """Writes records, with the truth in INFO."""
    with path.open("w", encoding="ascii") as lines:
        lines.write(f"##fileformat=VCFv4.3\n##source=enformer-vep demo: {NOTICE}\n")
        lines.writelines(f"##contig=<ID={contig.name},length={len(contig.codes)}>\n" for contig in contigs)
        lines.write(_HEADER)
        for record in records:
            fields = (record.chrom, record.pos, record.id, record.ref, record.alt, ".", ".", _info(record.truth))
            lines.write("\t".join(map(str, fields)) + "\n")


def _info(truth: SiteVariant | None) -> str:
    if truth is None:
        return "."
    fields = {"KIND": truth.kind, "FACTOR": truth.factor, "PROMOTER": truth.promoter}
    return ";".join(f"{key}={value}" for key, value in fields.items() if value)


def site_records(variants: Sequence[SiteVariant]) -> list[Record]:
    """Makes records of variants whose truth is known, named by their kind and a number."""
    numbers: dict[str, int] = {}
    records = []
    for variant in variants:
        numbers[variant.kind] = numbers.get(variant.kind, 0) + 1
        name = f"{variant.kind}_{numbers[variant.kind]}"
        records.append(Record(variant.chrom, variant.pos, name, variant.ref, variant.alt, variant))
    return records


def other_records(first: Contig, second: Contig) -> list[Record]:
    """Makes records of every kind that occurs in VCF files, including some that cannot be scored."""
    records = []

    def reference(contig: Contig, pos: int, length: int) -> str:
        return letters(contig.codes[pos - 1 : pos - 1 + length])

    def other(bases: str) -> str:
        return bases.translate(str.maketrans("ACGT", "CGTA"))

    def add(contig: Contig, pos: int, name: str, num_ref: int, alt: str) -> None:
        records.append(Record(contig.name, pos, name, reference(contig, pos, num_ref), alt))

    for contig, pos in ((first, 120_000), (second, 210_000)):
        base = reference(contig, pos, 1)
        add(contig, pos, "insertion", 1, base + "ACGTTGCA")
        add(contig, pos + 3_000, "deletion", 13, reference(contig, pos + 3_000, 1))
        add(contig, pos + 6_000, "mnv", 3, other(reference(contig, pos + 6_000, 3)))
        add(contig, pos + 9_000, "delins", 4, other(reference(contig, pos + 9_000, 2)))
        add(contig, pos + 12_000, "long_insertion", 1, reference(contig, pos + 12_000, 1) + "CAGT" * 128)
        several = reference(contig, pos + 15_000, 1)
        add(contig, pos + 15_000, "several_alts", 1, ",".join([other(several), several + "GG", "*"]))
    near_start, near_end = LOWER_CASE.start + 500, len(second.codes) - 1_500
    add(first, near_start, "lower_case_near_start", 1, other(reference(first, near_start, 1)))
    add(second, near_end, "near_end", 1, other(reference(second, near_end, 1)))
    add(first, 200_000, "symbolic", 1, "<DEL>")
    add(first, 201_000, "breakend", 1, f"{reference(first, 201_000, 1)}[{second.name}:300000[")
    add(first, 202_000, "no_alt", 1, ".")
    base = reference(first, 203_000, 1)
    records.append(Record(first.name, 203_000, "ref_mismatch", other(base), other(other(base))))
    records.append(Record(first.name, 203_000, "ref_alt_swapped", other(base), base))
    records.append(Record(first.name, len(first.codes) + 100, "beyond_end", "A", "C"))
    records.append(Record("made_up_3", 1_000, "no_such_contig", "A", "G"))
    return records


def known_truths(records: Sequence[Record]) -> dict[int, SiteVariant]:
    """The truth by the record's number in the VCF, where it is known."""
    return {number: record.truth for number, record in enumerate(records) if record.truth is not None}


def in_order(records: Sequence[Record], contigs: Sequence[Contig]) -> list[Record]:
    """Sorts records by contig, unknown ones last, and position."""
    rank = {contig.name: number for number, contig in enumerate(contigs)}
    return sorted(records, key=lambda record: (rank.get(record.chrom, len(rank)), record.pos))
