"""Logos by gradients: what each base of both alleles contributes, for the price of a few passes.

As `contributions` computes them: gradient times input, less the gradient's mean over the four letters. The sequences
are those whose bases `logos.py` substitutes, so that both ways explain the same numbers.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import SkipReason
from enformer_vep.genome.layout import FetchCodes, ModelInput
from enformer_vep.genome.views import alleles_from_left
from enformer_vep.run.explain.contribution_arrays import at_letters, corrected
from enformer_vep.run.plot.logos import Importances, Surroundings
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.session import OpenModel

Float32s = npt.NDArray[np.float32]


class GradientLogos:
    """Computes contributions with one model, on one genome."""

    def __init__(self, model: OpenModel, fetch: FetchCodes, *, reverse_complement: bool) -> None:
        """Prepares the gradients of a model.

        Args:
          model: the model; its tracks are those that `importances` knows.
          fetch: reads the reference genome.
          reverse_complement: whether the prediction is the mean of both strands.
        """
        from enformer_vep.inference.mean_gradients import MeanGradients
        from enformer_vep.model.gradients import InputGradients

        gradients = InputGradients(model.loaded.model, model.tracks.head)
        self._mean = MeanGradients(gradients, fetch, reverse_complement=reverse_complement)
        self._fetch = fetch
        self._indices = model.tracks.indices
        self._num_bins = model.loaded.model.config.geometry.num_bins

    def importances(self, around: Surroundings, tracks: Sequence[int]) -> Importances | Unscored:
        """Returns what each base around a variant contributes to the sum of a track over all bins.

        Args:
          around: the variant.
          tracks: the tracks that are wanted, by their places among the model's.
        """
        interval = around.placed.window.interval
        reference, alternate = alleles_from_left(interval, around.edit)
        first = around.start - interval.start
        made = Importances(
            self._of_allele(reference, range(first, first + len(around.reference)), tracks),
            self._of_allele(alternate, range(first, first + len(around.alternate)), tracks),
        )
        if not (np.isfinite(made.reference).all() and np.isfinite(made.alternate).all()):
            return Unscored(SkipReason.NOT_FINITE, "a gradient of the model is NaN or infinity")
        return made

    def _of_allele(self, layout: ModelInput, wanted: range, tracks: Sequence[int]) -> Float32s:
        """Returns the contributions of some bases of a sequence: float32 [bases, tracks]."""
        from enformer_vep.model.gradients import Target

        bins = np.ones(self._num_bins, dtype=np.float32)
        targets = [Target(bins, np.array([self._indices[place]], np.int32), np.ones(1, np.float32)) for place in tracks]
        gradients = np.zeros((len(tracks), len(wanted), 4), dtype=np.float32)
        self._mean.add(layout, targets, wanted, gradients)
        codes = np.broadcast_to(layout.codes(self._fetch, wanted.start, wanted.stop), gradients.shape[:2])
        contributions: Float32s = np.ascontiguousarray(at_letters(corrected(gradients), codes).T)
        return contributions
