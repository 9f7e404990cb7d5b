"""Windows that cover regions of the genome, so that each base is in the scored bins of exactly one of them.

Bins and windows lie on a lattice that begins at the contig's first base: bin n holds the 128 bases from 128 n, and the
scored bins of window m are the 896 from 896 m. So a bin's prediction does not depend on the regions that are asked for.
Neighbouring windows share a part of their towers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval


@dataclass(frozen=True)
class BinSpan:
    """Neighbouring bins of a contig.

    Attributes:
      contig: as the FASTA names it.
      first: number of the first bin, which begins at `first` times the bins' length.
      stop: the number after the last one's.
    """

    contig: str
    first: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.stop:
            raise ValueError(f"expected at least one bin, with numbers from 0, got {self}")

    @property
    def num_bins(self) -> int:
        """Number of bins."""
        return self.stop - self.first


@dataclass(frozen=True)
class Tile:
    """One window, and those of its scored bins that are wanted.

    Attributes:
      window: what the model reads; it may reach beyond the contig's ends.
      first: number of its first scored bin on the contig.
      spans: the wanted bins, ascending; all of them are scored bins of this window.
    """

    window: Interval
    first: int
    spans: tuple[BinSpan, ...]

    def scored(self, span: BinSpan) -> slice:
        """Returns where the bins of a span are among the window's scored bins."""
        return slice(span.first - self.first, span.stop - self.first)


def covering_bins(intervals: Iterable[Interval], bin_size_bp: int) -> list[BinSpan]:
    """Returns the bins that overlap any of the intervals, each once.

    Args:
      intervals: in any order; they may overlap. Empty ones have no bins.
      bin_size_bp: length of a bin.

    Returns:
      Spans by the names of their contigs, in the order of their characters as bigWig needs it, and by position. No two
      of them touch.
    """
    found: list[BinSpan] = []
    for interval in sorted(intervals, key=lambda interval: (interval.contig, interval.start, interval.end)):
        if not interval.length:
            continue
        span = BinSpan(interval.contig, interval.start // bin_size_bp, -(-interval.end // bin_size_bp))
        last = found[-1] if found else None
        if last is not None and last.contig == span.contig and span.first <= last.stop:
            found[-1] = BinSpan(last.contig, last.first, max(last.stop, span.stop))
        else:
            found.append(span)
    return found


def tiles(spans: Iterable[BinSpan], geometry: Geometry) -> list[Tile]:
    """Returns the windows whose scored bins cover the spans, in their order; each is there once.

    Args:
      spans: as `covering_bins` returns them.
      geometry: the model's lengths.
    """
    found = []
    for (contig, number), pieces in groupby(_pieces(spans, geometry.num_bins), key=lambda piece: piece[0]):
        first = number * geometry.num_bins
        start = (first - geometry.crop_bins) * geometry.bin_size_bp
        window = Interval(contig, start, start + geometry.sequence_length_bp)
        found.append(Tile(window, first, tuple(span for _, span in pieces)))
    return found


def _pieces(spans: Iterable[BinSpan], num_bins: int) -> Iterator[tuple[tuple[str, int], BinSpan]]:
    """Yields the spans cut where windows meet, each with its contig and the number of its window."""
    for span in spans:
        for number in range(span.first // num_bins, (span.stop - 1) // num_bins + 1):
            first, stop = max(span.first, number * num_bins), min(span.stop, (number + 1) * num_bins)
            yield (span.contig, number), BinSpan(span.contig, first, stop)
