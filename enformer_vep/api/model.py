"""A model that stays open between calls, with its weights, its traced graphs and its caches."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import ExitStack, closing
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, overload

import pandas as pd

from enformer_vep.api.frames import to_frame
from enformer_vep.api.options import (
    Path,
    Shifts,
    Stats,
    Tracks,
    at_least,
    environment_cache,
    environment_fasta,
    environment_model,
    one_of,
    path_text,
    to_bins,
    to_bytes,
    to_placement,
    to_statistics,
    to_tracks,
    to_views,
)
from enformer_vep.api.variants import GivenVariants, PlainVariants, Variants, read_variants
from enformer_vep.errors import InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.genome.indels import DEFAULT_INDEL_POLICY
from enformer_vep.genome.windows import CENTRED
from enformer_vep.inference.device import DEFAULT_CACHE_BYTES, PRECISIONS, Precision, prepare_device
from enformer_vep.inference.engine import Engine
from enformer_vep.io.fasta import Genome
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.io.survey import survey_alleles
from enformer_vep.io.table import TableSettings
from enformer_vep.model.location import ModelLocation, locate_model
from enformer_vep.run.allele_scores import score_alleles
from enformer_vep.run.assembly import check_assembly
from enformer_vep.run.engines import make_engine
from enformer_vep.run.fetched import find_fasta
from enformer_vep.run.models import OpenModel, choose_tracks, notify
from enformer_vep.run.models import open_model as open_on_device
from enformer_vep.run.part_scorer import PartScorer
from enformer_vep.run.progress import Progress, is_interactive
from enformer_vep.run.scorer import VariantScorer
from enformer_vep.run.settings import (
    DEFAULT_PART_SIZE,
    DEFAULT_STATISTICS,
    ENGINES,
    ComputeSettings,
    EngineName,
    ScoringSettings,
)

if TYPE_CHECKING:
    import polars as pl

NUM_ENGINES = 4
"""Engines that are kept, one for each way to look at variants: the least recently used one goes first."""


class Model:
    """A model on a device, and a genome: what `open_model` returns. A `with` block or `close` closes it.

    Weights are loaded once, each graph is traced once, and what windows share is kept from call to call. Several
    threads can use it; their calls take turns.
    """

    def __init__(
        self,
        location: ModelLocation,
        genome: Genome,
        opened: OpenModel,
        scoring: ScoringSettings,
        compute: ComputeSettings,
    ) -> None:
        """Takes what `open_model` has opened.

        Args:
          location: where the model is.
          genome: the FASTA.
          opened: the model.
          scoring: which head and tracks were chosen.
          compute: how predictions are computed.
        """
        self._location = location
        self._genome = genome
        self._reference = ReferenceCodes(genome)
        self._opened = opened
        self._scoring = scoring
        self._compute = compute
        self._engines: OrderedDict[Hashable, Engine] = OrderedDict()
        self._lock = threading.RLock()
        self._is_open = True

    @property
    def name(self) -> str:
        """The model's name: 'demo', or 'enformer'."""
        return self._opened.loaded.name

    @property
    def notice(self) -> str | None:
        """A sentence on what the model is not made for, as of the demo's; None if it is Enformer."""
        return self._opened.loaded.notice

    @property
    def head(self) -> str:
        """The head that predicts the tracks."""
        return self._opened.tracks.head

    @property
    def tracks(self) -> pd.DataFrame:
        """The chosen tracks: index (in the head, from 0), identifier, description, assay, target, biosample ..."""
        found: pd.DataFrame = self._opened.tracks.table.copy()
        return found

    @property
    def device(self) -> str:
        """What the model runs on."""
        return self._opened.device.description

    @property
    def fasta(self) -> str:
        """The path of the genome."""
        return str(self._genome.path)

    def __repr__(self) -> str:
        state = "" if self._is_open else ", closed"
        return (
            f"<enformer_vep.Model {self.name}: {len(self._opened.tracks.table):,} tracks of the {self.head} head, "
            f"{self.fasta}, {self.device}{state}>"
        )

    def __enter__(self) -> "Model":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the caches and closes the genome. The weights are free when nothing refers to the model."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._engines.clear()
                self._genome.close()

    @overload
    def score(
        self,
        variants: "pl.DataFrame",
        *,
        stats: Stats = ...,
        tracks: Tracks | None = ...,
        window: str = ...,
        bins: str = ...,
        reverse_complement: bool = ...,
        shifts: Shifts = ...,
        indels: str = ...,
        strict: bool = ...,
        allow_mismatches: bool = ...,
        progress: bool | None = ...,
    ) -> "pl.DataFrame": ...

    @overload
    def score(
        self,
        variants: PlainVariants,
        *,
        stats: Stats = ...,
        tracks: Tracks | None = ...,
        window: str = ...,
        bins: str = ...,
        reverse_complement: bool = ...,
        shifts: Shifts = ...,
        indels: str = ...,
        strict: bool = ...,
        allow_mismatches: bool = ...,
        progress: bool | None = ...,
    ) -> pd.DataFrame: ...

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
        scoring = replace(
            self._scoring,
            tracks=self._scoring.tracks if tracks is None else to_tracks(tracks),
            placement=to_placement(window),
            statistics=to_statistics(stats),
            bins=to_bins(bins),
            views=to_views(indels, shifts, reverse_complement=reverse_complement),
        )
        given = read_variants(variants)
        self._check_open()
        check_variants(given, self._genome, allow_mismatches=allow_mismatches)
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
        with self._lock:
            scorer = self._scorer(scoring)
            columns = TableSettings(scoring.names, scorer.tracks).columns
            parts = PartScorer(scorer, given.name, is_strict=strict)
            with progress_of("alleles", is_wanted=progress) as shown:
                shown.start(len(given.alleles))
                part_size = DEFAULT_PART_SIZE[self._opened.device.kind]
                found = score_alleles(parts, given.alleles, len(columns), part_size, shown.done)
        return to_frame(given, found, columns)

    def _check_open(self) -> None:
        if not self._is_open:
            raise InputError("the model is closed: open it again with open_model")

    def _scorer(self, scoring: ScoringSettings) -> VariantScorer:
        """Returns what scores variants, with the engine of an earlier call that looked at them in the same way."""
        self._check_open()
        opened, geometry = self._opened_for(scoring), self._opened.loaded.model.config.geometry
        try:
            scoring.bins.with_names(self._genome.resolve)
            scoring.placement.check(geometry)
            scoring.views.check(geometry)
        except ValueError as error:
            raise InputError(str(error)) from error
        key = (tuple(opened.tracks.indices), scoring.placement, scoring.bins, scoring.views)
        engine = self._engines.get(key)
        if engine is None:
            engine = make_engine(opened, scoring, self._compute, self._reference.fetch)
            self._engines[key] = engine
            if len(self._engines) > NUM_ENGINES:
                self._engines.popitem(last=False)
        self._engines.move_to_end(key)
        return VariantScorer(engine, self._reference, geometry, scoring, opened.tracks)

    def _opened_for(self, scoring: ScoringSettings) -> OpenModel:
        """Returns the model with the tracks that a call wants, on its device as it was opened.

        A GPU's arithmetic is set for the whole process, so that another model may have changed it since.
        """
        opened, compute = self._opened, self._compute
        if opened.device.kind == "GPU":
            prepare_device(compute.device, compute.precision, allow_nondeterministic=compute.allow_nondeterministic)
        if scoring.tracks == self._scoring.tracks:
            return opened
        return replace(opened, tracks=choose_tracks(scoring, opened.loaded, self._location, opened.fetched_tracks))


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
) -> Model:
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
      cache_size: memory for results that windows share, in bytes, or as a text such as '256M'.
      allow_nondeterministic: whether a GPU may use operations whose results differ a little from run to run.
      cache: the folder of fetched files; None for ENFORMER_VEP_CACHE, and else the user's.

    Raises:
      InputError: the model, the genome or an option cannot be used.
    """
    scoring = ScoringSettings(
        environment_model(model), head, None if track_table is None else path_text(track_table), to_tracks(tracks)
    )
    compute = ComputeSettings(
        one_of("engine", engine, ENGINES),
        one_of("precision", precision, PRECISIONS),
        device,
        at_least("batch_size", batch_size, 1),
        to_bytes(cache_size),
        allow_nondeterministic,
    )
    folder = Cache.at(environment_cache(cache))
    location = locate_model(scoring.model, folder.folder)
    with ExitStack() as failed:
        genome = failed.enter_context(closing(Genome(find_fasta(environment_fasta(fasta), folder))))
        opened = open_on_device(location, scoring, compute, folder)
        notify(opened, scoring, compute)
        failed.pop_all()
        return Model(location, genome, opened, scoring, compute)


def check_variants(given: GivenVariants, genome: Genome, *, allow_mismatches: bool) -> None:
    """Checks that variants and a genome seem to be of one assembly.

    Raises:
      InputError: they are not.
    """
    try:
        check_assembly(survey_alleles(given.alleles), genome, given.name, allow_mismatches=allow_mismatches)
    except InputError as error:
        raise type(error)(str(error).replace("--allow-mismatches", "allow_mismatches=True")) from error


def progress_of(unit: str, *, is_wanted: bool | None) -> Progress:
    """Returns a bar; or nothing to be seen, if none is wanted or nobody is looking."""
    is_shown = is_interactive() if is_wanted is None else is_wanted
    return Progress(is_quiet=not is_shown, is_terminal=True, unit=unit)
