"""Reads a VCF once from end to end, before anything slow starts: its content, and a sample of its alleles."""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from enformer_vep.genome.variant import Variant, check_alleles
from enformer_vep.io.alleles import VcfAllele
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
    sampler = _Sampler(sample_size)
    with closing(VcfReader(path, selection, name=name)) as reader:
        for allele in reader:
            sampler.add(allele)
        return Survey(
            reader.num_records,
            reader.num_alleles,
            reader.num_records_left_out,
            tuple(sampler.sample),
            reader.contigs,
            frozenset(sampler.contigs),
            reader.notice,
        )


def survey_alleles(alleles: Sequence[VcfAllele], *, sample_size: int = 1000) -> Survey:
    """Returns what `survey_vcf` would say of a file with these alleles of whole records, none of them left out."""
    sampler = _Sampler(sample_size)
    for allele in alleles:
        sampler.add(allele)
    contigs = frozenset(allele.variant.chrom for allele in alleles)
    num_records = len({allele.record for allele in alleles})
    return Survey(num_records, len(alleles), 0, tuple(sampler.sample), contigs, frozenset(sampler.contigs))


class _Sampler:
    """Keeps an evenly spread sample of the plain alleles, and the names of their contigs."""

    def __init__(self, size: int) -> None:
        self.sample: list[Variant] = []
        self.contigs: set[str] = set()
        self._size = size
        self._stride = 1
        self._number = 0

    def add(self, allele: VcfAllele) -> None:
        if allele.malformed or check_alleles(allele.variant, sys.maxsize) is not None:
            return
        self.contigs.add(allele.variant.chrom)
        if self._number % self._stride == 0:
            self.sample.append(allele.variant)
            if len(self.sample) > self._size:
                self.sample = self.sample[::2]
                self._stride *= 2
        self._number += 1
