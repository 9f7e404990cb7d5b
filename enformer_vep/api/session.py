"""What is open of a model: weights, graphs and caches, which calls share."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace

from enformer_vep.errors import InputError
from enformer_vep.inference.device import prepare_device
from enformer_vep.inference.engine import Engine
from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
from enformer_vep.model.location import ModelLocation
from enformer_vep.run.engines import make_engine
from enformer_vep.run.models import OpenModel, choose_tracks
from enformer_vep.run.progress import Progress, is_interactive
from enformer_vep.run.score.scorer import VariantScorer
from enformer_vep.run.settings import ComputeSettings, ScoringSettings

NUM_ENGINES = 4
"""Engines that are kept, one for each way to look at variants: the least recently used one goes first."""


class Session:
    """A model on its device, a genome, and the engines that earlier calls have made.

    Attributes:
      location: where the model is.
      genome: the FASTA.
      reference: its codes.
      opened: the model, with the tracks that were chosen when it was opened.
      scoring: the head and the tracks.
      compute: how predictions are computed.
      lock: held by the call that uses the model.
      is_open: whether the genome is open.
    """

    def __init__(
        self,
        location: ModelLocation,
        genome: Genome,
        opened: OpenModel,
        scoring: ScoringSettings,
        compute: ComputeSettings,
    ) -> None:
        self.location = location
        self.genome = genome
        self.reference = ReferenceCodes(genome)
        self.opened = opened
        self.scoring = scoring
        self.compute = compute
        self.lock = threading.RLock()
        self.is_open = True
        self._engines: OrderedDict[Hashable, Engine] = OrderedDict()

    def close(self) -> None:
        """Frees the caches and closes the genome."""
        with self.lock:
            if self.is_open:
                self.is_open = False
                self._engines.clear()
                self.genome.close()

    def check_open(self) -> None:
        """Checks that the model was not closed.

        Raises:
          InputError: it was.
        """
        if not self.is_open:
            raise InputError("the model is closed: open it again with open_model")

    def scorer(self, scoring: ScoringSettings) -> VariantScorer:
        """Returns what scores variants, with the engine of an earlier call that looked at them in the same way.

        Raises:
          InputError: the model is closed, or a setting does not fit it.
        """
        self.check_open()
        opened, geometry = self.opened_for(scoring), self.opened.loaded.model.config.geometry
        try:
            scoring.bins.with_names(self.genome.resolve)
            scoring.placement.check(geometry)
            scoring.views.check(geometry)
        except ValueError as error:
            raise InputError(str(error)) from error
        key = (tuple(opened.tracks.indices), scoring.placement, scoring.bins, scoring.views)
        engine = self._engines.get(key)
        if engine is None:
            engine = make_engine(opened, scoring, self.compute, self.reference.fetch)
            self._engines[key] = engine
            if len(self._engines) > NUM_ENGINES:
                self._engines.popitem(last=False)
        self._engines.move_to_end(key)
        return VariantScorer(engine, self.reference, geometry, scoring, opened.tracks)

    def opened_for(self, scoring: ScoringSettings) -> OpenModel:
        """Returns the model with the tracks that a call wants, on its device as it was opened.

        A GPU's arithmetic is set for the whole process, so that another model may have changed it since.
        """
        opened, compute = self.opened, self.compute
        if opened.device.kind == "GPU":
            prepare_device(compute.device, compute.precision, allow_nondeterministic=compute.allow_nondeterministic)
        if scoring.tracks == self.scoring.tracks:
            return opened
        return replace(opened, tracks=choose_tracks(scoring, opened.loaded, self.location, opened.fetched_tracks))


def progress_of(unit: str, *, is_wanted: bool | None) -> Progress:
    """Returns a bar; or nothing to be seen, if none is wanted or nobody is looking."""
    is_shown = is_interactive() if is_wanted is None else is_wanted
    return Progress(is_quiet=not is_shown, is_terminal=True, unit=unit)
