"""Reads the arguments of commands: regions and BED files, or variants and files of variants."""

import logging
import os
from collections.abc import Sequence
from contextlib import closing

from enformer_vep.errors import InputError, VcfError
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.header import split_variant
from enformer_vep.io.vcf.reader import STANDARD_INPUT, VcfReader
from enformer_vep.io.vcf.selection import CONTIG_END, NamedRegion, Selection
from enformer_vep.run.score.inputs import check_standard_input
from enformer_vep.wording import did_you_mean, listed, plural

logger = logging.getLogger(__name__)

BED_SUFFIXES = (".bed", ".narrowpeak", ".broadpeak")
VARIANT_SUFFIXES = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")


def parse_regions(regions: Sequence[str]) -> tuple[NamedRegion, ...]:
    """Reads regions and BED files, as `score --region` takes them.

    Raises:
      InputError: one cannot be understood or read.
    """
    return Selection.from_options(regions, pass_only=False, include_id_file=None).named_regions


def find_regions(regions: Sequence[NamedRegion], genome: Genome) -> list[Interval]:
    """Returns the intervals of all regions, named as in the FASTA and cut at the ends of their contigs.

    Raises:
      InputError: a contig is unknown, an interval lies beyond its contig's end, or a region has no base.
    """
    return [interval for region in regions for interval in _on_contigs(region, genome)]


def _on_contigs(region: NamedRegion, genome: Genome) -> list[Interval]:
    intervals = [interval for interval in region.intervals if interval.length]
    if not intervals:
        raise InputError(f"{region.text} has no base: every interval ends where it starts")
    if not region.is_bed:  # a colon in it may belong to the contig's name or not: what the FASTA has counts
        intervals = [interval for interval in intervals if genome.resolve(interval.contig)] or intervals
    kept = [_on_contig(interval, region, genome) for interval in intervals]
    if any(part.end < asked.end < CONTIG_END for part, asked in zip(kept, intervals, strict=True)):
        logger.info("%s reaches beyond the end of a contig: only its part up to there counts", region.text)
    return kept


def _on_contig(interval: Interval, region: NamedRegion, genome: Genome) -> Interval:
    contig = genome.resolve(interval.contig)
    if contig is None:
        raise InputError(
            f"region {region.text!r}: the FASTA has no contig {interval.contig}: expected one of "
            f"{listed(genome.contigs)}{did_you_mean(interval.contig, genome.contigs)}"
        )
    length = genome.contigs[contig]
    if interval.start >= length:
        place = f": its interval {interval.contig}:{interval.start + 1}-{interval.end}" if region.is_bed else ""
        raise InputError(
            f"region {region.text!r}{place} lies outside {contig}, which has {length:,} bp: expected positions of "
            "this contig, and of the assembly of the FASTA"
        )
    return Interval(contig, interval.start, min(interval.end, length))


def read_variants(arguments: Sequence[str], max_alleles: int) -> list[VcfAllele]:
    """Returns the alleles of all arguments, in their order.

    Args:
      arguments: each the path of a VCF, BCF or list of variants, as `score` reads it, '-' for standard input, or a
        variant such as chr1:1000:A:G; chr1-1000-A-G and chr1_1000_A_G are the same. A variant is a record of its own.
      max_alleles: the most alleles that the command is made for.

    Raises:
      InputError: an argument is neither, a file cannot be read, or there are no or too many alleles.
      EnformerVepError: a file is damaged.
    """
    alleles: list[VcfAllele] = []
    for argument in arguments:
        record = alleles[-1].record + 1 if alleles else 0
        alleles.extend(_named(argument, record) or _in_file(argument, record, max_alleles - len(alleles)))
        if len(alleles) > max_alleles:
            raise InputError(
                f"{' '.join(arguments)}: expected at most {plural(max_alleles, 'allele')}, found more: choose fewer"
            )
    if not alleles:
        raise InputError(f"{' '.join(arguments)}: expected at least one variant, found none")
    return alleles


def is_variant(text: str) -> bool:
    """Returns whether an argument names a variant, and is no file."""
    return _split(text) is not None


def _split(text: str) -> list[bytes] | None:
    """Returns the fields of a variant such as chr1:1000:A:G,T; None if it is not one, or is the name of a file."""
    if os.path.exists(text):
        return None
    fields: list[bytes] | None = split_variant(text.encode("utf-8", "surrogateescape"))
    return fields


def _named(text: str, record: int) -> list[VcfAllele]:
    fields = _split(text)
    if fields is None:
        return []
    chrom, pos, name, ref, alts = (field.decode("utf-8", "surrogateescape") for field in fields)
    return [
        VcfAllele(Variant(chrom, int(pos), ref, alt), record, number, name)
        for number, alt in enumerate(alts.split(","), start=1)
    ]


def _in_file(path: str, record: int, max_alleles: int) -> list[VcfAllele]:
    if path == STANDARD_INPUT:
        check_standard_input()
    elif not os.path.exists(path):
        raise VcfError(
            f"{path!r} is neither a variant nor a file: expected chr:pos:ref:alt, such as chr1:1000:A:G, or a VCF"
        )
    alleles: list[VcfAllele] = []
    is_piped = path == STANDARD_INPUT
    source = ("/dev/stdin", "standard input") if is_piped else (path, path)
    with closing(VcfReader(source[0], name=source[1])) as reader:
        for allele in reader:
            alleles.append(allele._replace(record=record + allele.record))
            if len(alleles) > max_alleles:
                break
    return alleles


def name_variants(arguments: Sequence[str]) -> bool:
    """Returns whether arguments name variants, and not regions.

    A file whose name ends in one of BED_SUFFIXES has regions, every other file has variants.

    Raises:
      InputError: some name variants and some name regions.
    """
    variants = [_names_variants(argument) for argument in arguments]
    if any(variants) and not all(variants):
        region, variant = arguments[variants.index(False)], arguments[variants.index(True)]
        raise InputError(
            f"{region} is a region and {variant} is a variant or a file of variants: expected either regions, "
            "or variants; the names of BED files end in .bed"
        )
    return variants[0]


def _names_variants(argument: str) -> bool:
    name = argument.lower()
    if argument == STANDARD_INPUT or is_variant(argument) or name.endswith(VARIANT_SUFFIXES):
        return True
    return not name.endswith(BED_SUFFIXES) and os.path.isfile(argument)
