"""The course of `predict REGION`, from regions to files of predicted tracks."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.tiling import BinSpan, Tile, covering_bins, tiles
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.views import View, ViewSettings
from enformer_vep.inference.engine import Engine
from enformer_vep.run.arguments import find_regions, parse_regions
from enformer_vep.run.model_run import BinsIdentity, EngineCourse, RegionsIdentity
from enformer_vep.run.predict.files import open_writer
from enformer_vep.run.predict.opening import open_run
from enformer_vep.run.predict.settings import PredictSettings
from enformer_vep.run.progress import Progress, duration
from enformer_vep.run.session import OpenModel, Session
from enformer_vep.run.settings import ScoringSettings
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
    named = parse_regions(settings.inputs.regions)
    windows_per_bin, views = settings.inputs.windows_per_bin, settings.scoring.views
    with open_run(settings) as run:
        session = run.session
        intervals = find_regions(named, session.genome)
        model = run.load()
        spans, windows = find_windows(intervals, model.geometry, windows_per_bin)
        run.check_cost("the regions take", len(windows), "choose smaller regions")
        session.notify()
        bins = BinsIdentity.of(spans)
        identity = run.identity(
            RegionsIdentity, bins=bins, num_windows=len(windows), windows_per_bin=windows_per_bin, views=views
        )
        first = time.perf_counter()
        with (
            open_writer(settings.output, run.described(identity), spans) as writer,
            Progress(is_quiet=settings.quiet, unit="windows") as progress,
        ):
            progress.start(len(windows))
            for span, values in predicted_spans(session, settings.scoring, windows, windows_per_bin, progress.done):
                writer.write(span, values)
            progress.begin("writing")
            writer.finish(EngineCourse(**run.course(session.engine(settings.scoring), {})))
        seconds = time.perf_counter() - first
        num_tracks = len(model.tracks.identifiers)
    return PredictSummary(bins.num_bins, num_tracks, len(windows), seconds, settings.output.path)


def find_windows(
    intervals: Sequence[Interval], geometry: Geometry, windows_per_bin: int
) -> tuple[list[BinSpan], list[Tile]]:
    """Returns the bins of regions, and the windows that predict them.

    Raises:
      InputError: the model has no such number of windows per bin.
    """
    spans = covering_bins(intervals, geometry.bin_size_bp)
    try:
        return spans, tiles(spans, geometry, windows_per_bin)
    except ValueError as error:
        raise InputError(str(error)) from error


def predicted_spans(
    session: Session,
    scoring: ScoringSettings,
    windows: Sequence[Tile],
    windows_per_bin: int,
    done: Callable[[], object],
) -> Iterator[tuple[BinSpan, Float32s]]:
    """Yields the wanted bins of windows in their order, each with its prediction: float32 [bins, tracks].

    Args:
      session: the genome and the model.
      scoring: the tracks, and the strands and shifts whose mean is taken; all bins are.
      windows: as `tiles` orders them.
      windows_per_bin: how many windows each wanted bin is in.
      done: called for each window.

    Raises:
      EnformerVepError: a prediction is not finite.
    """
    model = session.model_for(scoring)

    def checked() -> Iterator[tuple[Tile, Float32s]]:
        for tile, values in predictions(session.engine(scoring), windows, scoring.views, model.geometry):
            _check_finite(values, tile, model)
            yield tile, values
            done()

    return averaged(checked(), windows_per_bin)


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
    predicted = engine.predict(view.reference for of_window in of_windows for view in of_window)
    for tile, of_window in zip(windows, of_windows, strict=True):
        yield tile, _mean([(view, next(predicted)) for view in of_window])


def _mean(of_views: Sequence[tuple[View, Float32s]]) -> Float32s:
    if len(of_views) == 1:
        view, values = of_views[0]
        return values[::-1] if view.is_mirrored else values
    total = np.zeros(of_views[0][1].shape)
    for view, values in of_views:
        total += values[::-1] if view.is_mirrored else values
    return (total / len(of_views)).astype(np.float32)


def _check_finite(values: Float32s, tile: Tile, model: OpenModel) -> None:
    if np.isfinite(values).all():
        return
    track = model.tracks.identifiers[int(np.argmin(np.isfinite(values).all(axis=0)))]
    place = tile.window
    raise EnformerVepError(
        f"the model predicts NaN or infinity for {track} in the window {place.contig}:{place.start + 1}-{place.end}: "
        "its weights may be damaged"
    )


def averaged(predicted: Iterable[tuple[Tile, Float32s]], windows_per_bin: int) -> Iterator[tuple[BinSpan, Float32s]]:
    """Yields the wanted bins in their order, each with the mean of the windows that it is in: float32 [bins, tracks].

    The scored bins of a window are as many stretches as windows have each bin; a stretch is complete when the window
    that begins with it is there. So no more than the bins of one window are held, as sums in float64.

    Args:
      predicted: the windows, as `tiles` orders them, each with its prediction: float32 [scored bins, tracks].
      windows_per_bin: how many windows each wanted bin is in.
    """
    sums: dict[tuple[str, int], npt.NDArray[np.float64]] = {}
    for tile, values in predicted:
        contig, stride = tile.window.contig, len(values) // windows_per_bin
        for at in range(0, len(values), stride):
            first = tile.first + at
            if tile.wanted(first, first + stride):
                of_stretch = values[at : at + stride]
                known = sums.get((contig, first))
                sums[contig, first] = of_stretch.astype(np.float64) if known is None else known + of_stretch
        if wanted := tile.wanted(tile.first, tile.first + stride):
            mean = (sums.pop((contig, tile.first)) / windows_per_bin).astype(np.float32)
            for span in wanted:
                yield span, mean[tile.scored(span)]
