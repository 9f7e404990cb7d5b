"""The record of a background, and whether it fits a run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from enformer_vep.errors import InputError
from enformer_vep.genome.variant import AlleleClasses
from enformer_vep.io.tables.background_file import BackgroundFile
from enformer_vep.run.background.percentiles import Percentiles
from enformer_vep.run.record_json import find_differences, flat, from_json_values, to_json_values
from enformer_vep.run.run_record import RunIdentity
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.wording import listed, option, plural

logger = logging.getLogger(__name__)

BACKGROUND_FORMAT = 1
"""To be raised when an item is added or removed, or changes its meaning."""

FROM_SCORES = "scores"
FROM_1000G = "1000G"


@dataclass(frozen=True)
class BackgroundRecord:
    """The record of a background: which scores it is made of.

    Attributes:
      format: of the file.
      source: 'scores' for outputs of this tool, '1000G' for DeepMind's scores of the 1000 Genomes variants.
      notice: a warning about the model, None if there is none.
      weights: digest of the tensors; None if only known to be the published ones.
      is_published: whether the weights are the published ones.
      num_tracks: number of tracks of each statistic.
      tracks_sha256: digest of the track table.
      precision: of the computation; None if unknown.
      dtype: number format in which the scores were read.
      scale: the factor that made them sums over bins.
      alleles: their number in each class.
      left_out: alleles that were not taken, by reason.
      num_points: points of each distribution, at most.
      num_tail: scores of each tail that are all kept.
      inputs: the inputs that were read.
      scoring: the settings that decide the scores.
    """

    KEY_ORDER: ClassVar = (
        *("format", "source", "notice", "weights", "is_published", "head", "statistics", "num_tracks"),
        *("tracks_sha256", "placement", "bins", "views"),
    )

    format: int
    source: str
    notice: str | None
    weights: str | None
    is_published: bool
    num_tracks: int
    tracks_sha256: str
    precision: str | None
    dtype: str
    scale: float
    alleles: AlleleClasses
    left_out: dict[str, int]
    num_points: int
    num_tail: int
    inputs: tuple[dict[str, Any], ...]
    scoring: ScoringSettings = field(metadata=flat())

    @property
    def is_of_snvs(self) -> bool:
        """Whether no allele changes the length, so that the policy for indels does not matter."""
        return self.alleles.snv == self.alleles.total

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as JSON values."""
        return to_json_values(self)

    @classmethod
    def of(cls, background: BackgroundFile) -> "BackgroundRecord":
        """Reads the record of a background.

        Raises:
          InputError: it is of another format, or damaged.
        """
        its = background.record.get("format")
        if its != BACKGROUND_FORMAT:
            raise InputError(
                f"{background.path} is a background of format {its}, and this version of enformer-vep reads "
                f"{BACKGROUND_FORMAT}: make it again with 'enformer-vep background'"
            )
        try:
            return from_json_values(cls, background.record)
        except ValueError as error:
            raise InputError(f"{background.path} is not a background: its record is damaged: {error}") from error


@dataclass(frozen=True)
class OpenBackground:
    """A background that a run may use.

    Attributes:
      file: the file.
      record: its record.
    """

    file: BackgroundFile
    record: BackgroundRecord

    @classmethod
    def open(cls, path: str) -> "OpenBackground":
        """Opens a background, without its distributions.

        Raises:
          InputError: it does not exist, or is not a background.
        """
        file = BackgroundFile(path)
        return cls(file, BackgroundRecord.of(file))

    def check(self, run: RunIdentity, identifiers: Sequence[str]) -> None:
        """Checks that the scores of a run can be compared with the background's; warns if precisions differ.

        Args:
          run: the run.
          identifiers: its tracks.

        Raises:
          InputError: the background is of other weights, another head, other bins, placements or views, or lacks
            statistics or tracks of the run.
        """
        mine, path = self.record, self.file.path
        if mine.weights != run.model.tensors_sha256 and not (mine.is_published and run.model.is_published):
            raise self._differs("weights", _weights(mine.weights), _weights(run.model.tensors_sha256))
        of_background, of_run = (to_json_values(each.scoring, without=("statistics",)) for each in (mine, run))
        for item, its, wanted in find_differences(of_background, of_run):
            if not (item == "views.indels" and mine.is_of_snvs):
                raise self._differs(item, its, wanted)
        if missing := [name for name in run.scoring.names if name not in mine.scoring.names]:
            raise InputError(
                f"the background {path} has no {listed(missing)}: it has {listed(mine.scoring.names)}; leave it out of "
                f"{option('--stats')}, or make a background of it"
            )
        known = {identifier for _, identifier in self.file.keys}
        if unknown := [identifier for identifier in identifiers if identifier not in known]:
            raise InputError(
                f"the background {path} lacks {plural(len(unknown), 'track')} of this run: {listed(unknown)}; it has "
                f"{plural(len(known), 'track')}, such as {listed(sorted(known), most=2)}; choose tracks with "
                f"{option('--tracks')}, and name them with the same {option('--track-table')}"
            )
        if mine.precision not in (None, run.compute.precision):
            logger.warning(
                "the background %s was computed in %s, this run is in %s: percentiles of small scores may be off",
                path,
                mine.precision,
                run.compute.precision,
            )

    def percentiles(self, statistics: Sequence[str], identifiers: Sequence[str]) -> Percentiles:
        """Reads the distributions of a run's statistics and tracks, which `check` has accepted."""
        row_of = {key: row for row, key in enumerate(self.file.keys)}
        rows = [row_of[statistic, identifier] for statistic in statistics for identifier in identifiers]
        return Percentiles(self.file, rows, float16_scale=self.record.scale if self.record.dtype == "float16" else None)

    def _differs(self, item: str, its: Any, wanted: Any) -> InputError:
        its, wanted = (tuple(value) if isinstance(value, list) else value for value in (its, wanted))
        return InputError(
            f"the background {self.file.path} does not fit this run: its {item} "
            f"{'are' if item.endswith('s') else 'is'} {its}, this run has {wanted}; "
            "use a background that was made with the same options"
        )


def _weights(sha256: str | None) -> str:
    return "the published Enformer" if sha256 is None else f"{sha256[:12]}..."
