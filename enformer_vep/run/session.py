"""The session of every course: a genome, and a model on its device with its tracks and engines.

This is the one place that opens a genome or a model for a run. A command opens a session for its course, `open_model`
keeps one for a notebook.
"""

import ctypes
import gc
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cachetools import LRUCache

from enformer_vep.errors import FastaError, InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.remote import GENOMES, find_genome, genome_choices
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.layout import FetchCodes
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.inference.device import Device, prepare_device
from enformer_vep.inference.engine import Engine, EngineSettings
from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
from enformer_vep.io.tracks.table import TrackTable, read_track_table, unnamed_tracks
from enformer_vep.model.location import ModelLocation, locate_model
from enformer_vep.run.score.gene_scorer import GeneScorer
from enformer_vep.run.score.scorer import VariantScorer
from enformer_vep.run.settings import ComputeSettings, ScoringSettings
from enformer_vep.wording import did_you_mean, listed, option

if TYPE_CHECKING:
    from enformer_vep.model.weights import LoadedModel

logger = logging.getLogger(__name__)

NUM_ENGINES = 4
"""Engines that are kept, one for each choice of tracks, bins and views: the least recently used one goes first."""

MIN_FUSED_CHANNELS = 256
"""Smallest width whose elementwise steps are compiled: compiling takes seconds, which smaller models never save."""


@dataclass(frozen=True)
class OpenModel:
    """A model that is ready to run.

    Attributes:
      loaded: the model, on the device.
      device: the device.
      tracks: the wanted tracks of the wanted head.
      batch_size: sequences that are run at a time.
      fetched_tracks: the fetched table of the published tracks; None if there was none, or the model is another.
    """

    loaded: "LoadedModel"
    device: Device
    tracks: TrackTable
    batch_size: int
    fetched_tracks: Path | None = None

    @property
    def geometry(self) -> Geometry:
        """The model's lengths."""
        return self.loaded.model.config.geometry


class Session:
    """A genome and a model, each opened when it is first used. A `with` block or `close` closes the genome.

    Attributes:
      scoring: the model, the head and its tracks, and the views of variants unless a call says otherwise.
      compute: the device, the engine and its settings.
    """

    def __init__(
        self, scoring: ScoringSettings, compute: ComputeSettings, fasta: str | None, cache: str | None
    ) -> None:
        """Finds the model's files and the genome's.

        Args:
          scoring: the model, the head, its tracks, and the views of variants.
          compute: the device, the engine and its settings.
          fasta: the genome, a file or the name of a fetched one; None if it was not named.
          cache: the folder of fetched files, None for the user's.

        Raises:
          InputError: there is no such model or genome.
        """
        self.scoring = scoring
        self.compute = compute
        self._cache = Cache.at(cache)
        self._location = locate_model(scoring.model, self._cache.folder)
        self._fasta = _find_fasta(fasta, self._cache)
        self.is_open = True
        self._lock = threading.RLock()
        self._engines: LRUCache[object, Engine] = LRUCache(NUM_ENGINES)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the engines with their caches, and closes the genome."""
        with self._lock:
            if self.is_open:
                self.is_open = False
                self._engines.clear()
                if "genome" in self.__dict__:
                    self.genome.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Lets one thread at a time use the model within the block.

        A GPU's arithmetic belongs to the whole process: another model may have changed it since the turn before.

        Raises:
          InputError: the session is closed.
        """
        with self._lock:
            if not self.is_open:
                raise InputError("the model is closed: open it again with open_model")
            if self.model.device.kind == "GPU":
                self._prepare_device()
            yield

    @cached_property
    def genome(self) -> Genome:
        """The FASTA. The first use opens it, and indexes it if there is no index.

        Raises:
          FastaError: it cannot be read.
        """
        return Genome(self._fasta)

    @cached_property
    def reference(self) -> ReferenceCodes:
        """The genome's codes."""
        return ReferenceCodes(self.genome)

    @cached_property
    def model(self) -> OpenModel:
        """The model on its device. The first use imports TensorFlow and loads it.

        Raises:
          DeviceError: there is no such device.
          InputError: the FASTA cannot be read; the model cannot be loaded, or has no such head or tracks; or windows or
            shifts do not fit it.
        """
        _ = self.genome  # what is wrong with it is said before TensorFlow is imported
        device = self._prepare_device()
        from enformer_vep.model.weights import load_model

        loaded = load_model(self._location)
        _check_fit(self.scoring, loaded.model.config.geometry)
        path = self._cache.track_table(self.scoring.head)
        fetched = path if loaded.identity.is_published and path.is_file() else None
        tracks = choose_tracks(self.scoring, loaded, self._location, fetched)
        return OpenModel(loaded, device, tracks, device.batch_size(self.compute.batch_size), fetched)

    def unload(self) -> None:
        """Frees the model and its engines, and returns to the system what the C library would keep of their memory.

        TensorFlow's allocator for CPUs keeps the model's memory nevertheless.
        """
        self._engines.clear()
        self.__dict__.pop("model", None)
        gc.collect()  # the traced graph and the model refer to each other
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):  # glibc
            library.malloc_trim(0)

    def model_for(self, scoring: ScoringSettings) -> OpenModel:
        """Returns the model with the tracks that a call wants.

        Raises:
          InputError: tracks, windows or shifts do not fit the model.
        """
        model = self.model
        _check_fit(scoring, model.geometry)
        if scoring.tracks == self.scoring.tracks:
            return model
        return replace(model, tracks=choose_tracks(scoring, model.loaded, self._location, model.fetched_tracks))

    def named_bins(self, scoring: ScoringSettings) -> ScoredBins:
        """Returns the bins that statistics are taken over, whose contigs go by the names of the FASTA.

        Raises:
          InputError: the FASTA has no such contig.
        """
        try:
            return scoring.bins.with_names(self.genome.resolve)
        except ValueError as error:
            raise InputError(str(error)) from error

    def engine(
        self, scoring: ScoringSettings, compute: ComputeSettings | None = None, *, is_anywhere: bool = False
    ) -> Engine:
        """Returns an engine: that of an earlier call with the same views of variants, if it is still kept.

        Args:
          scoring: the tracks, and the views of variants.
          compute: the engine and its settings, None for those of the session.
          is_anywhere: whether variants may stand anywhere in a window, as in those of genes.

        Raises:
          InputError: tracks, windows or shifts do not fit the model.
        """
        model, compute = self.model_for(scoring), compute or self.compute
        key = (tuple(model.tracks.indices), scoring.placement, scoring.bins, scoring.views, compute, is_anywhere)
        engine = self._engines.get(key)
        if engine is None:
            engine = make_engine(model, scoring, compute, self.reference.fetch, is_anywhere=is_anywhere)
            self._engines[key] = engine
        return engine

    def scorer(self, scoring: ScoringSettings, genes: GeneScorer | None = None) -> VariantScorer:
        """Returns a scorer of variants, with the engine of these settings.

        Args:
          scoring: the tracks, the views of variants, and the statistics.
          genes: finds and scores genes; None if none is wanted.

        Raises:
          InputError: tracks, bins, windows or shifts do not fit the model or the genome.
        """
        model = self.model_for(scoring)
        self.named_bins(scoring)
        engine = self.engine(scoring, is_anywhere=genes is not None and genes.is_at_tss)
        return VariantScorer(engine, self.reference, model.geometry, scoring, model.tracks, genes)

    def notify(self) -> None:
        """Logs what the user should know about the model and the names of its tracks."""
        loaded, tracks = self.model.loaded, self.model.tracks
        if loaded.notice:
            logger.info("model %s: %s", loaded.name, loaded.notice)
        else:
            known = "the published Enformer" if loaded.identity.is_published else "not the published Enformer"
            logger.info("weights: %s, according to their checksums %s", loaded.identity.path, known)
        if tracks.is_unnamed:
            names = f"{tracks.identifiers[0]} to {tracks.identifiers[-1]}"
            advice = "; 'enformer-vep fetch tracks' gets their names" if loaded.identity.is_published else ""
            logger.info("without --track-table, tracks are named by head and number: %s%s", names, advice)
        elif self.model.fetched_tracks is not None and self.scoring.track_table is None:
            logger.info("tracks: named by the fetched table %s", self.model.fetched_tracks)
        if self.model.batch_size != (self.compute.batch_size or self.model.batch_size):
            logger.info("a CPU runs one sequence at a time: --batch-size %d has no effect", self.compute.batch_size)

    def _prepare_device(self) -> Device:
        compute = self.compute
        return prepare_device(compute.device, compute.precision, allow_nondeterministic=compute.allow_nondeterministic)


def _check_fit(scoring: ScoringSettings, geometry: Geometry) -> None:
    try:
        scoring.placement.check(geometry)
        scoring.views.check(geometry)
    except ValueError as error:
        raise InputError(str(error)) from error


def choose_tracks(
    scoring: ScoringSettings, loaded: "LoadedModel", location: ModelLocation, fetched: Path | None
) -> TrackTable:
    """Returns the tracks that are wanted, with their names.

    Args:
      scoring: the head and the choice of its tracks. A table that is named here comes first.
      loaded: the model.
      location: the model's files; a table beside them comes second.
      fetched: the fetched table of the published tracks, None if there is none.

    Raises:
      InputError: the model does not have this head or these tracks, or the track table belongs to another head.
    """
    heads, head = loaded.model.config.heads, scoring.head
    if head not in heads:
        raise InputError(f"unknown head {head!r}: this model has {', '.join(heads)}{did_you_mean(head, heads)}")
    if track_table := scoring.track_table or location.track_table_path(head) or fetched:
        tracks = read_track_table(str(track_table), head, heads[head])
    else:
        prefix = f"{loaded.name}_" if loaded.notice else ""
        tracks = unnamed_tracks(head, heads[head], prefix=prefix, description=loaded.notice or "")
    return tracks if scoring.tracks is None else tracks.select(scoring.tracks)


def make_engine(
    model: OpenModel, scoring: ScoringSettings, compute: ComputeSettings, fetch: FetchCodes, *, is_anywhere: bool
) -> Engine:
    """Returns the engine that predicts the chosen tracks of a head.

    Args:
      model: the model, on its device.
      scoring: the views of variants.
      compute: the engine and its settings.
      fetch: returns the codes of the reference genome.
      is_anywhere: whether variants may stand anywhere in a window, as in those of genes.
    """
    from enformer_vep.inference.comparer import full_engine, reusing_engine

    enformer, head, geometry = model.loaded.model, model.tracks.head, model.geometry
    offsets = scoring.placement.offsets(geometry)
    settings = EngineSettings(
        head,
        None if model.tracks.indices == list(range(enformer.config.heads[head])) else model.tracks.indices,
        bins=scoring.bins.computed(offsets, geometry, is_mirrored=scoring.views.reverse_complement),
        batch_size=model.batch_size,
        precision=compute.precision,
        variant_offsets=range(geometry.sequence_length_bp)
        if is_anywhere
        else scoring.views.offsets(offsets, geometry.sequence_length_bp),
        cache_bytes=compute.cache_bytes,
        is_fused=model.device.kind == "CPU" and enformer.config.channels >= MIN_FUSED_CHANNELS,
    )
    return (full_engine if compute.engine == "full" else reusing_engine)(enformer, fetch, settings)


def _find_fasta(fasta: str | None, cache: Cache) -> str:
    """Returns the path of the genome that -f names: a file, or the name of a fetched genome.

    A file of the name comes first, though not a folder: results of hg38 may well be in a folder 'hg38'.
    """
    if not fasta:
        fetched = cache.fetched_genomes()
        choice = (
            f"fetched are {listed(fetched)}" if fetched else f"none is fetched yet, so first run {_fetching('hg38')}"
        )
        raise FastaError(
            f"which genome? Name the one on which the variants were called with {option('-f')}: a FASTA file, or the "
            f"name of a fetched genome ({choice}), or set ENFORMER_VEP_FASTA"
        )
    genome = find_genome(fasta)
    if os.path.exists(fasta) and not (genome is not None and os.path.isdir(fasta)):
        return fasta
    if genome is None:
        raise FastaError(
            f"no such file: {fasta}: expected a FASTA file, plain or bgzipped, or the name of a genome: "
            f"{genome_choices()}{did_you_mean(fasta, GENOMES, likeness=0.7)}"
        )
    path = cache.genome(genome.name)
    if not path.is_file():
        raise FastaError(
            f"the genome {genome.name} is not in {cache.folder}: first run {_fetching(genome.name)}, or name a FASTA "
            "file"
        )
    return str(path)


def _fetching(genome: str) -> str:
    return f"'enformer-vep fetch genome {genome}'"
