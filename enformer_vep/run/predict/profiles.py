"""The predictions of both alleles of variants, bin by bin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import SkipReason
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import VariantScorer

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class VariantProfile:
    """What is predicted for both alleles of a variant.

    Bins are those of the variant's reference window. What `--indels` does to an allele that changes the length is in
    docs/indels.md: bins right of it show the alternate's sequence there at the reference's place.

    Attributes:
      placed: the variant and its window.
      reference: float32 [num_bins, tracks], the mean over strands and shifts.
      difference: float32 [num_bins, tracks], the alternate's prediction less the reference's.
      bins: the bases that these bins hold; they may reach beyond the contig's ends.
    """

    placed: PlacedVariant
    reference: Float32s
    difference: Float32s
    bins: Interval

    @property
    def alternate(self) -> Float32s:
        """The alternate's prediction: float32 [num_bins, tracks]."""
        return self.reference + self.difference


def variant_profiles(
    scorer: VariantScorer, variants: Iterable[Variant], geometry: Geometry
) -> Iterator[VariantProfile | Unscored]:
    """Predicts both alleles of variants in all bins, in their order; they share what `score` shares.

    Args:
      scorer: its engine must compute all bins.
      variants: drawn as they are needed.
      geometry: the model's lengths.

    Yields:
      For each variant its profile, or why it has none.

    Raises:
      EnformerVepError: the engine failed.
    """
    for found in scorer.profiles(variants):
        if isinstance(found, Unscored):
            yield found
            continue
        placed, (reference, difference) = found
        if not (np.isfinite(reference).all() and np.isfinite(difference).all()):
            yield Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity")
            continue
        yield VariantProfile(placed, reference, difference, scored_interval(placed.window.interval, geometry))


def scored_interval(window: Interval, geometry: Geometry) -> Interval:
    """Returns the bases of a window's scored bins."""
    start = window.start + geometry.crop_bins * geometry.bin_size_bp
    return Interval(window.contig, start, start + geometry.num_bins * geometry.bin_size_bp)
