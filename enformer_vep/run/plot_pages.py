"""From a variant to what is on its page."""

import os
from collections.abc import Callable, Sequence

import numpy as np

from enformer_vep.errors import SkipReason
from enformer_vep.genome.genes import GeneIndex
from enformer_vep.genome.variant import MISSING, Interval, Variant, abbreviate
from enformer_vep.io.alleles import VcfAllele
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.plots.content import LogoColumns, TrackProfile, VariantPage
from enformer_vep.run.models import OpenModel
from enformer_vep.run.opening import open_scorer
from enformer_vep.run.placed import Unscored
from enformer_vep.run.plot_logo_maker import LOGO_LEGENDS, LogoMaker
from enformer_vep.run.plot_settings import DEFAULT_NUM_TRACKS, PlotSettings
from enformer_vep.run.plot_tracks import RANKED_BY, effects, labels, strongest
from enformer_vep.run.profiles import VariantProfile, variant_profiles


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
        self._logos = None
        if settings.page.logo_bp is not None:
            self._logos = LogoMaker(settings.page, settings.scoring, model, self._scorer)

    def num_alleles(self, variant: Variant) -> int:
        """Returns how many alleles are predicted for a page, at most: the variant, and those of its logos."""
        return 1 + (0 if self._logos is None else self._logos.num_alleles(variant))

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
        logos = None if self._logos is None else self._logos.make(profile.placed, places, count)
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
            logo_legend="" if columns is None else LOGO_LEGENDS[self._settings.page.logo_by],
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


def _title(allele: VcfAllele) -> list[str]:
    variant = allele.variant
    name = [] if allele.id == MISSING else [f"({allele.id})"]
    return [f"{variant.chrom}:{variant.pos}", f"{abbreviate(variant.ref)}>{abbreviate(variant.alt)}", *name]
