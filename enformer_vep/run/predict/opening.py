"""What every run of `predict` opens and records, whether it is of regions or of variants."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from enformer_vep.errors import InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.genome.geometry import Geometry
from enformer_vep.inference.engine import Engine
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.model.location import ModelLocation, locate_model
from enformer_vep.run.course import TowerBins
from enformer_vep.run.fetched import find_fasta
from enformer_vep.run.model_run import course_items, model_run_identity
from enformer_vep.run.models import OpenModel, notify, open_model
from enformer_vep.run.predict.output import Described, check_output, check_tracks
from enformer_vep.run.predict.record import KIND, PREDICT_RECORD_FORMAT, PredictIdentity
from enformer_vep.run.predict.settings import SECONDS_PER_PASS, PredictSettings
from enformer_vep.run.progress import duration
from enformer_vep.run.signals import StopSignals
from enformer_vep.wording import plural


@dataclass(frozen=True)
class PredictInputs:
    """The inputs of a run before its model is loaded.

    Attributes:
      settings: what the user asked for.
      genome: the FASTA.
      location: where the model is.
      cache: where fetched files are.
      packages: versions of the packages that the output needs.
      started: when the run began.
    """

    settings: PredictSettings
    genome: Genome
    location: ModelLocation
    cache: Cache
    packages: dict[str, str]
    started: datetime

    def open(self) -> "PredictRun":
        """Loads the model. Imports TensorFlow.

        Raises:
          InputError: the model, the device, the head, the tracks, the shifts or the placement cannot be used.
        """
        settings = self.settings
        model = open_model(self.location, settings.scoring, settings.compute, self.cache)
        check_tracks(settings.output, model.tracks, has_alleles=settings.inputs.has_alleles)
        return PredictRun(self, model)


@dataclass(frozen=True)
class PredictRun:
    """A run whose inputs and model are open."""

    inputs: PredictInputs
    model: OpenModel

    @property
    def geometry(self) -> Geometry:
        """The model's lengths."""
        return self.model.loaded.model.config.geometry

    def check_cost(self, what: str, num_windows: int, advice: str) -> None:
        """Checks that the run is as small as the user expects.

        Args:
          what: what takes these windows: 'the regions take'.
          num_windows: the windows.
          advice: what to do if they are too many.

        Raises:
          InputError: there are more than --max-windows.
        """
        settings = self.inputs.settings
        most = settings.inputs.max_windows
        if num_windows > most:
            num_passes = num_windows * settings.passes_per_window
            raise InputError(
                f"{what} {plural(num_windows, 'window')}, of which the official model predicts all in about "
                f"{duration(num_passes * SECONDS_PER_PASS)} on two CPU cores: expected at most {most:,}; {advice}, or "
                "raise --max-windows"
            )

    def notify(self) -> None:
        """Logs what the user should know about the model, once the command is known to be usable."""
        notify(self.model, self.inputs.settings.scoring, self.inputs.settings.compute)

    def identity(self) -> PredictIdentity:
        """Says which model and genome the run has, and how it computes."""
        settings, model = self.inputs.settings, self.model
        of_run = model_run_identity(KIND, PREDICT_RECORD_FORMAT, self.inputs.genome, model, self.inputs.packages)
        return PredictIdentity(
            **vars(of_run),
            engine=settings.compute.engine,
            precision=settings.compute.precision,
            batch_size=model.batch_size,
        )

    def described(self, identity: PredictIdentity) -> Described:
        """Returns what the output says of the run."""
        return Described(identity, self.inputs.genome.contigs, self.model.tracks, self.geometry.bin_size_bp)

    def course(self, engine: Engine, paths: dict[str, str]) -> dict[str, Any]:
        """Says how the run went, as the items of an `EngineCourse`.

        Args:
          engine: the engine that has run.
          paths: the paths of inputs other than the FASTA and the model.
        """
        inputs, counts = self.inputs, engine.counts()
        return {
            **course_items(inputs.settings.output.command, inputs.genome, self.model, inputs.started, paths),
            "transformer_passes": counts.transformer_passes,
            "tower_bins": TowerBins(counts.tower_bins_computed, counts.tower_bins_reused),
        }


@contextmanager
def open_inputs(settings: PredictSettings) -> Iterator[PredictInputs]:
    """Finds the model, opens the FASTA and checks the output; heeds signals until the block ends.

    Raises:
      InputError: one of them cannot be used.
    """
    started = datetime.now(timezone.utc)
    cache = Cache.at(settings.inputs.cache)
    location = locate_model(settings.scoring.model, cache.folder)
    fasta = find_fasta(settings.inputs.fasta, cache)
    packages = check_output(settings.output, has_alleles=settings.inputs.has_alleles)
    with closing(Genome(fasta)) as genome, StopSignals():
        yield PredictInputs(settings, genome, location, cache, packages, started)
