"""What the records say of every command that runs a model in one go: its inputs, and where and when it ran."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from enformer_vep.io.genome.fasta import Genome
from enformer_vep.run.environment import peak_memory_bytes, versions
from enformer_vep.run.identity import FastaIdentity, ModelIdentity, TracksIdentity
from enformer_vep.run.input_identity import identify_fasta, identify_model
from enformer_vep.run.models import OpenModel


@dataclass(frozen=True)
class ModelRunIdentity:
    """The inputs and settings that do not depend on where and when a command runs. `kind` names the command."""

    kind: str
    format: int
    notice: str | None
    versions: dict[str, str]
    fasta: FastaIdentity
    model: ModelIdentity
    head: str
    tracks: TracksIdentity
    device: str
    is_deterministic: bool


def model_run_identity(
    kind: str, record_format: int, genome: Genome, model: OpenModel, packages: Mapping[str, str]
) -> ModelRunIdentity:
    """Says which genome and model a command runs with.

    Args:
      kind: the command.
      record_format: the format of its record.
      genome: the FASTA.
      model: the model, with the chosen tracks of the chosen head.
      packages: versions of the packages that the output needs besides those of every run.
    """
    return ModelRunIdentity(
        kind=kind,
        format=record_format,
        notice=model.loaded.notice,
        versions=versions() | dict(packages),
        fasta=identify_fasta(genome),
        model=identify_model(model.loaded),
        head=model.tracks.head,
        tracks=TracksIdentity(**model.tracks.record()),
        device=model.device.kind,
        is_deterministic=model.device.is_deterministic,
    )


def course_items(
    command: str, genome: Genome, model: OpenModel, started: datetime, paths: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Says where and how a command ran, until now: the items of a `Course`.

    Args:
      command: the command line.
      genome: the FASTA.
      model: the model.
      started: when it began.
      paths: the paths of other inputs.
    """
    return {
        "command": command,
        "paths": {
            **(paths or {}),
            "fasta": os.path.abspath(genome.path),
            "model": os.path.abspath(model.loaded.identity.path),
        },
        "device_name": model.device.description,
        "started": started.isoformat(timespec="seconds"),
        "seconds_total": round((datetime.now(timezone.utc) - started).total_seconds(), 3),
        "peak_memory_bytes": peak_memory_bytes(),
    }
