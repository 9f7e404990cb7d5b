"""The files that the pages speak of: a cache with hg38 and weights, VCFs, genes, peaks, and the demo's files.

Weights, genome and variants are small and made up, and have the names and places of the real ones. So commands run as
they stand on the pages.
"""

import dataclasses
import gzip
from pathlib import Path

import pandas as pd
import pysam

import enformer_vep as ev
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.location import locate_model
from enformer_vep.model.weights import save_model
from tests.support import TINY_CONFIG, named_tracks, random_sequence, reference_model

START = 5_490_000
"""Where the sequence of chr7 begins; before it is N."""

BASES = {5_527_157: "C", 5_530_000: "C", 5_530_600: "A", 5_530_601: "C", 5_530_720: "G"}
"""REF alleles of the variants that the pages name, by position (1-based)."""

TRACKS = {
    "ENCFF833POA": "DNASE:K562",
    "CNhs10608": "CAGE:HepG2",
    "CNhs11250": "CAGE:chronic myelogenous leukemia cell line:K562",
    "ENCFF601VTB": "CHIP:CTCF:HepG2",
    **{f"ENCFF{number:06}": f"CHIP:H3K27ac:cell {number}" for number in range(16)},
}
"""As many as `components` fits by default, 20: identifiers and descriptions."""

FITTED = range(5_526_000, 5_526_300, 10)
"""Positions of more variants than there are tracks."""

_TRANSITIONS = {"C": "T", "A": "G", "G": "A", "T": "C"}
_HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr7>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write_world(folder: Path) -> None:
    """Writes every file that the pages name as if it were there, under its name."""
    sequence = bytearray(random_sequence(120_000).encode())
    for pos, base in BASES.items():
        sequence[pos - 1 - START : pos - START] = base.encode()
    write_cache(folder / "cache", sequence)
    write_variants(folder, sequence)
    named_tracks(TRACKS).table.to_csv(folder / "targets_human.txt", sep="\t", index=False)
    (folder / "peaks.bed").write_text("chr7\t5530000\t5530008\nchr7\t5531000\t5531008\n")
    for name in ("gencode.v46.annotation.gtf.gz", "gencode.gtf.gz"):
        with gzip.open(folder / name, "wt") as lines:
            for kind in ("gene", "transcript", "exon"):
                extra = "" if kind == "gene" else ' transcript_id "T1";'
                lines.write(f'chr7\tx\t{kind}\t5527000\t5530601\t.\t-\t.\tgene_id "G1"; gene_name "ACTB";{extra}\n')
    ev.demo_files(folder / "demo")
    config = dataclasses.replace(TINY_CONFIG, sequence_length_bp=128 * 120, num_bins=104, heads={"human": 12})
    write_model(folder / "small_demo" / "model", config, read_demo_tracks())


def write_cache(folder: Path, sequence: bytes) -> None:
    """Writes what `enformer-vep fetch weights tracks genome hg38` brings, with the sequence of chr7 from START."""
    genome = folder / "genomes" / "hg38.fa.gz"
    genome.parent.mkdir(parents=True)
    with pysam.BGZFile(str(genome), "w") as out:
        text = b"N" * START + sequence
        out.write(b">chr7\n" + b"".join(text[at : at + 60] + b"\n" for at in range(0, len(text), 60)))
    pysam.faidx(str(genome))
    config = dataclasses.replace(TINY_CONFIG, heads={"human": len(TRACKS)})
    write_model(folder / "models" / "enformer", config, named_tracks(TRACKS).table)


def write_model(folder: Path, config: EnformerConfig, tracks: pd.DataFrame) -> None:
    """Writes a tiny model with a table that names its tracks."""
    save_model(reference_model(config), folder)
    tracks.to_csv(folder / "tracks_human.tsv", sep="\t", index=False)


def read_demo_tracks() -> pd.DataFrame:
    """Reads the table of the demo's tracks."""
    path = locate_model("demo").track_table_path("human")
    assert path
    return pd.read_csv(path, sep="\t")


def write_variants(folder: Path, sequence: bytes) -> None:
    """Writes VCFs of some variants, and one of the more that a transform is fitted to."""
    some = {*BASES, *range(5_527_200, 5_527_270, 10)}
    for name, positions in (("input", some), ("variants", some), ("saturation", some), ("common", FITTED)):
        text = vcf_of(sorted(positions), sequence)
        (folder / f"{name}.vcf").write_text(text)
        with pysam.BGZFile(str(folder / f"{name}.vcf.gz"), "w") as out:
            out.write(text.encode())
        pysam.tabix_index(str(folder / f"{name}.vcf.gz"), preset="vcf")


def vcf_of(positions: list[int], sequence: bytes) -> str:
    """The text of a VCF with a transition at each position."""
    records = []
    for number, pos in enumerate(positions):
        ref = chr(sequence[pos - 1 - START])
        records.append(f"chr7\t{pos}\trs{number}\t{ref}\t{_TRANSITIONS[ref]}\t.\tPASS\t.\n")
    return _HEADER + "".join(records)
