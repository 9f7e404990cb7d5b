"""Whether a transform takes the scores of a table, and which of its tracks."""

from typing import Any

from enformer_vep.errors import InputError, TransformError
from enformer_vep.io.tables.transform_file import PUBLISHED, Transform, TransformOrigin
from enformer_vep.run.identity import RunIdentity
from enformer_vep.run.json_values import to_json_values
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import listed


def origin_of(table: ScoreTable, statistic: str) -> TransformOrigin:
    """Describes the scores that a transform is fitted to."""
    identity = table.record.identity
    source = f"fitted to {table.num_alleles} alleles of {table.path.name}"
    if identity.notice:
        source += f" ({identity.notice})"
    return TransformOrigin(statistic, 1.0, identity.head, weights_of(identity), _settings(identity), source)


def weights_of(identity: RunIdentity) -> str:
    """Names a run's weights: 'published', or their digest."""
    return PUBLISHED if identity.model.is_published else identity.model.tensors_sha256


def matching_tracks(table: ScoreTable, transform: Transform, path: str) -> list[int]:
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
    if origin.head != identity.head:
        raise TransformError(
            f"{path} takes scores of the {origin.head} head, but {table.path} has the {identity.head} head"
        )
    if origin.weights not in ("", found := weights_of(identity)):
        raise TransformError(
            f"{path} takes scores of other weights: it has {origin.weights[:16]}, and {table.path} has {found[:16]} "
            f"(model {identity.model.name})"
        )
    checked_statistic(table, origin.statistic)
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


def checked_statistic(table: ScoreTable, statistic: str) -> str:
    """Returns a statistic that a table has.

    Raises:
      InputError: it has not.
    """
    names = table.record.identity.statistics
    if statistic not in names:
        raise InputError(f"{table.path} has {listed(names)} and no {statistic}: score with --stats {statistic}")
    return statistic


def _settings(identity: RunIdentity) -> dict[str, Any]:
    """Returns the settings of a run that change scores by more than rounding."""
    views = {f"views.{name}": value for name, value in to_json_values(identity.views).items()}
    return {"placement": identity.placement, "bins": identity.bins, **views}
