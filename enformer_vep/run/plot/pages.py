"""Predicts variants, and picks what their pages show."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.genes import GeneIndex
from enformer_vep.genome.variant import MISSING, Interval, Variant, abbreviate
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.plots.content import LogoColumns, TrackProfile, VariantPage
from enformer_vep.run.plot.logo_maker import LOGO_LEGENDS, LogoMaker
from enformer_vep.run.plot.settings import DEFAULT_NUM_TRACKS, PageSettings
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score.scorer import VariantProfile
from enformer_vep.run.score.summary import track_name
from enformer_vep.run.session import Session
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.scoring import REFERENCE_SUM, STATISTICS

RANKED_BY = "SADR"
"""As in the summary of `score`: it compares tracks of different scales."""


class PageMaker:
    """Predicts variants one after another, and makes their pages."""

    def __init__(self, session: Session, scoring: ScoringSettings, page: PageSettings, genes: GeneIndex | None) -> None:
        """Opens the engine.

        Args:
          session: the genome and the model.
          scoring: the tracks, where windows lie and the views of variants.
          page: the settings of a page.
          genes: the genes that are drawn, None for none.

        Raises:
          InputError: the page does not fit the model or the tracks.
        """
        self._settings = page
        self._scoring = scoring
        self._genome = session.genome
        self._genes = genes
        page.check(session.model.geometry)
        self._model = session.model_for(scoring)
        if scoring.tracks is not None:
            page.check_num_tracks(len(self._model.tracks.identifiers))
        self._scorer = session.scorer(scoring)
        self._logos = None
        if page.logo_bp is not None:
            self._logos = LogoMaker(page, scoring, self._model, self._scorer)

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
        (profile,) = self._scorer.profiles([allele])
        count(1)
        if isinstance(profile, Unscored):
            return profile
        effects = _effects(profile)
        top = self._settings.top
        if top is None and self._scoring.tracks is None:
            top = DEFAULT_NUM_TRACKS
        places = _strongest(effects, top)
        logos = None if self._logos is None else self._logos.make(profile.placed, places, count)
        if isinstance(logos, Unscored):
            return logos
        tracks = [
            TrackProfile(
                *_labels(self._model.tracks, place),
                float(effects[place]),
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
            bin_size_bp=self._model.geometry.bin_size_bp,
            tracks=tracks,
            effect_name=RANKED_BY,
            genes=None if self._genes is None else self._genes.overlapping(shown),
            logo_columns=columns,
            logo_legend="" if columns is None else LOGO_LEGENDS[self._settings.logo_by],
        )

    def _shown(self, profile: VariantProfile) -> Interval:
        """Returns the stretch that is shown: within the scored bins and the contig, and the span if there is one."""
        bins, variant = profile.bins, profile.placed.variant
        start, end = max(bins.start, 0), min(bins.end, self._genome.contigs[bins.contig])
        if (span_bp := self._settings.span_bp) is not None:
            start, end = max(start, variant.start - span_bp), min(end, variant.start + span_bp)
        return Interval(bins.contig, start, end)

    def _subtitle(self, variant: Variant) -> str:
        scoring = self._scoring
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


def _effects(profile: VariantProfile) -> npt.NDArray[np.float64]:
    """Returns the effect of a variant on each track over all bins: float64 [tracks], in log2."""
    sums = {
        REFERENCE_SUM: profile.reference.sum(axis=0, dtype=np.float64)[np.newaxis],
        "difference": profile.difference.sum(axis=0, dtype=np.float64)[np.newaxis],
    }
    log_ratios: npt.NDArray[np.float64] = STATISTICS[RANKED_BY].finish(sums)[0]
    return log_ratios


def _strongest(effects: npt.NDArray[np.float64], num: int | None) -> list[int]:
    """Returns which tracks have the largest effects in either direction, the largest first; of equal ones the first.

    Args:
      effects: what `_effects` returned.
      num: how many are wanted; None for all tracks in their order.
    """
    if num is None:
        return list(range(len(effects)))
    return [int(place) for place in np.argsort(-np.abs(effects), kind="stable")[:num]]


def _labels(tracks: TrackTable, place: int) -> tuple[str, str, str]:
    """Returns a track's name, identifier and assay, as it is shown."""
    track = tracks.table.iloc[place]
    return track_name(track), str(track["identifier"]), str(track["assay"])
