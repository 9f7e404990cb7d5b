"""Small VCF files of every kind, and what is read of them."""

from contextlib import closing
from pathlib import Path

import pysam

from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.reader import VcfReader
from enformer_vep.io.vcf.selection import Selection

RECORDS = [
    ("chr2", 100, "rs1", "A", "C"),
    ("chr1", 50, ".", "AT", "A,<DEL>,*"),
    ("1", 7, "x;y", "g", "."),
]
EXPECTED = [
    ("chr2", 100, "rs1", "A", "C", 0, 1),
    ("chr1", 50, ".", "AT", "A", 1, 1),
    ("chr1", 50, ".", "AT", "<DEL>", 1, 2),
    ("chr1", 50, ".", "AT", "*", 1, 3),
    ("1", 7, "x;y", "g", ".", 2, 1),
]
"""The alleles of RECORDS: five fields as they stand, the record's number and the allele's."""

HEADER = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RECORD = b"chr1\t5\t.\tA\tC\t.\t.\t.\n"


def read_all(path: str | Path, selection: Selection | None = None) -> list[VcfAllele]:
    """Reads a file to its end, where the reader's counts must close."""
    with closing(VcfReader(str(path), selection)) as reader:
        found = list(reader)
        assert reader.num_alleles == len(found)
        assert reader.num_records - reader.num_records_left_out == len({allele.record for allele in found})
    return found


def alleles(path: str | Path) -> list[tuple]:
    """The fields of all alleles, with their numbers."""
    return [tuple(allele.fields) for allele in read_all(path)]


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def write_bcf(path: Path, plain: str, mode: str = "wb") -> str:
    """Converts a VCF that declares its contigs; mode "wu" does not compress."""
    with pysam.VariantFile(plain) as source, pysam.VariantFile(str(path), mode, header=source.header) as target:
        for record in source:
            target.write(record)
    return str(path)
