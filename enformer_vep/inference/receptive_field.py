"""Which tower bins depend on which bases: plain integers, from the widths of a configuration's kernels.

Offsets are into a window, in bp or in tower bins as the names say. A tower bin depends on its own bases and on
`context_bp` more on either side; at the window's ends, that context is zero padding.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Change:
    """How an alternate window differs from its reference window.

    Attributes:
      first_bp: the first base that differs.
      end_bp: from this base on, the alternate is the reference again, moved by the shift.
      shift_bp: ALT's length minus REF's.
    """

    first_bp: int
    end_bp: int
    shift_bp: int

    def __post_init__(self) -> None:
        if not 0 <= self.first_bp <= self.end_bp or (self.first_bp == self.end_bp and not self.shift_bp):
            raise ValueError(f"a change must have 0 <= first_bp <= end_bp and not be empty, got {self}")


@dataclass(frozen=True)
class AlternatePlan:
    """Where each tower bin of an alternate comes from; the bins before `recomputed` are the reference's.

    Attributes:
      recomputed: bins that depend on what has changed.
      shifted: the bins after them. Without a shift they are the reference's; with one they are bins of the reference
        genome on another grid.
      end: bins at the window's end that are recomputed too, since the window ends at another place of that grid.
    """

    recomputed: range
    shifted: range
    end: range

    @classmethod
    def of(cls, change: Change, field: ReceptiveField) -> "AlternatePlan":
        """Plans the tower of an alternate."""
        recomputed = field.bins_reached(change.first_bp, change.end_bp)
        num_end_bins = field.edge_bins if change.shift_bp else 0
        end = max(recomputed.stop, field.num_bins - num_end_bins)
        return cls(recomputed, range(recomputed.stop, end), range(end, field.num_bins))
