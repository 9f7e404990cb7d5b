"""The views of a variant: pairs of inputs, and the weights of their predictions in each bin."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.edit import Edit
from enformer_vep.genome.genes import BinPairs
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.layout import ModelInput, Splice, TowerInput
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.windows import DEFAULT_INDEL_POLICY, IndelPolicy

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class View:
    """One reference and one alternate that are compared bin by bin.

    Attributes:
      reference: the input of the reference's prediction.
      alternate: the input of the alternate's.
      is_mirrored: whether both are the other strand, so that their predictions have to be turned back.
      bin_weights: float32 [num_bins], the weight of the view in each bin, after turning back. The weights of a
        comparison's views add up to 1 in every bin.
    """

    reference: ModelInput
    alternate: TowerInput
    is_mirrored: bool
    bin_weights: Float32s


@dataclass(frozen=True, eq=False)
class Comparison:
    """All views of an allele, and the bins that its scores are taken over.

    In each bin, the reference's prediction r and the difference d of the alternate's from it are the weighted means
    over the views.

    Attributes:
      views: at least one.
      regions: float32 [M, num_bins], 1 for the bins of each region and 0 for the others.
      genes: the bins of some genes' promoters, few in each allele; None if no gene is asked for.
    """

    views: tuple[View, ...]
    regions: Float32s
    genes: BinPairs | None = None

    @property
    def references(self) -> tuple[ModelInput, ...]:
        """The references of the views, in their order."""
        return tuple(view.reference for view in self.views)


@dataclass(frozen=True)
class ViewSettings:
    """The views of every variant of a run.

    Attributes:
      reverse_complement: whether both strands are predicted.
      shifts: by how many bp both alleles are moved to the right in their window; the mean over all is taken.
      indels: how alleles that change the length are compared.

    Raises:
      ValueError: there is no shift, or one twice.
    """

    reverse_complement: bool = False
    shifts: tuple[int, ...] = (0,)
    indels: IndelPolicy = DEFAULT_INDEL_POLICY

    def __post_init__(self) -> None:
        if not self.shifts or len(set(self.shifts)) < len(self.shifts):
            raise ValueError(f"shifts must be given once each, got {self.shifts}")

    def check(self, geometry: Geometry) -> None:
        """Checks that the settings fit a model's windows.

        Raises:
          ValueError: a shift is larger than a quarter of the window.
        """
        most = geometry.sequence_length_bp // 4
        largest = max(self.shifts, key=abs)
        if abs(largest) > most:
            raise ValueError(f"a shift must be at most {most} bp, a quarter of the window; got {largest}")

    def offsets(self, offsets: range, length_bp: int) -> range:
        """Returns where a variant's first REF base can stand in any view.

        Args:
          offsets: where it can stand in the window that the placement gives.
          length_bp: length of the window.
        """
        start, stop = offsets.start + min(self.shifts), offsets.stop + max(self.shifts)
        if self.reverse_complement:
            start, stop = min(start, length_bp - stop), max(stop, length_bp - start)
        return range(start, stop)

    def views(self, window: Interval, edit: Edit | None, geometry: Geometry) -> tuple[View, ...]:
        """Returns the views of an allele.

        Args:
          window: its reference window.
          edit: the allele's edit, None if it equals the genome.
          geometry: the model's lengths.
        """
        share = np.float32(1 / (len(self.shifts) * (1 + self.reverse_complement)))
        views = []
        for shift_bp in self.shifts:
            start = window.start - shift_bp
            for reference, alternate, weights in _forward_views(window.contig, start, edit, self.indels, geometry):
                if not weights.any():
                    continue
                views.append(View(reference, alternate, False, share * weights))
                if self.reverse_complement:
                    mirrored = reference.reverse_complement(), alternate.reverse_complement()
                    views.append(View(*mirrored, True, share * weights))
        return tuple(views)


def alleles_from_left(window: Interval, edit: Edit | None) -> tuple[ModelInput, ModelInput]:
    """Returns the reference and the alternate in a window, with the left flank of both in place.

    Args:
      window: the reference window.
      edit: the allele's edit, None if it equals the genome.
    """
    reference = ModelInput.of(window)
    return reference, reference if edit is None else edit.from_left(window.start, window.length)


def _forward_views(
    contig: str, start: int, edit: Edit | None, policy: IndelPolicy, geometry: Geometry
) -> list[tuple[ModelInput, TowerInput, Float32s]]:
    """Returns reference, alternate and the weights of bins of every view in a window that begins at `start`."""
    length_bp = geometry.sequence_length_bp
    whole = np.ones(geometry.num_bins, dtype=np.float32)
    reference, left = alleles_from_left(Interval(contig, start, start + length_bp), edit)
    if edit is None or not edit.shift_bp or policy is IndelPolicy.LEFT:
        return [(reference, left, whole)]
    right = edit.from_right(start + length_bp, length_bp)
    if policy is IndelPolicy.AVERAGE:
        half = np.full_like(whole, 0.5)
        return [(reference, left, half), (reference, right, half)]
    # A tower would repeat a long deletion's flank, and see an insertion's ends alone: such alleles are stitched.
    if policy is IndelPolicy.TOWER and abs(edit.shift_bp) <= geometry.bin_size_bp:
        at_bp = _bin_start(edit.end - 1 - start, geometry)
        return [(reference, Splice(left, right, at_bp), whole)]
    if edit.shift_bp > 0:
        is_left = _bins_before(_bin_start(edit.end - 1 - start, geometry), geometry)
        return [(reference, left, is_left), (reference, right, 1 - is_left)]
    # Of a deletion, the frame is the alternate's: in it the change ends at alternate_end.
    is_left = _bins_before(_bin_start(edit.alternate_end - 1 - start, geometry), geometry)
    moved = Interval(contig, start - edit.shift_bp, start - edit.shift_bp + length_bp)
    return [(reference, left, is_left), (ModelInput.of(moved), left, 1 - is_left)]


def _bin_start(offset_bp: int, geometry: Geometry) -> int:
    """Returns where the tower bin of a base begins; the window's ends if it lies beyond them."""
    offset_bp = min(max(offset_bp, 0), geometry.sequence_length_bp)
    return offset_bp - offset_bp % geometry.bin_size_bp


def _bins_before(at_bp: int, geometry: Geometry) -> Float32s:
    """Returns 1 for the scored bins that begin before an offset, and 0 for the others."""
    first = at_bp // geometry.bin_size_bp - geometry.crop_bins
    return (np.arange(geometry.num_bins) < first).astype(np.float32)
