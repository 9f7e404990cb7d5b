"""A model that stays open between calls, with its weights, its traced graphs and its caches."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, overload

import pandas as pd

from enformer_vep.api.explaining import Contributions, Saturation, contributions, saturated_variants
from enformer_vep.api.frames import AlleleScores, to_frame
from enformer_vep.api.options import ScoreOptions, in_words_of_python, read, read_views
from enformer_vep.api.predictions import (
    AllelePrediction,
    Prediction,
    plot_variant,
    predict_alleles,
    predict_regions,
)
from enformer_vep.api.variants import GivenVariants, OneVariant, PlainVariants, Variants, check_variants, read_variants
from enformer_vep.errors import InputError
from enformer_vep.genome.windows import CENTRED, DEFAULT_INDEL_POLICY
from enformer_vep.inference.device import DEFAULT_CACHE_BYTES, Precision
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.options.kinds import Whole
from enformer_vep.options.values import Path, Shifts, Stats, Tracks
from enformer_vep.run.explain.saturate import PREDICTIONS
from enformer_vep.run.explain.settings import (
    DEFAULT_MAX_ALLELES,
    DEFAULT_MAX_GRADIENTS,
    DEFAULT_SATURATE_WINDOW,
    MeanBy,
    MethodSettings,
)
from enformer_vep.run.plot.settings import (
    DEFAULT_LOGO_BP,
    DEFAULT_WIDTH_MM,
    PageSettings,
)
from enformer_vep.run.predict.settings import DEFAULT_MAX_WINDOWS, PredictInputSettings
from enformer_vep.run.progress import notebook_progress
from enformer_vep.run.score.scorer import scored_parts
from enformer_vep.run.session import Session
from enformer_vep.run.settings import (
    DEFAULT_PART_SIZE,
    DEFAULT_STATISTICS,
    ComputeSettings,
    EngineName,
    ScoringSettings,
)

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from typing_extensions import Unpack


@in_words_of_python
def open_model(
    model: Path | None = None,
    fasta: Path | None = None,
    *,
    head: str = ScoringSettings.head,
    tracks: Tracks | None = None,
    track_table: Path | None = None,
    precision: Precision = ComputeSettings.precision,
    engine: EngineName = ComputeSettings.engine,
    device: str | None = None,
    batch_size: int | None = None,
    cache_size: int | str = DEFAULT_CACHE_BYTES,
    allow_nondeterministic: bool = False,
    cache: Path | None = None,
) -> "Model":
    """Opens a model and a genome, and keeps them for any number of calls.

    Args:
      model: a checkpoint's folder or prefix, a SavedModel's folder, a .safetensors or PyTorch file, 'enformer' (the
        official weights) or 'demo'; None for ENFORMER_VEP_MODEL, and else the official weights.
      fasta: the reference genome: a file, or the name of a fetched one such as 'hg38'; None for ENFORMER_VEP_FASTA.
      head: the head, 'human' or 'mouse'.
      tracks: the tracks that are predicted: an expression as of `--tracks`, or a list of numbers and expressions; None
        for all.
      track_table: a table that names the tracks; None for the fetched one.
      precision: 'float32', 'mixed', 'bfloat16', or on a GPU 'tf32'.
      engine: 'reusing' computes only what a variant changes; 'full' runs both sequences through the whole model.
      device: 'cpu', 'gpu' or 'gpu:N'; None for the first GPU if there is one, and else the CPU.
      batch_size: sequences that a GPU runs at a time.
      cache_size: memory for results that windows share, in bytes, or as a text such as '256M'. Calls with
        other options, such as other tracks or another `window`, have a cache of this size each, at most four in all.
      allow_nondeterministic: whether a GPU may use operations whose results differ a little from run to run.
      cache: the folder of fetched files; None for ENFORMER_VEP_CACHE, and else the user's.

    Raises:
      InputError: the model, the genome or an option cannot be used.
    """
    scoring = ScoringSettings(read("model", model), head, read("track_table", track_table), read("tracks", tracks))
    compute = to_compute(engine, precision, device, batch_size, cache_size, allow_nondeterministic)
    with ExitStack() as on_failure:
        session = on_failure.enter_context(Session(scoring, compute, read("fasta", fasta), read("cache", cache)))
        session.notify()
        on_failure.pop_all()
    return Model(session)


def to_compute(
    engine: EngineName,
    precision: Precision,
    device: str | None,
    batch_size: int | None,
    cache_size: int | str,
    allow_nondeterministic: bool,
) -> ComputeSettings:
    """Returns how predictions are computed: see `open_model`.

    Raises:
      InputError: an option cannot be used.
    """
    return ComputeSettings(
        read("engine", engine),
        read("precision", precision),
        device,
        read("batch_size", batch_size),
        read("cache_size", cache_size),
        allow_nondeterministic,
    )


class Model:
    """A model on a device, and a genome: what `open_model` returns. A `with` block or `close` closes it.

    Weights are loaded once, each graph is traced once, and what windows share is kept from call to call. Several
    threads can use it; their calls take turns.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def name(self) -> str:
        """The model's name: 'demo', or 'enformer'."""
        return self._session.model.loaded.name

    @property
    def notice(self) -> str | None:
        """A sentence on what the model is not made for, as of the demo's; None if it is Enformer."""
        return self._session.model.loaded.notice

    @property
    def head(self) -> str:
        """The head that predicts the tracks."""
        return self._session.model.tracks.head

    @property
    def tracks(self) -> pd.DataFrame:
        """The chosen tracks: index (in the head, from 0), identifier, description, assay, target, biosample ..."""
        tracks: pd.DataFrame = self._session.model.tracks.table.copy()
        return tracks

    @property
    def device(self) -> str:
        """The device that the model runs on."""
        return self._session.model.device.description

    @property
    def fasta(self) -> str:
        """The path of the genome."""
        return str(self._session.genome.path)

    def __repr__(self) -> str:
        state = "" if self._session.is_open else ", closed"
        return (
            f"<enformer_vep.Model {self.name}: {len(self._session.model.tracks.table):,} tracks of the "
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
            placement=read("window", window),
            statistics=read("stats", stats),
            bins=read("bins", bins),
            views=read_views(indels, shifts, reverse_complement=reverse_complement),
        )
        given = read_variants(variants)
        with self._session.turn():
            check_variants(given, self._session.genome, allow_mismatches=allow_mismatches)
            return self.score_given(given, scoring, strict=strict, progress=progress)

    def score_given(
        self, given: GivenVariants, scoring: ScoringSettings, *, strict: bool, progress: bool | None
    ) -> "pd.DataFrame | pl.DataFrame":
        """Scores variants that are read and checked.

        Args:
          given: the variants.
          scoring: their tracks, statistics, bins and views.
          strict: whether an allele that cannot be scored is an error.
          progress: whether a bar is shown.

        Raises:
          InputError: an allele or a setting cannot be used.
          EnformerVepError: the model failed.
        """
        alleles, part_size = given.alleles, DEFAULT_PART_SIZE[self._session.model.device.kind]
        with self._session.turn():
            scorer = self._session.scorer(scoring)
            columns = TableSettings(scoring.names, scorer.tracks).columns
            parts = (alleles[start : start + part_size] for start in range(0, len(alleles), part_size))
            with notebook_progress("alleles", is_wanted=progress) as shown:
                shown.start(len(alleles))
                scored = scored_parts(scorer, parts, given.name, is_strict=strict, done=shown.done)
                scores = AlleleScores.of_parts(alleles, scored, len(columns))
        return to_frame(given, scores, columns)

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
        views = read_views(shifts=shifts, reverse_complement=reverse_complement)
        return predict_regions(
            self._session,
            regions,
            self._scoring(tracks, views=views),
            windows_per_bin=read("windows_per_bin", windows_per_bin, "predict"),
            max_windows=read("max_windows", max_windows, "predict"),
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
        views = read_views(indels, shifts, reverse_complement=reverse_complement)
        return predict_alleles(
            self._session, variant, self._scoring(tracks, placement=read("window", window), views=views)
        )

    @in_words_of_python
    def saturate(
        self,
        regions: Path | Sequence[Path],
        *,
        stat: str = DEFAULT_STATISTICS,
        tracks: Tracks | None = None,
        window: str = DEFAULT_SATURATE_WINDOW,
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
        statistics = read("stats", stat)
        for statistic in statistics:
            if statistic.name in PREDICTIONS:
                raise InputError(f"stat {statistic.name} is a prediction, not an effect: choose another, such as SAD")
        scoring = self._scoring(
            tracks,
            placement=read("window", window),
            statistics=statistics,
            bins=read("bins", bins),
            views=read_views(indels, shifts, reverse_complement=reverse_complement),
        )
        with self._session.turn():
            given = saturated_variants(self._session, regions, deletions, read("max_alleles", max_alleles, "saturate"))
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
        views = read_views(reverse_complement=reverse_complement)
        return contributions(
            self._session,
            what,
            self._scoring(tracks, bins=read("bins", bins), views=views),
            MethodSettings(
                read("mean_by", mean_by, "contributions"),
                0
                if steps is None
                else Whole(0).read("steps", steps),  # where the option is left out on the command line
                not uncorrected,
            ),
            width_bp=width,
            max_gradients=read("max_gradients", max_gradients, "contributions"),
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
        views = read_views(indels, shifts, reverse_complement=reverse_complement)
        page = PageSettings(
            span_bp=read("span", span, "plot"),
            top=read("top", top, "plot"),
            width_mm=read("width", width, "plot"),
            logo_bp=DEFAULT_LOGO_BP if logo else None,
        )
        scoring = self._scoring(tracks, placement=read("window", window), views=views)
        return plot_variant(self._session, variant, scoring, page, gtf=gtf, progress=progress)

    def _scoring(self, tracks: Tracks | None, **changes: Any) -> ScoringSettings:
        """Returns the settings of a call: those with which the model was opened, with changes."""
        scoring = self._session.scoring
        return replace(scoring, tracks=scoring.tracks if tracks is None else read("tracks", tracks), **changes)
