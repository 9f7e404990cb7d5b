"""The predictions of both alleles of variants, bin by bin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import SkipReason
from enformer_vep.genome.genes import scored_interval
from enformer_vep.genome.variant import Interval
from enformer_vep.io.vcf.alleles import VcfAllele
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


def variant_profiles(scorer: VariantScorer, alleles: Iterable[VcfAllele]) -> Iterator[VariantProfile | Unscored]:
    """Predicts both alleles of variants in all bins, in their order; they share what `score` shares.

    Args:
      scorer: its engine must compute all bins.
      alleles: drawn as they are needed.

    Yields:
      For each allele its profile, or why it has none.

    Raises:
      EnformerVepError: the engine failed.
    """
    for profile in scorer.profiles(alleles):
        if isinstance(profile, Unscored):
            yield profile
            continue
        placed, (reference, difference) = profile
        if not (np.isfinite(reference).all() and np.isfinite(difference).all()):
            yield Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity")
            continue
        yield VariantProfile(placed, reference, difference, scored_interval(placed.window.interval, scorer.geometry))
