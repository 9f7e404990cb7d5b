"""From a variant to what is on its page."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from enformer_vep.errors import SkipReason
from enformer_vep.genome.genes import GeneIndex
from enformer_vep.genome.variant import MISSING, Interval, Variant, abbreviate
from enformer_vep.io.alleles import VcfAllele
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.plots.columns import aligned
from enformer_vep.plots.content import Letters, LogoColumns, TrackLogos, TrackProfile, VariantPage
from enformer_vep.run.models import OpenModel
from enformer_vep.run.opening import open_scorer
from enformer_vep.run.placed import Unscored
from enformer_vep.run.plot_logos import Importances, Surroundings, has_logo, importances, logo_scoring
from enformer_vep.run.plot_settings import DEFAULT_NUM_TRACKS, MAX_LOGO_ALLELE_BP, PlotSettings
from enformer_vep.run.plot_tracks import RANKED_BY, effects, labels, strongest
from enformer_vep.run.profiles import VariantProfile, variant_profiles
from enformer_vep.run.scorer import VariantScorer, VariantScores

logger = logging.getLogger(__name__)

LOGO_LEGEND = (
    "Importance of each base: the mean loss of coverage, summed over all bins, when it is changed to each of the other "
    "three"
)


@dataclass(frozen=True)
class _Logos:
    columns: LogoColumns
    of_tracks: Sequence[TrackLogos]


class PageMaker:
    """Predicts variants, one after another, and keeps of their predictions what is shown."""

    def __init__(
        self, settings: PlotSettings, reference: ReferenceCodes, genes: GeneIndex | None, model: OpenModel
    ) -> None:
        """Makes the engine.

        Args:
          settings: what is shown, and how it is computed.
          reference: the genome.
          genes: the genes that are drawn, None for none.
          model: the model.
        """
        self._settings = settings
        self._genome = reference.genome
        self._genes = genes
        self._model = model
        self._geometry = model.loaded.model.config.geometry
        self._scorer = open_scorer(model, reference, settings.scoring, settings.compute)
        self._logo_scorer = VariantScorer(
            self._scorer.engine, reference, self._geometry, logo_scoring(settings.scoring), model.tracks
        )

    def num_alleles(self, variant: Variant) -> int:
        """Returns how many alleles are predicted for a page, at most: the variant, and those of its logos."""
        logo_bp = self._settings.page.logo_bp
        if logo_bp is None or not has_logo(variant):
            return 1
        return 2 + 3 * (4 * logo_bp + len(variant.ref) + len(variant.alt))

    def make(self, allele: VcfAllele, count: Callable[[int], None]) -> VariantPage | Unscored:
        """Predicts a variant.

        Args:
          allele: the variant.
          count: is called with the number of alleles that were predicted.

        Returns:
          Its page, or why it has none.

        Raises:
          EnformerVepError: the engine failed.
        """
        if allele.malformed:
            return Unscored(SkipReason.MALFORMED_RECORD, allele.malformed)
        (profile,) = variant_profiles(self._scorer, [allele.variant], self._geometry)
        count(1)
        if isinstance(profile, Unscored):
            return profile
        found = effects(profile)
        top = self._settings.page.top
        if top is None and self._settings.scoring.tracks is None:
            top = DEFAULT_NUM_TRACKS
        places = strongest(found, top)
        logos = self._logos(profile, places, count)
        if isinstance(logos, Unscored):
            return logos
        tracks = [
            TrackProfile(
                *labels(self._model.tracks, place),
                float(found[place]),
                np.ascontiguousarray(profile.reference[:, place]),  # not a view, which would keep all tracks
                np.ascontiguousarray(profile.difference[:, place]),
                None if logos is None else logos.of_tracks[number],
            )
            for number, place in enumerate(places)
        ]
        return self._page(allele, profile, tracks, None if logos is None else logos.columns)

    def _page(
        self, allele: VcfAllele, profile: VariantProfile, tracks: Sequence[TrackProfile], columns: LogoColumns | None
    ) -> VariantPage:
        variant, contig = allele.variant, profile.bins.contig
        shown = self._shown(profile)
        return VariantPage(
            title=_title(allele),
            subtitle=self._subtitle(variant),
            notice=self._model.loaded.notice or "",
            variant=Interval(contig, variant.start, variant.end),
            shown=shown,
            first_bin_start=profile.bins.start,
            bin_size_bp=self._geometry.bin_size_bp,
            tracks=tracks,
            effect_name=RANKED_BY,
            genes=None if self._genes is None else self._genes.overlapping(shown),
            logo_columns=columns,
            logo_legend="" if columns is None else LOGO_LEGEND,
        )

    def _shown(self, profile: VariantProfile) -> Interval:
        """Returns the stretch that is shown: within the scored bins and the contig, and the span if there is one."""
        bins, variant = profile.bins, profile.placed.variant
        start, end = max(bins.start, 0), min(bins.end, self._genome.contigs[bins.contig])
        if (span_bp := self._settings.page.span_bp) is not None:
            start, end = max(start, variant.start - span_bp), min(end, variant.start + span_bp)
        return Interval(bins.contig, start, end)

    def _subtitle(self, variant: Variant) -> str:
        scoring = self._settings.scoring
        views = scoring.views
        words = [os.path.basename(self._genome.path), f"model {self._model.loaded.name}", f"{scoring.head} head"]
        if views.reverse_complement:
            words.append("mean of both strands")
        if views.shifts != (0,):
            words.append(f"mean of shifts {','.join(map(str, views.shifts))} bp")
        if len(variant.ref) != len(variant.alt):
            words.append(f"indels: {views.indels.value}")
        return ", ".join(words)

    def _logos(
        self, profile: VariantProfile, places: Sequence[int], count: Callable[[int], None]
    ) -> _Logos | Unscored | None:
        logo_bp, variant = self._settings.page.logo_bp, profile.placed.variant
        if logo_bp is None:
            return None
        if not has_logo(variant):
            logger.warning(
                "%s has no logo: expected alleles of at most %d bp, found %d bp",
                variant,
                MAX_LOGO_ALLELE_BP,
                max(len(variant.ref), len(variant.alt)),
            )
            return None
        around = Surroundings.of(profile.placed, self._logo_scorer, logo_bp)

        def counted() -> Iterator[VariantScores | Unscored]:
            for scores in self._logo_scorer.score_placed(around.substitutions()):
                count(1)
                yield scores

        found = importances(counted(), around, places)
        return found if isinstance(found, Unscored) else _drawn(around, found)


def _drawn(around: Surroundings, found: Importances) -> _Logos:
    columns, of_reference, of_alternate = aligned(
        around.start, around.reference, around.alternate, around.changed, around.inserted
    )
    return _Logos(
        columns,
        [
            TrackLogos(
                Letters(around.reference, of_track, of_reference), Letters(around.alternate, of_other, of_alternate)
            )
            for of_track, of_other in zip(found.reference.T, found.alternate.T, strict=True)
        ],
    )


def _title(allele: VcfAllele) -> list[str]:
    variant = allele.variant
    name = [] if allele.id == MISSING else [f"({allele.id})"]
    return [f"{variant.chrom}:{variant.pos}", f"{abbreviate(variant.ref)}>{abbreviate(variant.alt)}", *name]
