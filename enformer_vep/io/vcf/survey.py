"""Reads a VCF once from end to end, before anything slow starts: its content, and a sample of its alleles."""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from enformer_vep.genome.variant import Variant, check_alleles
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.reader import VcfReader
from enformer_vep.io.vcf.selection import Selection


@dataclass(frozen=True)
class Survey:
    """The result of one pass over a file.

    Attributes:
      num_records: all records of the file.
      num_alleles: alleles of the selected records.
      num_records_left_out: records that the selection leaves out.
      sample: some of the selected alleles that are plain sequences, spread evenly over the file.
      contigs: the contigs that the file declares, and those of its records, selected or not.
      plain_contigs: the contigs of the selected alleles that are plain sequences.
      notice: a sentence on what the file lacks; empty if it has a VCF header.
    """

    num_records: int
    num_alleles: int
    num_records_left_out: int
    sample: tuple[Variant, ...]
    contigs: frozenset[str] = frozenset()
    plain_contigs: frozenset[str] = frozenset()
    notice: str = ""


def survey_vcf(
    path: str, selection: Selection | None = None, *, name: str | None = None, sample_size: int = 1000
) -> Survey:
    """Reads a file from end to end, counts its records, and keeps an evenly spread sample of its plain alleles.

    Every plain allele is kept at first, then one of every 2, 4, 8 and so on, as the file turns out to be longer. Most
    alleles between them are only counted.

    Args:
      path: the file.
      selection: which records are wanted; None for all.
      name: the file's name in messages, by default its path.
      sample_size: the largest number of alleles that are kept; from a large file, more than half as many are.

    Raises:
      VcfError: it cannot be read to its end.
    """
    sample: list[Variant] = []
    plain_contigs: set[str] = set()
    stride = next_sampled = 1
    with closing(VcfReader(path, selection, name=name)) as reader:
        for allele in reader:
            if not _is_plain(allele):
                continue
            plain_contigs.add(allele.variant.chrom)
            if reader.num_alleles >= next_sampled:
                sample.append(allele.variant)
                next_sampled = reader.num_alleles + stride
                if len(sample) > sample_size:
                    next_sampled += stride if len(sample) % 2 else 0  # or the newest is dropped
                    del sample[1::2]
                    stride *= 2
            reader.skip_to(next_sampled)
        return Survey(
            reader.num_records,
            reader.num_alleles,
            reader.num_records_left_out,
            tuple(sample),
            reader.contigs,
            frozenset(plain_contigs),
            reader.notice,
        )


def survey_alleles(alleles: Sequence[VcfAllele], *, sample_size: int = 1000) -> Survey:
    """Returns what a file with these alleles of whole records holds, none of them left out."""
    plain = [allele.variant for allele in alleles if _is_plain(allele)]
    sample = tuple(plain[:: -(-len(plain) // sample_size) or 1])
    contigs = frozenset(allele.variant.chrom for allele in alleles)
    num_records = len({allele.record for allele in alleles})
    return Survey(num_records, len(alleles), 0, sample, contigs, frozenset(variant.chrom for variant in plain))


def _is_plain(allele: VcfAllele) -> bool:
    return not allele.malformed and check_alleles(allele.variant, sys.maxsize) is None
