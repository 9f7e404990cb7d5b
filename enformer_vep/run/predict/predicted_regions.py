"""Finds the regions that are to be predicted on the contigs of a genome."""

import logging
from collections.abc import Sequence

from enformer_vep.errors import InputError
from enformer_vep.genome.variant import Interval
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.selection import CONTIG_END, NamedRegion, Selection
from enformer_vep.wording import did_you_mean, listed

logger = logging.getLogger(__name__)


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
    return [interval for region in regions for interval in _find(region, genome)]


def _find(region: NamedRegion, genome: Genome) -> list[Interval]:
    intervals = [interval for interval in region.intervals if interval.length]
    if not intervals:
        raise InputError(f"{region.text} has no base: every interval ends where it starts")
    if not region.is_bed:  # a colon in it may belong to the contig's name or not: what the FASTA has counts
        intervals = [interval for interval in intervals if genome.resolve(interval.contig)] or intervals
    found = [_on_contig(interval, region, genome) for interval in intervals]
    if any(kept.end < asked.end < CONTIG_END for kept, asked in zip(found, intervals, strict=True)):
        logger.info("%s reaches beyond the end of a contig: only its part up to there counts", region.text)
    return found


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
