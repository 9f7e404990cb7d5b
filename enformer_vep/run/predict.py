"""From regions to predicted tracks: the one module that knows every stage of `predict`."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.tiling import Tile, covering_bins, tiles
from enformer_vep.genome.views import View, ViewSettings
from enformer_vep.inference.engine import Engine
from enformer_vep.io.fasta import Genome
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.model.location import locate_model
from enformer_vep.run.engines import make_engine
from enformer_vep.run.environment import peak_memory_bytes, versions
from enformer_vep.run.fetched import find_fasta
from enformer_vep.run.identity import TracksIdentity
from enformer_vep.run.input_identity import identify_fasta, identify_model
from enformer_vep.run.models import OpenModel, notify, open_model
from enformer_vep.run.predict_files import Predicted, check_output, check_tracks, open_writer
from enformer_vep.run.predict_record import (
    KIND,
    PREDICT_RECORD_FORMAT,
    BinsIdentity,
    MeanIdentity,
    PredictCourse,
    PredictIdentity,
)
from enformer_vep.run.predict_settings import SECONDS_PER_PASS, PredictSettings
from enformer_vep.run.predicted_regions import find_regions, parse_regions
from enformer_vep.run.progress import Progress, duration
from enformer_vep.run.run_record import TowerBins
from enformer_vep.run.signals import StopSignals
from enformer_vep.wording import plural

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PredictSummary:
    """What a run has written: bins and tracks, from how many windows, in which time, and where."""

    num_bins: int
    num_tracks: int
    num_windows: int
    seconds: float
    path: Path

    def __str__(self) -> str:
        what = f"{plural(self.num_bins, 'bin')} of {plural(self.num_tracks, 'track')}"
        return f"predicted {what} from {plural(self.num_windows, 'window')} in {duration(self.seconds)}: {self.path}"


def predict_regions(settings: PredictSettings) -> PredictSummary:
    """Predicts the reference over regions, and writes the chosen tracks.

    TensorFlow is imported once the rest of the command is known to be usable.

    Raises:
      InputError: the settings or an input cannot be used.
      EnformerVepError: the run failed, or was stopped; nothing is left of it.
    """
    started = datetime.now(timezone.utc)
    inputs = settings.inputs
    cache = Cache.at(inputs.cache)
    location = locate_model(settings.scoring.model, cache.folder)
    fasta = find_fasta(inputs.fasta, cache)
    named = parse_regions(inputs.regions)
    packages = check_output(settings.output)
    with closing(Genome(fasta)) as genome, StopSignals():
        intervals = find_regions(named, genome)
        model = open_model(location, settings.scoring, settings.compute, cache)
        check_tracks(settings.output, model.tracks)
        geometry = model.loaded.model.config.geometry
        spans = covering_bins(intervals, geometry.bin_size_bp)
        windows = tiles(spans, geometry)
        _check_cost(len(windows), settings)
        notify(model, settings.scoring, settings.compute)
        bins = BinsIdentity.of(spans)
        identity = _identity(settings, genome, model, bins, len(windows), packages)
        engine = make_engine(model, settings.scoring, settings.compute, ReferenceCodes(genome).fetch)
        predicted = Predicted(identity, genome.contigs, spans, model.tracks, geometry.bin_size_bp)
        first = time.perf_counter()
        with (
            open_writer(settings.output, predicted) as writer,
            Progress(is_quiet=settings.quiet, unit="windows") as progress,
        ):
            progress.start(len(windows))
            for tile, values in predictions(engine, windows, settings.scoring.views, geometry):
                _check_finite(values, tile, model)
                for span in tile.spans:
                    writer.write(span, values[tile.scored(span)])
                progress.done()
            progress.begin("writing")
            writer.finish(_course(settings, genome, model, engine, started))
        seconds = time.perf_counter() - first
    return PredictSummary(bins.num_bins, len(model.tracks.identifiers), len(windows), seconds, settings.output.path)


def predictions(
    engine: Engine, windows: Sequence[Tile], views: ViewSettings, geometry: Geometry
) -> Iterator[tuple[Tile, Float32s]]:
    """Yields each window with the mean of its views' predictions, mirrored ones turned back: float32 [bins, tracks].

    Args:
      engine: predicts all scored bins.
      windows: in the order in which their predictions are wanted; those of neighbours cost least.
      views: the strands and shifts.
      geometry: the model's lengths.
    """
    of_windows = [views.views(tile.window, None, geometry) for tile in windows]
    found = engine.predict(view.reference for of_window in of_windows for view in of_window)
    for tile, of_window in zip(windows, of_windows, strict=True):
        yield tile, _mean([(view, next(found)) for view in of_window])


def _mean(of_views: Sequence[tuple[View, Float32s]]) -> Float32s:
    if len(of_views) == 1:
        view, values = of_views[0]
        return values[::-1] if view.is_mirrored else values
    total = np.zeros(of_views[0][1].shape)
    for view, values in of_views:
        total += values[::-1] if view.is_mirrored else values
    return (total / len(of_views)).astype(np.float32)


def _check_cost(num_windows: int, settings: PredictSettings) -> None:
    most = settings.inputs.max_windows
    if num_windows <= most:
        return
    num_passes = num_windows * settings.passes_per_window
    raise InputError(
        f"the regions take {plural(num_windows, 'window')}, of which the official model predicts all in about "
        f"{duration(num_passes * SECONDS_PER_PASS)} on two CPU cores: expected at most {most:,}; choose smaller "
        "regions, or raise --max-windows"
    )


def _check_finite(values: Float32s, tile: Tile, model: OpenModel) -> None:
    if np.isfinite(values).all():
        return
    track = model.tracks.identifiers[int(np.argmin(np.isfinite(values).all(axis=0)))]
    place = tile.window
    raise EnformerVepError(
        f"the model predicts NaN or infinity for {track} in the window {place.contig}:{place.start + 1}-{place.end}: "
        "its weights may be damaged"
    )


def _identity(
    settings: PredictSettings,
    genome: Genome,
    model: OpenModel,
    bins: BinsIdentity,
    num_windows: int,
    packages: Mapping[str, str],
) -> PredictIdentity:
    views = settings.scoring.views
    return PredictIdentity(
        kind=KIND,
        format=PREDICT_RECORD_FORMAT,
        notice=model.loaded.notice,
        versions=versions() | dict(packages),
        fasta=identify_fasta(genome),
        model=identify_model(model.loaded),
        head=settings.scoring.head,
        tracks=TracksIdentity(**model.tracks.record()),
        bins=bins,
        num_windows=num_windows,
        views=MeanIdentity(views.reverse_complement, views.shifts),
        engine=settings.compute.engine,
        precision=settings.compute.precision,
        device=model.device.kind,
        is_deterministic=model.device.is_deterministic,
        batch_size=model.batch_size,
    )


def _course(
    settings: PredictSettings, genome: Genome, model: OpenModel, engine: Engine, started: datetime
) -> PredictCourse:
    counts = engine.counts()
    return PredictCourse(
        command=settings.output.command,
        paths={"fasta": os.path.abspath(genome.path), "model": os.path.abspath(model.loaded.identity.path)},
        transformer_passes=counts.transformer_passes,
        tower_bins=TowerBins(counts.tower_bins_computed, counts.tower_bins_reused),
        device_name=model.device.description,
        started=started.isoformat(timespec="seconds"),
        seconds_total=round((datetime.now(timezone.utc) - started).total_seconds(), 3),
        peak_memory_bytes=peak_memory_bytes(),
    )
