"""A model that stays open between calls, with its weights, its traced graphs and its caches."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, overload

import pandas as pd

from enformer_vep.api.explaining import Contributions, Saturation, contributions, saturated_variants
from enformer_vep.api.frames import to_frame
from enformer_vep.api.messages import in_words_of_python
from enformer_vep.api.options import (
    Path,
    ScoreOptions,
    Shifts,
    Stats,
    Tracks,
    at_least,
    between,
    one_of,
    to_bins,
    to_placement,
    to_statistics,
    to_tracks,
    to_views,
)
from enformer_vep.api.plotting import plot_variant
from enformer_vep.api.predictions import AllelePrediction, Prediction, predict_alleles, predict_regions
from enformer_vep.api.session import Session, progress_of
from enformer_vep.api.variants import GivenVariants, OneVariant, PlainVariants, Variants, check_variants, read_variants
from enformer_vep.errors import InputError
from enformer_vep.genome.indels import DEFAULT_INDEL_POLICY
from enformer_vep.genome.windows import CENTRED
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.run.explain.contribution_settings import DEFAULT_MAX_GRADIENTS, MEANS_BY, MeanBy, MethodSettings
from enformer_vep.run.explain.saturate import PREDICTIONS
from enformer_vep.run.explain.saturate_settings import DEFAULT_MAX_ALLELES
from enformer_vep.run.explain.saturate_settings import DEFAULT_WINDOW as SATURATE_WINDOW
from enformer_vep.run.plot.settings import (
    DEFAULT_LOGO_BP,
    DEFAULT_WIDTH_MM,
    MAX_TRACKS,
    MAX_WIDTH_MM,
    MIN_WIDTH_MM,
    PageSettings,
)
from enformer_vep.run.predict.settings import DEFAULT_MAX_WINDOWS, PredictInputSettings
from enformer_vep.run.score.allele_scores import score_alleles
from enformer_vep.run.score.part_scorer import PartScorer
from enformer_vep.run.settings import (
    DEFAULT_PART_SIZE,
    DEFAULT_STATISTICS,
    ScoringSettings,
)

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from typing_extensions import Unpack


class Model:
    """A model on a device, and a genome: what `open_model` returns. A `with` block or `close` closes it.

    Weights are loaded once, each graph is traced once, and what windows share is kept from call to call. Several
    threads can use it; their calls take turns.
    """

    def __init__(self, session: Session) -> None:
        """Takes what is open."""
        self._session = session

    @property
    def name(self) -> str:
        """The model's name: 'demo', or 'enformer'."""
        return self._session.opened.loaded.name

    @property
    def notice(self) -> str | None:
        """A sentence on what the model is not made for, as of the demo's; None if it is Enformer."""
        return self._session.opened.loaded.notice

    @property
    def head(self) -> str:
        """The head that predicts the tracks."""
        return self._session.opened.tracks.head

    @property
    def tracks(self) -> pd.DataFrame:
        """The chosen tracks: index (in the head, from 0), identifier, description, assay, target, biosample ..."""
        found: pd.DataFrame = self._session.opened.tracks.table.copy()
        return found

    @property
    def device(self) -> str:
        """What the model runs on."""
        return self._session.opened.device.description

    @property
    def fasta(self) -> str:
        """The path of the genome."""
        return str(self._session.genome.path)

    def __repr__(self) -> str:
        state = "" if self._session.is_open else ", closed"
        return (
            f"<enformer_vep.Model {self.name}: {len(self._session.opened.tracks.table):,} tracks of the "
            f"{self.head} head, {self.fasta}, {self.device}{state}>"
        )

    def __enter__(self) -> "Model":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the caches and closes the genome. The weights are free when nothing refers to the model."""
        self._session.close()

    @overload
    def score(self, variants: "pl.DataFrame", **options: "Unpack[ScoreOptions]") -> "pl.DataFrame": ...

    @overload
    def score(self, variants: PlainVariants, **options: "Unpack[ScoreOptions]") -> pd.DataFrame: ...

    @in_words_of_python
    def score(
        self,
        variants: Variants,
        *,
        stats: Stats = DEFAULT_STATISTICS,
        tracks: Tracks | None = None,
        window: str = CENTRED,
        bins: str = "all",
        reverse_complement: bool = False,
        shifts: Shifts = (0,),
        indels: str = DEFAULT_INDEL_POLICY.value,
        strict: bool = False,
        allow_mismatches: bool = False,
        progress: bool | None = None,
    ) -> "pd.DataFrame | pl.DataFrame":
        """Scores variants: `score_variants` explains the arguments and the result.

        Args:
          variants: a path, a frame or an iterable.
          stats: the statistics.
          tracks: some of the head's tracks; None for those with which the model was opened.
          window: the placement of windows.
          bins: the bins that statistics are taken over.
          reverse_complement: whether both strands are averaged.
          shifts: the shifts that are averaged, in bp.
          indels: how alleles that change the length are compared.
          strict: whether an allele that cannot be scored is an error.
          allow_mismatches: whether to continue if many REF alleles differ from the genome.
          progress: whether a bar is shown; None for one if somebody is looking: on a terminal or in a notebook.

        Raises:
          InputError: the variants or an option cannot be used.
          EnformerVepError: the model failed.
        """
        scoring = self._scoring(
            tracks,
            placement=to_placement(window),
            statistics=to_statistics(stats),
            bins=to_bins(bins),
            views=to_views(indels, shifts, reverse_complement=reverse_complement),
        )
        given = read_variants(variants)
        with self._session.lock:
            self._session.check_open()
            check_variants(given, self._session.genome, allow_mismatches=allow_mismatches)
            return self.score_given(given, scoring, strict=strict, progress=progress)

    def score_given(
        self, given: GivenVariants, scoring: ScoringSettings, *, strict: bool, progress: bool | None
    ) -> "pd.DataFrame | pl.DataFrame":
        """Scores variants that are read and checked.

        Args:
          given: the variants.
          scoring: what their scores are.
          strict: whether an allele that cannot be scored is an error.
          progress: whether a bar is shown.

        Raises:
          InputError: an allele or a setting cannot be used.
          EnformerVepError: the model failed.
        """
        with self._session.lock:
            scorer = self._session.scorer(scoring)
            columns = TableSettings(scoring.names, scorer.tracks).columns
            parts = PartScorer(scorer, given.name, is_strict=strict)
            with progress_of("alleles", is_wanted=progress) as shown:
                shown.start(len(given.alleles))
                part_size = DEFAULT_PART_SIZE[self._session.opened.device.kind]
                found = score_alleles(parts, given.alleles, len(columns), part_size, shown.done)
        return to_frame(given, found, columns)

    @in_words_of_python
    def predict(
        self,
        regions: Path | Sequence[Path],
        *,
        tracks: Tracks | None = None,
        windows_per_bin: int = PredictInputSettings.windows_per_bin,
        reverse_complement: bool = False,
        shifts: Shifts = (0,),
        max_windows: int = DEFAULT_MAX_WINDOWS,
        progress: bool | None = None,
    ) -> Prediction:
        """Predicts the tracks of the reference over regions, as `enformer-vep predict` does.

        Args:
          regions: regions (chr:start-end, 1-based, both ends included, or chr) or paths of BED files.
          tracks: some of the head's tracks; None for those with which the model was opened.
          windows_per_bin: the overlapping windows whose mean is taken in each bin.
          reverse_complement: whether both strands are averaged.
          shifts: the shifts that are averaged, in bp.
          max_windows: the most windows that are run.
          progress: whether a bar is shown; None for one if somebody is looking.

        Returns:
          Every bin that overlaps a region, once, with `.values` float32 [bins, tracks], `.bins` and `.tracks`.

        Raises:
          InputError: a region or an option cannot be used.
          EnformerVepError: the model failed.
        """
        views = to_views(DEFAULT_INDEL_POLICY.value, shifts, reverse_complement=reverse_complement)
        return predict_regions(
            self._session,
            regions,
            self._scoring(tracks, views=views),
            windows_per_bin=windows_per_bin,
            max_windows=max_windows,
            progress=progress,
        )

    @in_words_of_python
    def predict_alleles(
        self,
        variant: OneVariant,
        *,
        tracks: Tracks | None = None,
        window: str = CENTRED,
        reverse_complement: bool = False,
        shifts: Shifts = (0,),
        indels: str = DEFAULT_INDEL_POLICY.value,
    ) -> AllelePrediction:
        """Predicts the tracks of both alleles of a variant, as `enformer-vep predict --vcf` does.

        Args:
          variant: a text such as 'chr7:5527157:C:T', a tuple (chrom, pos, ref, alt) or a Variant.
          tracks: some of the head's tracks; None for those with which the model was opened.
          window: the placement of the window.
          reverse_complement: whether both strands are averaged.
          shifts: the shifts that are averaged, in bp.
          indels: how an allele that changes the length is compared.

        Returns:
          `.reference`, `.alternate` and `.difference`, float32 [bins, tracks], with `.bins` and `.tracks`.

        Raises:
          InputError: the variant cannot be predicted, or an option cannot be used.
          EnformerVepError: the model failed.
        """
        views = to_views(indels, shifts, reverse_complement=reverse_complement)
        return predict_alleles(
            self._session, variant, self._scoring(tracks, placement=to_placement(window), views=views)
        )

    @in_words_of_python
    def saturate(
        self,
        regions: Path | Sequence[Path],
        *,
        stat: str = DEFAULT_STATISTICS,
        tracks: Tracks | None = None,
        window: str = SATURATE_WINDOW,
        bins: str = "all",
        reverse_complement: bool = False,
        shifts: Shifts = (0,),
        indels: str = DEFAULT_INDEL_POLICY.value,
        deletions: int = 0,
        max_alleles: int = DEFAULT_MAX_ALLELES,
        progress: bool | None = None,
    ) -> Saturation:
        """Scores every substitution of the bases of regions, as `enformer-vep saturate` does.

        Args:
          regions: regions (chr:start-end, 1-based, both ends included) or paths of BED files.
          stat: the statistic.
          tracks: some of the head's tracks; None for those with which the model was opened.
          window: the placement of windows.
          bins: the bins that the statistic is taken over.
          reverse_complement: whether both strands are averaged.
          shifts: the shifts that are averaged, in bp.
          indels: how deletions are compared.
          deletions: the longest deletions that are scored as well, 0 for none.
          max_alleles: the most alleles that are scored.
          progress: whether a bar is shown; None for one if somebody is looking.

        Returns:
          `.table`, a row for every change, and `.matrix(column)`, bases by letters.

        Raises:
          InputError: a region or an option cannot be used.
          EnformerVepError: the model failed.
        """
        statistics = to_statistics(stat)
        for statistic in statistics:
            if statistic.name in PREDICTIONS:
                raise InputError(f"stat {statistic.name} is a prediction, not an effect: choose another, such as SAD")
        scoring = self._scoring(
            tracks,
            placement=to_placement(window),
            statistics=statistics,
            bins=to_bins(bins),
            views=to_views(indels, shifts, reverse_complement=reverse_complement),
        )
        with self._session.lock:
            self._session.check_open()
            given = saturated_variants(self._session, regions, deletions, max_alleles)
            table = self.score_given(given, scoring, strict=False, progress=progress)
        assert isinstance(table, pd.DataFrame)
        return Saturation(table)

    @in_words_of_python
    def contributions(
        self,
        what: Path | OneVariant | Sequence[Path | OneVariant],
        *,
        tracks: Tracks | None = None,
        mean_by: MeanBy = MethodSettings.mean_by,
        bins: str = "all",
        width: int | None = None,
        steps: int = MethodSettings.steps,
        uncorrected: bool = False,
        reverse_complement: bool = False,
        max_gradients: int = DEFAULT_MAX_GRADIENTS,
        progress: bool | None = None,
    ) -> Contributions:
        """Computes what every base contributes to a prediction, as `enformer-vep contributions` does.

        Args:
          what: regions (chr:start-end) or paths of BED files, or else variants: texts (chr:pos:ref:alt), tuples (chrom,
            pos, ref, alt) or Variant.
          tracks: some of the head's tracks; None for those with which the model was opened.
          mean_by: 'track' explains each track by itself, 'group' the mean of each assay, 'all' the mean of all.
          bins: the bins whose sum is explained.
          width: bases around the middle of each; None for a region's own, and 200 around a variant.
          steps: of integrated gradients; 0 for the gradient at the sequence.
          uncorrected: whether the mean over the letters of each position stays in the gradients.
          reverse_complement: whether both strands are averaged.
          max_gradients: the most gradients that are computed.
          progress: whether a bar is shown; None for one if somebody is looking.

        Raises:
          InputError: a region, a variant or an option cannot be used.
          EnformerVepError: a gradient is not finite.
        """
        views = to_views(DEFAULT_INDEL_POLICY.value, (0,), reverse_complement=reverse_complement)
        return contributions(
            self._session,
            what,
            self._scoring(tracks, bins=to_bins(bins), views=views),
            MethodSettings(one_of("mean_by", mean_by, MEANS_BY), at_least("steps", steps, 0) or 0, not uncorrected),
            width_bp=width,
            max_gradients=max_gradients,
            progress=progress,
        )

    @in_words_of_python
    def plot(
        self,
        variant: OneVariant,
        *,
        gtf: Path | None = None,
        tracks: Tracks | None = None,
        top: int | None = None,
        span: int | None = None,
        width: float = DEFAULT_WIDTH_MM,
        logo: bool = False,
        window: str = CENTRED,
        reverse_complement: bool = False,
        shifts: Shifts = (0,),
        indels: str = DEFAULT_INDEL_POLICY.value,
        progress: bool | None = None,
    ) -> "Figure":
        """Draws the predicted tracks of both alleles of a variant, as `enformer-vep plot` does.

        It needs the extra 'plots'.

        Args:
          variant: a text such as 'chr7:5527157:C:T', a tuple (chrom, pos, ref, alt) or a Variant.
          gtf: the annotation whose genes are drawn.
          tracks: some of the head's tracks; None for those with which the model was opened.
          top: how many of them are shown, those with the largest effect; None for all that `tracks` names, or else 3.
          span: how far the plot reaches to each side of the variant, in bp; None for all bins.
          width: width in print, in mm.
          logo: whether sequence logos are drawn, which takes three more predictions for each of 41 bases.
          window: the placement of the window.
          reverse_complement: whether both strands are averaged.
          shifts: the shifts that are averaged, in bp.
          indels: how an allele that changes the length is compared.
          progress: whether a bar is shown; None for one if somebody is looking.

        Returns:
          A figure of matplotlib: notebooks show it, and `savefig` writes it.

        Raises:
          InputError: the variant or an option cannot be used, or matplotlib is not installed.
          EnformerVepError: the model failed.
        """
        views = to_views(indels, shifts, reverse_complement=reverse_complement)
        page = PageSettings(
            span_bp=at_least("span", span, 1),
            top=at_least("top", top, 1, at_most=MAX_TRACKS),
            width_mm=between("width", width, MIN_WIDTH_MM, MAX_WIDTH_MM),
            logo_bp=DEFAULT_LOGO_BP if logo else None,
        )
        scoring = self._scoring(tracks, placement=to_placement(window), views=views)
        return plot_variant(self._session, variant, scoring, page, gtf=gtf, progress=progress)

    def _scoring(self, tracks: Tracks | None, **changes: Any) -> ScoringSettings:
        """Returns the settings of a call: those with which the model was opened, with changes."""
        scoring = self._session.scoring
        return replace(scoring, tracks=scoring.tracks if tracks is None else to_tracks(tracks), **changes)
