"""Windows that cover regions of the genome, so that each base is in the scored bins of exactly one of them, or of N.

Bins and windows lie on a lattice that begins at the contig's first base: bin n holds the 128 bases from 128 n, and the
scored bins of window m are the 896 from 896 m / N. So a bin's prediction does not depend on the regions that are asked
for. Neighbouring windows share a part of their towers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BinSpan:
    """Neighbouring bins of a contig.

    Attributes:
      contig: as the FASTA names it.
      first: number of the first bin, which begins at `offset_bp` and `first` times the bins' length.
      stop: the number after the last one's.
      offset_bp: where bin 0 begins: 0 on the contig's lattice, anything in a window that does not lie on it.
    """

    contig: str
    first: int
    stop: int
    offset_bp: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.stop:
            raise ValueError(f"expected at least one bin, with numbers from 0, got {self}")

    @property
    def num_bins(self) -> int:
        """Number of bins."""
        return self.stop - self.first

    def edges(self, length_bp: int, bin_size_bp: int) -> tuple[Int64s, Int64s]:
        """Returns where the bins begin and end, each int64 [bins], cut at the ends of a contig of this length."""
        starts = self.offset_bp + np.arange(self.first, self.stop, dtype=np.int64) * bin_size_bp
        return np.maximum(starts, 0), np.minimum(starts + bin_size_bp, length_bp)


@dataclass(frozen=True)
class Tile:
    """One window, and those of its scored bins that are wanted.

    Attributes:
      window: the model's input; it may reach beyond the contig's ends.
      first: number of its first scored bin on the contig; negative if it lies before the contig.
      spans: the wanted bins, ascending; all of them are scored bins of this window.
    """

    window: Interval
    first: int
    spans: tuple[BinSpan, ...]

    def scored(self, span: BinSpan) -> slice:
        """Returns where the bins of a span are among the window's scored bins."""
        return slice(span.first - self.first, span.stop - self.first)

    def wanted(self, first: int, stop: int) -> list[BinSpan]:
        """Returns those of the wanted bins that have these numbers."""
        return [
            BinSpan(span.contig, max(span.first, first), min(span.stop, stop))
            for span in self.spans
            if span.first < stop and first < span.stop
        ]


def covering_bins(intervals: Iterable[Interval], bin_size_bp: int) -> list[BinSpan]:
    """Returns the bins that overlap any of the intervals, each once.

    Args:
      intervals: in any order; they may overlap. Empty ones have no bins.
      bin_size_bp: length of a bin.

    Returns:
      Spans by the names of their contigs, in the order of their characters as bigWig needs it, and by position. No two
      of them touch.
    """
    spans: list[BinSpan] = []
    for interval in sorted(intervals, key=lambda interval: (interval.contig, interval.start, interval.end)):
        if not interval.length:
            continue
        span = BinSpan(interval.contig, interval.start // bin_size_bp, -(-interval.end // bin_size_bp))
        last = spans[-1] if spans else None
        if last is not None and last.contig == span.contig and span.first <= last.stop:
            spans[-1] = BinSpan(last.contig, last.first, max(last.stop, span.stop))
        else:
            spans.append(span)
    return spans


def bins_within(bins: Interval, length_bp: int, bin_size_bp: int) -> BinSpan:
    """Returns those of neighbouring bins that overlap a contig, by their numbers in the interval.

    Args:
      bins: the bases of the bins, which may reach beyond the contig's ends; some lie within.
      length_bp: length of the contig.
      bin_size_bp: length of a bin.
    """
    first = max(0, -bins.start // bin_size_bp)
    stop = -(-(min(bins.end, length_bp) - bins.start) // bin_size_bp)
    return BinSpan(bins.contig, first, stop, bins.start)


def tiles(spans: Iterable[BinSpan], geometry: Geometry, windows_per_bin: int = 1) -> list[Tile]:
    """Returns the windows whose scored bins cover the spans, in their order; each is there once.

    Args:
      spans: as `covering_bins` returns them.
      geometry: the model's lengths.
      windows_per_bin: how many windows have each bin among their scored bins, at a contig's ends too. Divides the
        number of scored bins.
    """
    step = stride(geometry, windows_per_bin)
    spans_of_windows: dict[tuple[str, int], list[BinSpan]] = {}
    for span in spans:
        for number in range(span.first // step - windows_per_bin + 1, (span.stop - 1) // step + 1):
            first, stop = max(span.first, number * step), min(span.stop, number * step + geometry.num_bins)
            spans_of_windows.setdefault((span.contig, number * step), []).append(BinSpan(span.contig, first, stop))
    return [_tile(contig, first, pieces, geometry) for (contig, first), pieces in spans_of_windows.items()]


def stride(geometry: Geometry, windows_per_bin: int) -> int:
    """Returns the distance of neighbouring windows in bins, if each bin is in this many windows.

    Raises:
      ValueError: the number does not divide that of the scored bins.
    """
    if windows_per_bin < 1 or geometry.num_bins % windows_per_bin:
        divisors = [number for number in range(1, geometry.num_bins + 1) if geometry.num_bins % number == 0]
        raise ValueError(
            f"windows per bin must divide the {geometry.num_bins} scored bins of a window: expected one of "
            f"{', '.join(map(str, divisors))}; got {windows_per_bin}"
        )
    return geometry.num_bins // windows_per_bin


def _tile(contig: str, first: int, spans: Iterable[BinSpan], geometry: Geometry) -> Tile:
    start = (first - geometry.crop_bins) * geometry.bin_size_bp
    return Tile(Interval(contig, start, start + geometry.sequence_length_bp), first, tuple(spans))
