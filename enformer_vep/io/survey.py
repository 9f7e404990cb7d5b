"""Reads a VCF once from end to end, before anything slow starts: its content, and a sample of its alleles."""

import sys
from contextlib import closing
from dataclasses import dataclass

from enformer_vep.genome.variant import Variant, check_alleles
from enformer_vep.io.selection import Selection
from enformer_vep.io.vcf import VcfReader


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

    Every allele is kept at first, then every 2nd, 4th, 8th and so on, as the file turns out to be longer.

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
    stride = 1
    number = 0
    with closing(VcfReader(path, selection, name=name)) as reader:
        for allele in reader:
            if allele.malformed or check_alleles(allele.variant, sys.maxsize) is not None:
                continue
            plain_contigs.add(allele.variant.chrom)
            if number % stride == 0:
                sample.append(allele.variant)
                if len(sample) > sample_size:
                    sample = sample[::2]
                    stride *= 2
            number += 1
        return Survey(
            reader.num_records,
            reader.num_alleles,
            reader.num_records_left_out,
            tuple(sample),
            reader.contigs,
            frozenset(plain_contigs),
            reader.notice,
        )
