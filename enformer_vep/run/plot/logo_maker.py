"""Computes the logos of a page, from substitutions or from gradients."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from enformer_vep.genome.variant import Variant
from enformer_vep.plots.content import Letters, LogoColumns, TrackLogos, aligned
from enformer_vep.run.plot.importances import (
    GradientLogos,
    Importances,
    Surroundings,
    has_logo,
    importances,
    logo_scoring,
)
from enformer_vep.run.plot.settings import MAX_LOGO_ALLELE_BP, LogoBy, PageSettings
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import VariantScorer, VariantScores
from enformer_vep.run.session import OpenModel
from enformer_vep.run.settings import ScoringSettings

logger = logging.getLogger(__name__)

LOGO_LEGENDS: Mapping[LogoBy, str] = MappingProxyType(
    {
        "saturation": "Importance of each base: the mean loss of coverage, summed over all bins, when it is changed to "
        "each of the other three",
        "contributions": "Contribution of each base to the coverage, summed over all bins: gradient times input, less "
        "the mean over the letters",
    }
)


@dataclass(frozen=True)
class Logos:
    """The logos of a page: their columns, and for each track its letters."""

    columns: LogoColumns
    of_tracks: Sequence[TrackLogos]


class LogoMaker:
    """Computes the logos of variants."""

    def __init__(self, page: PageSettings, scoring: ScoringSettings, model: OpenModel, scorer: VariantScorer) -> None:
        """Prepares the logos of one model.

        Args:
          page: the settings of a page; its logos have bases to each side.
          scoring: the views of variants.
          model: the model.
          scorer: scores variants with it.
        """
        assert page.logo_bp is not None
        self._flank_bp = page.logo_bp
        self._is_by_gradients = page.logo_by == "contributions"
        self._model = model
        self._reverse_complement = scoring.views.reverse_complement
        geometry = model.geometry
        self._scorer = VariantScorer(scorer.engine, scorer.reference, geometry, logo_scoring(scoring), model.tracks)

    def num_alleles(self, variant: Variant) -> int:
        """Returns how many alleles are predicted for the logos of a variant, at most."""
        if self._is_by_gradients or not has_logo(variant):
            return 0
        return 1 + 3 * (4 * self._flank_bp + len(variant.ref) + len(variant.alt))

    def make(
        self, placed: PlacedVariant, tracks: Sequence[int], count: Callable[[int], None]
    ) -> Logos | Unscored | None:
        """Returns the logos of a variant.

        Args:
          placed: the variant and its window.
          tracks: the tracks that are shown, by their places among the model's.
          count: is called with the number of alleles that were predicted.

        Returns:
          The logos; why there are none; or None for alleles that are too long, which is said.

        Raises:
          EnformerVepError: the engine failed.
        """
        variant = placed.variant
        if not has_logo(variant):
            found_bp = max(len(variant.ref), len(variant.alt))
            message = "%s has no logo: expected alleles of at most %d bp, found %d bp"
            logger.warning(message, variant, MAX_LOGO_ALLELE_BP, found_bp)
            return None
        around = Surroundings.of(placed, self._scorer, self._flank_bp)
        if self._is_by_gradients:
            result = self._gradients.importances(around, tracks)
        else:
            result = importances(self._scores(around, count), around, tracks)
        return result if isinstance(result, Unscored) else _drawn(around, result)

    def _scores(self, around: Surroundings, count: Callable[[int], None]) -> Iterator[VariantScores | Unscored]:
        for scores in self._scorer.score_placed(around.substitutions()):
            count(1)
            yield scores

    @cached_property
    def _gradients(self) -> GradientLogos:
        fetch = self._scorer.reference.fetch
        return GradientLogos(self._model, fetch, reverse_complement=self._reverse_complement)


def _drawn(around: Surroundings, importances: Importances) -> Logos:
    columns, of_reference, of_alternate = aligned(
        around.start, around.reference, around.alternate, around.changed, around.inserted
    )
    return Logos(
        columns,
        [
            TrackLogos(
                Letters(around.reference, of_track, of_reference), Letters(around.alternate, of_other, of_alternate)
            )
            for of_track, of_other in zip(importances.reference.T, importances.alternate.T, strict=True)
        ],
    )
