"""Where and how a run went: what the records of all commands say that run a model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TowerBins:
    """Tower bins of all sequences: those that were computed, and those that were known already."""

    computed: int
    reused: int


@dataclass(frozen=True)
class Course:
    """Where and how a command ran, which is not the same each time."""

    command: str
    paths: dict[str, str]
    device_name: str
    started: str
    seconds_total: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class EngineCourse(Course):
    """How a run of an engine went."""

    transformer_passes: int
    tower_bins: TowerBins
