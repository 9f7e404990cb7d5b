"""The command `components`: writes the principal components of scores."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from enformer_vep.errors import EnformerVepError, OutputError, TransformError
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.io.tables.components import (
    COMPONENTS_METADATA,
    SUFFIX,
    Transform,
    TransformOrigin,
    component_names,
    load_transform,
    open_component_table,
    save_transform,
)
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_writer import allele_fields
from enformer_vep.run.components.fit import check_scikit_learn, fit_transform
from enformer_vep.run.identities import identify_file, versions
from enformer_vep.run.record_json import to_json_values
from enformer_vep.run.run_record import RunIdentity
from enformer_vep.run.score.results import to_json
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import cause, listed, plural

DEFAULT_NUM_COMPONENTS = 20
DEFAULT_STATISTIC = "SAD"


@dataclass(frozen=True)
class ComponentSettings:
    """The settings of `components`.

    Attributes:
      scores: a table that `score` wrote.
      out: the table to write.
      transform: the transform's file.
      is_fitted: whether the transform is fitted to the scores, and its file written.
      num: number of components.
      statistic: the statistic to fit; None for the transform's own, or SAD.
      overwrite: whether existing files are replaced.
      command: the command line, for the record.
    """

    scores: str
    out: str
    transform: str
    is_fitted: bool
    num: int = DEFAULT_NUM_COMPONENTS
    statistic: str | None = None
    overwrite: bool = False
    command: str = ""


def write_components(settings: ComponentSettings) -> str:
    """Writes the components of every allele of a table of scores.

    Returns:
      What was done, in one line.

    Raises:
      InputError: the scores or the transform are unusable, or do not belong together.
      EnformerVepError: a file cannot be written.
    """
    paths = OutputPaths(settings.out)
    written = [] if paths.is_standard_output else [paths.table, paths.run]
    if settings.is_fitted:
        if not settings.transform.endswith(SUFFIX):
            raise OutputError(
                f"cannot write a transform to {settings.transform!r}: expected a name that ends in {SUFFIX}"
            )
        written.append(Path(settings.transform))
    for path in written:
        check_writable(path, overwrite=settings.overwrite)
    table = ScoreTable.find(settings.scores)
    if paths.table.exists() and paths.table.samefile(settings.scores):
        raise OutputError(f"{settings.out} holds the scores: choose another output")
    note = ""
    if settings.is_fitted:
        check_scikit_learn()
        statistic = table.checked_statistic(settings.statistic or DEFAULT_STATISTIC)
        fit = fit_transform(table, _origin(table, statistic), settings.num, Path(settings.transform).parent)
        save_transform(fit.transform, Path(settings.transform))
        note = f"; fitted {settings.transform}, whose components hold {fit.explained:.1%} of the variance"
    transform = load_transform(settings.transform)
    if settings.statistic not in (None, transform.origin.statistic):
        raise TransformError(f"{settings.transform} takes {transform.origin.statistic}, not {settings.statistic}")
    if settings.num > transform.num_components:
        raise TransformError(
            f"{settings.transform} has {plural(transform.num_components, 'component')}: use --num "
            f"{transform.num_components} or fewer"
        )
    tracks = _matching_tracks(table, transform, settings.transform)
    num_undefined = _write(settings, paths, table, transform.first(settings.num), tracks)
    if num_undefined:
        note += f"; {plural(num_undefined, 'allele')} with scores that are not finite have no components (NaN)"
    return f"{plural(settings.num, 'component')} of {plural(table.num_alleles, 'allele')}: {settings.out}{note}"


def _origin(table: ScoreTable, statistic: str) -> TransformOrigin:
    """Describes the scores that a transform is fitted to."""
    identity = table.record.identity
    source = f"fitted to {table.num_alleles} alleles of {table.path.name}"
    if identity.notice:
        source += f" ({identity.notice})"
    return TransformOrigin(statistic, 1.0, identity.scoring.head, identity.weights, _settings(identity), source)


def _matching_tracks(table: ScoreTable, transform: Transform, path: str) -> list[int]:
    """Finds a transform's tracks among those of a table.

    Args:
      table: the scores.
      transform: the transform.
      path: the transform's name, for messages.

    Returns:
      The tracks' places in the table, in the order of the transform.

    Raises:
      InputError: the scores are of another head, of other weights or settings, lack a track, or lack the statistic.
    """
    origin, identity = transform.origin, table.record.identity
    if origin.head != identity.scoring.head:
        raise TransformError(
            f"{path} takes scores of the {origin.head} head, but {table.path} has the {identity.scoring.head} head"
        )
    if origin.weights not in ("", weights := identity.weights):
        raise TransformError(
            f"{path} takes scores of other weights: it has {origin.weights[:16]}, and {table.path} has {weights[:16]} "
            f"(model {identity.model.name})"
        )
    table.checked_statistic(origin.statistic)
    settings = _settings(identity)
    for name, value in origin.settings.items():
        if settings.get(name) != value:
            raise TransformError(
                f"{path} takes scores of other settings: its {name} is {value}, and that of {table.path} is "
                f"{settings.get(name)}"
            )
    indices, identifiers = table.tracks.indices, table.tracks.identifiers
    place = {index: row for row, index in enumerate(indices)}
    missing = [track for track, index in enumerate(transform.indices) if int(index) not in place]
    if missing:
        raise TransformError(
            f"{path} needs tracks that {table.path} lacks: {listed((transform.name(track) for track in missing), 2)}; "
            "score all tracks that the transform takes"
        )
    places = [place[int(index)] for index in transform.indices]
    for track, row in enumerate(places if transform.identifiers is not None else []):
        names = transform.identifiers[track], identifiers[row]  # type: ignore[index]
        unnamed = f"{origin.head}_{indices[row]}"  # without a track table, tracks are known by their numbers
        if names[0] != names[1] and not any(name.endswith(unnamed) for name in names):
            raise TransformError(
                f"{path} is of other tracks: its {transform.name(track)} is {names[1]} in {table.path}"
            )
    return places


def _settings(identity: RunIdentity) -> dict[str, Any]:
    """Returns the settings of a run that change scores by more than rounding."""
    values = to_json_values(identity.scoring, without=("head", "statistics"))
    views = {f"views.{name}": value for name, value in values.pop("views").items()}
    return values | views


def _write(
    settings: ComponentSettings, paths: OutputPaths, table: ScoreTable, transform: Transform, tracks: Sequence[int]
) -> int:
    """Writes the table and its record; returns the number of alleles without components."""
    about = {
        "versions": versions(),
        "scores": replace(table.record, course=None).to_dict(),
        "transform": {**to_json_values(identify_file(settings.transform)), **asdict(transform.origin)},
        "components": component_names(transform.num_components),
    }
    places = {"command": settings.command, "paths": {"scores": settings.scores, "transform": settings.transform}}
    num_undefined = 0
    with ExitStack() as stack:
        stream = stack.enter_context(_output(paths))
        if not paths.is_standard_output:
            stack.enter_context(whole_file(paths.run)).write(to_json(places | about))
        metadata = {COMPONENTS_METADATA: to_json(about)}
        written = open_component_table(stream, paths, transform.num_components, metadata)
        for rows in table.batches(transform.origin.statistic, tracks):
            components = transform.apply(rows.scores).astype(np.float32)
            num_undefined += int(np.isnan(components).any(axis=1).sum())
            written.write(allele_fields(rows.alleles), components)
        written.close()
    return num_undefined


@contextmanager
def _output(paths: OutputPaths) -> Iterator[BinaryIO]:
    if not paths.is_standard_output:
        with whole_file(paths.table) as stream:
            yield stream
        return
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise EnformerVepError(f"cannot write to standard output: {cause(error)}") from error
