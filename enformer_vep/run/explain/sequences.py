"""The sequences whose contributions are computed: windows around regions, and both alleles of variants."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError, SkipReason
from enformer_vep.genome.codes import Codes
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.layout import FetchCodes, ModelInput, Span
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.views import alleles_from_left
from enformer_vep.genome.windows import Placement
from enformer_vep.io.genome.fasta import ReferenceCodes
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.explain.settings import DEFAULT_VARIANT_BP
from enformer_vep.run.score.placed import Unscored, place_variant
from enformer_vep.wording import option

REFERENCE, ALTERNATE = "ref", "alt"


@dataclass(frozen=True, eq=False)
class ExplainedSequence:
    """A model's input, and which of its bases are written.

    Attributes:
      name: the region, or the variant.
      allele: REFERENCE or ALTERNATE, empty for a region.
      contig: as the FASTA names it.
      layout: the model's input.
      wanted: the bases that are written, by their offsets in it.
      bin_weights: float32 [num_bins], 1 for the bins that are explained and 0 for the others.
    """

    name: str
    allele: str
    contig: str
    layout: ModelInput
    wanted: range
    bin_weights: npt.NDArray[np.float32]

    def codes(self, fetch: FetchCodes) -> Codes:
        """Returns the codes of the bases that are written: uint8."""
        return self.layout.codes(fetch, self.wanted.start, self.wanted.stop)

    def positions(self, length_bp: int) -> npt.NDArray[np.int64]:
        """Returns where they stand on the genome, 1-based: int64; 0 for what is inserted, or beyond the contig's ends.

        Args:
          length_bp: length of the contig.
        """
        positions = np.zeros(len(self.wanted), np.int64)
        for offset_bp, piece in self.layout.cut(self.wanted.start, self.wanted.stop).placed():
            if isinstance(piece, Span):
                positions[offset_bp : offset_bp + piece.length_bp] = np.arange(piece.start, piece.end) + 1
        return np.where((positions >= 1) & (positions <= length_bp), positions, 0)


class SequenceMaker:
    """Makes sequences of regions and variants."""

    def __init__(self, reference: ReferenceCodes, geometry: Geometry, bins: ScoredBins, width_bp: int | None) -> None:
        """Keeps the settings of all sequences.

        Args:
          reference: the genome.
          geometry: the model's lengths.
          bins: the bins that are explained; a region's contig is named as in the FASTA.
          width_bp: bases that are written around the middle of each; None for a region's own, and DEFAULT_VARIANT_BP
            around a variant.

        Raises:
          InputError: the width is larger than a window.
        """
        if width_bp is not None and width_bp > geometry.sequence_length_bp:
            most = geometry.sequence_length_bp
            raise InputError(
                f"{option('--width', f'{width_bp:,}')} is more than the model reads: expected at most {most:,} bp"
            )
        self._reference = reference
        self._geometry = geometry
        self._bins = bins
        self._width_bp = width_bp

    def region(self, interval: Interval) -> ExplainedSequence:
        """Returns the window around a region's middle, which stands where the base of a variant does.

        Raises:
          InputError: the region is longer than a window, or the window has none of the bins.
        """
        name = f"{interval.contig}:{interval.start + 1}-{interval.end}"
        length_bp = self._geometry.sequence_length_bp
        if interval.length > length_bp:
            raise InputError(
                f"region {name} has {interval.length:,} bp, more than the {length_bp:,} bp that the model reads: "
                "divide it, or choose smaller regions"
            )
        middle = (interval.start + interval.end - 1) // 2
        start = middle - self._geometry.variant_offset_bp
        window = Interval(interval.contig, start, start + length_bp)
        wanted = self._wanted(self._width_bp or interval.length)
        weights = self._bin_weights(name, window, middle)
        return ExplainedSequence(name, "", window.contig, ModelInput.of(window), wanted, weights)

    def alleles(self, allele: VcfAllele) -> list[ExplainedSequence] | Unscored:
        """Returns the reference and the alternate of an allele of a VCF, or why it cannot be explained.

        Both are in the window that `score` gives it. The alternate's left flank stays in place, and its bases are
        counted in its own coordinates.

        Raises:
          FastaReadError: the genome can no longer be read.
        """
        if allele.malformed:
            return Unscored(SkipReason.MALFORMED_RECORD, allele.malformed)
        variant = allele.variant
        placed = place_variant(variant, Placement(), self._reference.genome, self._geometry)
        if isinstance(placed, Unscored):
            return placed
        interval = placed.window.interval
        edit = Edit.of(variant, interval.contig, self._reference.fetch, interval.length)
        name = f"{variant.chrom}:{variant.pos}:{variant.ref}:{variant.alt}"
        try:
            weights = self._bin_weights(name, interval, variant.start)
        except InputError as error:
            return Unscored(SkipReason.OUTSIDE_BINS, error.message)
        wanted = self._wanted(self._width_bp or DEFAULT_VARIANT_BP)
        return [
            ExplainedSequence(name, which, interval.contig, layout, wanted, weights)
            for which, layout in zip((REFERENCE, ALTERNATE), alleles_from_left(interval, edit), strict=True)
        ]

    def _wanted(self, width_bp: int) -> range:
        width_bp = min(width_bp, self._geometry.sequence_length_bp)
        first = self._geometry.variant_offset_bp - (width_bp - 1) // 2
        return range(first, first + width_bp)

    def _bin_weights(self, name: str, window: Interval, middle: int) -> npt.NDArray[np.float32]:
        weights: npt.NDArray[np.float32] = self._bins.weights(window, middle, self._geometry)[0]
        if not weights.any():
            first, last = self._geometry.scored_tower_bins[0], self._geometry.scored_tower_bins[-1] + 1
            start, end = (window.start + edge * self._geometry.bin_size_bp for edge in (first, last))
            raise InputError(
                f"{option('--bins', self._bins)} lies outside the bins of the window of {name}: expected bins that "
                f"overlap {window.contig}:{max(start, 0) + 1}-{end}"
            )
        return weights
