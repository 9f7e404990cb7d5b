"""Which tower bins depend on which bases: plain integers, from the widths of a configuration's kernels.

Offsets are into a window, in bp or in tower bins as the names say. A tower bin depends on its own bases and on
`context_bp` more on either side; at the window's ends, that context is zero padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from enformer_vep.genome.layout import Span, Splice, Strand, TowerInput
from enformer_vep.model.config import EnformerConfig


@dataclass(frozen=True)
class ReceptiveField:
    """The reach of stem and conv_tower.

    Attributes:
      bin_size_bp: length of a tower bin.
      num_bins: tower bins of a window.
      context_bp: bases to either side that a bin depends on.
    """

    bin_size_bp: int
    num_bins: int
    context_bp: int

    @classmethod
    def of(cls, config: EnformerConfig) -> "ReceptiveField":
        """The receptive field of a model."""
        geometry = config.geometry
        return cls(geometry.bin_size_bp, geometry.num_tower_bins, config.tower_context_bp)

    @property
    def edge_bins(self) -> int:
        """Bins at each end of a window that zero padding reaches (3 officially)."""
        return -(-self.context_bp // self.bin_size_bp)

    @property
    def max_bins_of_base(self) -> int:
        """Bins that one base can reach (6 officially; 5 from most places in a bin)."""
        return (2 * self.context_bp + self.bin_size_bp - 1) // self.bin_size_bp + 1

    def bins_reached(self, start_bp: int, end_bp: int) -> range:
        """The bins that depend on what lies between two places of the window.

        Args:
          start_bp: the first base of a stretch.
          end_bp: its end. A stretch of no bases, which is where a deletion was, reaches the bins that depend on the
            bases to both sides of it.
        """
        first = (start_bp - self.context_bp) // self.bin_size_bp
        last = (end_bp - 1 + self.context_bp) // self.bin_size_bp
        return range(min(max(first, 0), self.num_bins), min(max(last + 1, 0), self.num_bins))

    def bases_of(self, first_bin: int, num_bins: int) -> tuple[int, int]:
        """Start and end of the bases that some neighbouring bins depend on; they may lie beyond the window's ends."""
        start = first_bin * self.bin_size_bp - self.context_bp
        return start, start + num_bins * self.bin_size_bp + 2 * self.context_bp

    def length_bp(self, num_bins: int) -> int:
        """Number of bases that some neighbouring bins depend on."""
        return num_bins * self.bin_size_bp + 2 * self.context_bp


class Stretch(NamedTuple):
    """Neighbouring tower bins that see one span of the genome alone, as far as they see into the window.

    Attributes:
      bins: their numbers in the window.
      contig: the span's.
      strand: the span's.
      origin: where the window's first base would lie on the strand's axis if the span reached that far. Bin b begins
        at `origin + b * bin_size_bp` of it.
    """

    bins: range
    contig: str
    strand: Strand
    origin: int


def stretches(layout: TowerInput, field: ReceptiveField) -> list[Stretch]:
    """Returns the bins that are bins of the genome, in order; every other bin sees an edge between two pieces.

    Zero padding at the window's ends reaches some of them too: see `ReceptiveField.edge_bins`.
    """
    if isinstance(layout, Splice):
        at_bin = layout.at_bp // field.bin_size_bp
        sides = ((layout.left, range(at_bin)), (layout.right, range(at_bin, field.num_bins)))
        of_sides = [
            stretch._replace(bins=intersection(stretch.bins, bins))
            for side, bins in sides
            for stretch in stretches(side, field)
        ]
        return [stretch for stretch in of_sides if stretch.bins]
    of_pieces = []
    for offset_bp, piece in layout.placed():
        if not isinstance(piece, Span):
            continue
        end_bp = offset_bp + piece.length_bp
        first = -(-(offset_bp + field.context_bp) // field.bin_size_bp) if offset_bp else 0
        is_last = end_bp == layout.length_bp
        stop = field.num_bins if is_last else (end_bp - field.context_bp) // field.bin_size_bp
        if first < stop:
            of_pieces.append(Stretch(range(first, stop), piece.contig, piece.strand, piece.first - offset_bp))
    return of_pieces


def changed_bins(reference: TowerInput, alternate: TowerInput, field: ReceptiveField) -> list[range]:
    """Returns the tower bins of the alternate that are not the reference's, as neighbouring ones, in order."""
    if reference == alternate:
        return []
    changed, first = [], 0
    for bins in _shared_bins(stretches(reference, field), stretches(alternate, field)):
        if bins.start > first:
            changed.append(range(first, bins.start))
        first = bins.stop
    if first < field.num_bins:
        changed.append(range(first, field.num_bins))
    return changed


def _shared_bins(x: Sequence[Stretch], y: Sequence[Stretch]) -> list[range]:
    """Returns the bins that two inputs have in common, in order."""
    common = (intersection(a.bins, b.bins) for a in x for b in y if a[1:] == b[1:])
    return sorted((bins for bins in common if bins), key=lambda bins: bins.start)


def intersection(x: range, y: range) -> range:
    """Returns the intersection of two ranges of step 1."""
    return range(max(x.start, y.start), max(max(x.start, y.start), min(x.stop, y.stop)))
