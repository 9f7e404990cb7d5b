"""Genes by where their transcription starts, and the bins in which a window shows their promoters."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.edit import Edit
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.windows import IndelPolicy

FORWARD, REVERSE = "+", "-"

Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Gene:
    """A gene on one strand of one contig.

    Attributes:
      id: its identifier.
      name: its symbol, or its identifier if it has none.
      contig: the contig.
      strand: '+' or '-'.
      tss: where its transcripts start: each position once, 0-based, in ascending order.
      num_transcripts: number of these transcripts.
      body: from the first to the last base of these transcripts, 0-based and half-open; None if it is not known. Genes
        are equal whatever their bodies.

    Raises:
      ValueError: the strand is unknown, or there is no start.
    """

    id: str
    name: str
    contig: str
    strand: str
    tss: tuple[int, ...]
    num_transcripts: int
    body: tuple[int, int] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.strand not in (FORWARD, REVERSE) or not self.tss:
            raise ValueError(f"a gene has strand + or - and at least one start, got {self!r}")

    @property
    def extent(self) -> tuple[int, int]:
        """The body, or the bases from the first to the last start if it is not known."""
        return self.body or (self.tss[0], self.tss[-1] + 1)

    @property
    def centre(self) -> int:
        """The start that a window of the gene is centred on: the middle one, of two the left one."""
        return self.tss[(len(self.tss) - 1) // 2]

    def nearest_tss(self, position: int) -> int:
        """Returns the start that is nearest to a 0-based position, of two the left one."""
        return min(self.tss, key=lambda tss: abs(position - tss))

    def distance_bp(self, position: int) -> int:
        """Returns how far a 0-based position lies from the nearest start: negative upstream of it."""
        from_left = position - self.nearest_tss(position)
        return from_left if self.strand == FORWARD else -from_left


class TssBins(Enum):
    """How many bins around a start count as its promoter; the value is their number."""

    THREE = 3
    TEN = 10

    def around(self, number: int) -> range:
        """Returns the bins around the one that holds a start.

        Three are that bin and its neighbours (Sasse et al. 2023; Karollus et al. 2023). Ten are those of Huang et al.
        2023, 443 to 452 of a window whose start lies in bin 447: four to the left and five to the right, on either
        strand.
        """
        return range(number - 1, number + 2) if self is TssBins.THREE else range(number - 4, number + 6)


@dataclass(frozen=True, eq=False)
class BinPairs:
    """For each of G genes, pairs of bins that show the same place: of the reference's prediction, and the alternate's.

    They differ only where an allele changes the length and moves a promoter within its window.

    Attributes:
      numbers: int32 [2, G, K], the bins of the reference and of the alternate; -1 where a gene has fewer than K pairs.
    """

    numbers: Int32s

    @classmethod
    def of(cls, pairs: Sequence[Mapping[int, int]]) -> "BinPairs":
        """Collects each gene's pairs: the alternate's bins by the reference's."""
        numbers = np.full((2, len(pairs), max(map(len, pairs), default=0)), -1, dtype=np.int32)
        for number, of_gene in enumerate(pairs):
            numbers[:, number, : len(of_gene)] = list(of_gene), list(of_gene.values())
        return cls(numbers)

    @property
    def num_genes(self) -> int:
        """Number of genes."""
        return int(self.numbers.shape[1])


class GeneIndex:
    """Genes, found by where they start.

    Attributes:
      genes: the genes in order: by contig, first start and identifier. A gene's number is its place among them.
    """

    def __init__(self, genes: Iterable[Gene]) -> None:
        self.genes = tuple(sorted(genes, key=lambda gene: (gene.contig, gene.tss, gene.id, gene.strand)))
        starts: dict[str, list[tuple[int, int]]] = defaultdict(list)
        centres: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, gene in enumerate(self.genes):
            starts[gene.contig] += [(tss, number) for tss in gene.tss]
            centres[gene.contig].append((gene.centre, number))
        self._starts = {contig: sorted(places) for contig, places in starts.items()}
        self._centres = {contig: sorted(places) for contig, places in centres.items()}

    def overlapping(self, interval: Interval) -> list[Gene]:
        """Returns the genes that have a base in an interval, in order."""
        return [
            gene
            for gene in self.genes
            if gene.contig == interval.contig and gene.extent[0] < interval.end and gene.extent[1] > interval.start
        ]

    def with_start_in(self, interval: Interval) -> list[int]:
        """Returns the numbers of genes of which a transcript starts in an interval, in order."""
        return _within(self._starts.get(interval.contig, []), interval.start, interval.end)

    def nearest(self, contig: str, position: int) -> Gene | None:
        """Returns the gene with the start that is nearest to a 0-based position, of two the left one; None if none."""
        starts = self._starts.get(contig, [])
        right = bisect_left(starts, (position, -1))
        near = starts[max(right - 1, 0) : right + 1]
        return self.genes[min(near, key=lambda start: abs(start[0] - position))[1]] if near else None

    def around(self, variant: Variant, contig: str, geometry: Geometry) -> list[int]:
        """Returns the numbers of genes whose own window has all of a variant's REF, and room for its ALT, in order.

        Args:
          variant: the allele.
          contig: its contig as the genes have it.
          geometry: the lengths of a window, whose centre is the gene's.
        """
        longest_bp = max(len(variant.ref), len(variant.alt))
        offset_bp = geometry.variant_offset_bp
        first = variant.start + longest_bp - geometry.sequence_length_bp + offset_bp
        return _within(self._centres.get(contig, []), first, variant.start + offset_bp + 1)


def _within(places: Sequence[tuple[int, int]], start: int, end: int) -> list[int]:
    return sorted({number for _, number in places[bisect_left(places, (start, -1)) : bisect_left(places, (end, -1))]})


def tss_window(gene: Gene, geometry: Geometry) -> Interval:
    """Returns the window of a gene: its centre stands where a centred window has its variant, in bin 447 officially."""
    start = gene.centre - geometry.variant_offset_bp
    return Interval(gene.contig, start, start + geometry.sequence_length_bp)


def scored_interval(window: Interval, geometry: Geometry) -> Interval:
    """Returns the part of a window that the scored bins make up."""
    start = window.start + geometry.crop_bins * geometry.bin_size_bp
    return Interval(window.contig, start, start + geometry.num_bins * geometry.bin_size_bp)


@dataclass(frozen=True)
class PromoterBins:
    """Finds the bins that show promoters, in both alleles' predictions.

    Attributes:
      width: the bins of one start.
      policy: how alleles that change the length are compared, which decides where their flanks stand.
      geometry: the model's lengths.
    """

    width: TssBins
    policy: IndelPolicy
    geometry: Geometry

    def pairs(self, gene: Gene, window: Interval, edit: Edit | None) -> dict[int, int]:
        """Returns the bins around every start of a gene that lies in the scored bins, each bin once.

        Args:
          gene: the gene, on the window's contig.
          window: the reference window.
          edit: the allele's edit, None if it equals the genome.

        Returns:
          The alternate's bins by the reference's; empty if no start is in the scored bins.
        """
        bin_size_bp, first = self.geometry.bin_size_bp, self.geometry.crop_bins
        scored = range(self.geometry.num_bins)
        scored_bp = scored_interval(window, self.geometry)
        pairs: dict[int, int] = {}
        for tss in gene.tss:
            if not scored_bp.start <= tss < scored_bp.end:
                continue
            for of_reference, of_alternate in self._places(tss, edit):
                centres = ((place - window.start) // bin_size_bp - first for place in (of_reference, of_alternate))
                for pair in zip(*map(self.width.around, centres), strict=True):
                    if pair[0] in scored and pair[1] in scored:
                        pairs.setdefault(*pair)
        return pairs

    def _places(self, tss: int, edit: Edit | None) -> list[tuple[int, int]]:
        """Returns where a start stands in the reference's prediction and in the alternate's, as places of the window.

        `ViewSettings.views` makes the sequences that this describes.
        """
        if edit is None or not edit.shift_bp:
            return [(tss, tss)]
        shift_bp = edit.shift_bp
        from_left = _moved(tss, edit)
        if self.policy is IndelPolicy.LEFT:
            return [(tss, from_left)]
        if self.policy is IndelPolicy.AVERAGE:  # half of the mean has each place, and the sum over all has them both
            places = dict.fromkeys((tss, from_left, from_left - shift_bp))
            return [(place, place) for place in places]
        is_one_pass = self.policy is IndelPolicy.TOWER and abs(shift_bp) <= self.geometry.bin_size_bp
        if is_one_pass or shift_bp > 0:
            return [(tss, tss)]  # both flanks are in the reference's place
        return [(from_left, from_left)]  # of a stitched deletion, both alleles have the alternate's places


def _moved(tss: int, edit: Edit) -> int:
    """Returns where a start stands in the alternate whose left flank stays in place."""
    if tss < edit.start:
        return tss
    if tss >= edit.end:
        return tss + edit.shift_bp
    return min(tss, edit.alternate_end)
