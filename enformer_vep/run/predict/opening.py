"""A run of `predict`, of regions or of variants: its session, its checks and its record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from enformer_vep.errors import InputError
from enformer_vep.inference.engine import Engine
from enformer_vep.run.model_run import (
    PREDICT_RECORD_FORMAT,
    Identity,
    PredictIdentity,
    TowerBins,
    course_items,
)
from enformer_vep.run.predict.files import Described, check_output, check_tracks
from enformer_vep.run.predict.settings import SECONDS_PER_PASS, PredictSettings
from enformer_vep.run.progress import StopSignals, duration
from enformer_vep.run.session import OpenModel, Session
from enformer_vep.wording import option, plural


@dataclass(frozen=True)
class PredictRun:
    """A run of `predict`.

    Attributes:
      settings: the settings of the run.
      session: the genome, and the model once it is loaded.
      packages: versions of the packages that the output needs.
      started: when the run began.
    """

    settings: PredictSettings
    session: Session
    packages: dict[str, str]
    started: datetime

    def load(self) -> OpenModel:
        """Loads the model, and checks that its tracks can be written. Imports TensorFlow.

        Raises:
          InputError: the model, the device, the head, the tracks, the shifts or the placement cannot be used.
        """
        model = self.session.model
        check_tracks(self.settings.output, model.tracks, has_alleles=self.settings.inputs.has_alleles)
        return model

    def check_cost(self, what: str, num_windows: int, advice: str) -> None:
        """Checks that a run takes no more windows than --max-windows.

        Args:
          what: the subject of the message: 'the regions take'.
          num_windows: the windows.
          advice: what to do if they are too many.

        Raises:
          InputError: there are more than --max-windows.
        """
        most = self.settings.inputs.max_windows
        if num_windows > most:
            num_passes = num_windows * self.settings.passes_per_window
            raise InputError(
                f"{what} {plural(num_windows, 'window')}, of which the official model predicts all in about "
                f"{duration(num_passes * SECONDS_PER_PASS)} on two CPU cores: expected at most {most:,}; {advice}, or "
                f"raise {option('--max-windows')}"
            )

    def identity(self, kind: type[Identity], **others: Any) -> Identity:
        """Identifies the run.

        Args:
          kind: the class of its identity.
          **others: its fields that regions or variants alone have.
        """
        settings, model = self.settings, self.session.model
        return kind.of(
            PREDICT_RECORD_FORMAT,
            self.session.genome,
            model,
            self.packages,
            compute=settings.compute,
            scoring=settings.scoring,
            batch_size=model.batch_size,
            **others,
        )

    def described(self, identity: PredictIdentity) -> Described:
        """Describes the run and its tracks, as every output does."""
        model = self.session.model
        return Described(identity, self.session.genome.contigs, model.tracks, model.geometry.bin_size_bp)

    def course(self, engine: Engine, paths: dict[str, str]) -> dict[str, Any]:
        """Says how the run went, as the items of an `EngineCourse`.

        Args:
          engine: the engine that has run.
          paths: the paths of inputs other than the FASTA and the model.
        """
        session, counts = self.session, engine.counts()
        return {
            **course_items(self.settings.output.command, session.genome, session.model, self.started, paths),
            "transformer_passes": counts.transformer_passes,
            "tower_bins": TowerBins(counts.tower_bins_computed, counts.tower_bins_reused),
        }


@contextmanager
def open_run(settings: PredictSettings) -> Iterator[PredictRun]:
    """Opens a session and checks the output; heeds signals until the block ends.

    Raises:
      InputError: the output, the genome or the model cannot be used.
    """
    started = datetime.now(timezone.utc)
    inputs = settings.inputs
    with Session(settings.scoring, settings.compute, inputs.fasta, inputs.cache) as session, StopSignals():
        packages = check_output(settings.output, has_alleles=inputs.has_alleles)
        yield PredictRun(settings, session, packages, started)
