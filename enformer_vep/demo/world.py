"""The demo's made-up world: a small genome and variants of every kind, from a fixed seed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

SEED = 20210415
CONTIG_LENGTHS = {"made_up_1": 400_000, "made_up_2": 410_000}
NUM_TELOMERE_BP = 1_000
LINE_BP = 60
NOTICE = "made up from a fixed seed, of no organism, means nothing biologically"

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
BASE_FREQUENCIES = (0.295, 0.205, 0.205, 0.295)
"""Those of the human genome, about 41% G and C."""

NUM_SNVS = 24


def make_genome() -> dict[str, str]:
    """Returns the contigs' sequences: random bases between telomeres of N, a stretch of them in lower case."""
    rng = np.random.default_rng(SEED)
    genome = {}
    for name, length in CONTIG_LENGTHS.items():
        sequence = rng.choice(BASES, length, p=BASE_FREQUENCIES).tobytes().decode()
        telomere = "N" * NUM_TELOMERE_BP
        middle = sequence[NUM_TELOMERE_BP:-NUM_TELOMERE_BP]
        genome[name] = telomere + middle[:5_000] + middle[5_000:8_000].lower() + middle[8_000:] + telomere
    return genome


def make_records(genome: dict[str, str]) -> list[tuple[str, int, str, str, str]]:
    """Returns chrom, pos, id, ref and alt of the records, in order: of every kind, scorable or not."""
    rng = np.random.default_rng(SEED + 1)
    records = list(_snvs(genome, rng))
    first, second = CONTIG_LENGTHS

    def reference(contig: str, pos: int, length: int) -> str:
        return genome[contig][pos - 1 : pos - 1 + length].upper()

    def other(bases: str) -> str:
        return bases.translate(str.maketrans("ACGT", "CGTA"))

    def add(contig: str, pos: int, name: str, num_ref: int, alt: str) -> None:
        records.append((contig, pos, name, reference(contig, pos, num_ref), alt))

    for contig, pos in ((first, 120_000), (second, 210_000)):
        base = reference(contig, pos, 1)
        add(contig, pos, "insertion", 1, base + "ACGTTGCA")
        add(contig, pos + 3_000, "deletion", 13, reference(contig, pos + 3_000, 1))
        add(contig, pos + 6_000, "mnv", 3, other(reference(contig, pos + 6_000, 3)))
        add(contig, pos + 9_000, "delins", 4, other(reference(contig, pos + 9_000, 2)))
        add(contig, pos + 12_000, "long_insertion", 1, reference(contig, pos + 12_000, 1) + "CAGT" * 128)
        several = reference(contig, pos + 15_000, 1)
        alts = [other(several), several + "GG", "*"]
        add(contig, pos + 15_000, "several_alts", 1, ",".join(alts))
    add(first, 6_500, "lower_case_near_start", 1, other(reference(first, 6_500, 1)))
    add(
        second,
        CONTIG_LENGTHS[second] - 1_500,
        "near_end",
        1,
        other(reference(second, CONTIG_LENGTHS[second] - 1_500, 1)),
    )
    add(first, 200_000, "symbolic", 1, "<DEL>")
    add(first, 201_000, "breakend", 1, f"{reference(first, 201_000, 1)}[{second}:300000[")
    add(first, 202_000, "no_alt", 1, ".")
    base = reference(first, 203_000, 1)
    records.append((first, 203_000, "ref_mismatch", other(base), other(other(base))))
    records.append((first, 203_000, "ref_alt_swapped", other(base), base))
    records.append((first, CONTIG_LENGTHS[first] + 100, "beyond_end", "A", "C"))
    contig_rank = {name: rank for rank, name in enumerate(CONTIG_LENGTHS)}
    records.sort(key=lambda record: (contig_rank[record[0]], record[1]))
    return [*records, ("made_up_3", 1_000, "no_such_contig", "A", "G")]


def _snvs(genome: dict[str, str], rng: np.random.Generator) -> Iterator[tuple[str, int, str, str, str]]:
    for number in range(NUM_SNVS):
        contig = list(genome)[number % len(genome)]
        pos = int(rng.integers(20_000, CONTIG_LENGTHS[contig] - 20_000))
        ref = genome[contig][pos - 1].upper()
        alt = str(rng.choice([base for base in "ACGT" if base != ref]))
        yield contig, pos, f"snv_{number}", ref, alt


def write_world(fasta: Path, vcf: Path) -> None:
    """Writes the genome and the variants; both files say that they are made up."""
    genome = make_genome()
    with fasta.open("w", encoding="ascii") as lines:
        for name, sequence in genome.items():
            lines.write(f">{name} {NOTICE}\n")
            lines.writelines(f"{sequence[at : at + LINE_BP]}\n" for at in range(0, len(sequence), LINE_BP))
    with vcf.open("w", encoding="ascii") as lines:
        lines.write(f"##fileformat=VCFv4.3\n##source=enformer-vep demo: {NOTICE}\n")
        lines.writelines(f"##contig=<ID={name},length={length}>\n" for name, length in CONTIG_LENGTHS.items())
        lines.write("##contig=<ID=made_up_3>\n")
        lines.write('##ALT=<ID=DEL,Description="Deletion">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n')
        for chrom, pos, name, ref, alt in make_records(genome):
            lines.write(f"{chrom}\t{pos}\t{name}\t{ref}\t{alt}\t.\t.\t.\n")
