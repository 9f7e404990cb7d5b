"""The options of the functions of Python, with the command line's names, as the settings that they become."""

import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, TypeAlias, TypedDict, TypeVar

from enformer_vep.errors import InputError
from enformer_vep.genome.indels import IndelPolicy
from enformer_vep.genome.regions import ScoredBins
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import Placement
from enformer_vep.inference.device import Precision
from enformer_vep.io.tracks.choice import Entry, TrackChoice
from enformer_vep.model.location import OFFICIAL
from enformer_vep.run.setting_texts import parse_bytes, parse_shifts
from enformer_vep.run.settings import EngineName
from enformer_vep.scoring import Statistic, parse_statistics
from enformer_vep.wording import did_you_mean

T = TypeVar("T")

Path: TypeAlias = str | os.PathLike[str]
Stats: TypeAlias = str | Sequence[str]
Tracks: TypeAlias = str | int | Sequence[str | int]
Shifts: TypeAlias = str | int | Sequence[int]


class ScoreOptions(TypedDict, total=False):
    """The options of `Model.score`."""

    stats: Stats
    tracks: Tracks | None
    window: str
    bins: str
    reverse_complement: bool
    shifts: Shifts
    indels: str
    strict: bool
    allow_mismatches: bool
    progress: bool | None


class ScoreVariantsOptions(ScoreOptions, total=False):
    """The options of `score_variants`: those of `Model.score`, and of opening the model."""

    fasta: Path | None
    model: Path | None
    head: str
    track_table: Path | None
    precision: Precision
    engine: EngineName
    device: str | None
    batch_size: int | None
    cache_size: int | str
    allow_nondeterministic: bool
    cache: Path | None


def path_text(path: Path) -> str:
    """Returns a path as text."""
    return os.fsdecode(path)


def environment_fasta(fasta: Path | None) -> str | None:
    """Returns the genome that was named, or else the one of ENFORMER_VEP_FASTA; None if there is none."""
    return (os.environ.get("ENFORMER_VEP_FASTA") or None) if fasta is None else path_text(fasta)


def environment_model(model: Path | None) -> str:
    """Returns the model that was named, or else the one of ENFORMER_VEP_MODEL, or else the official one."""
    return (os.environ.get("ENFORMER_VEP_MODEL") or OFFICIAL) if model is None else path_text(model)


def environment_cache(cache: Path | None) -> str | None:
    """Returns the cache folder that was named, or else the one of ENFORMER_VEP_CACHE; None for the user's."""
    return (os.environ.get("ENFORMER_VEP_CACHE") or None) if cache is None else path_text(cache)


def to_statistics(stats: Stats) -> tuple[Statistic, ...]:
    """Returns the statistics with these names.

    Raises:
      InputError: there is no such statistic, or it stands twice.
    """
    return _parsed(parse_statistics, stats if isinstance(stats, str) else ",".join(stats))


def to_tracks(tracks: Tracks | None) -> TrackChoice | None:
    """Returns the choice of tracks: an expression as of `--tracks`, a number, or a list of expressions and numbers.

    Raises:
      TrackError: an expression is incomplete, or there is none.
    """
    if tracks is None:
        return None
    if isinstance(tracks, str):
        return TrackChoice.parse(tracks)
    entries: list[Entry] = []
    for entry in _listed(tracks):
        entries += TrackChoice.parse(str(entry)).entries
    return TrackChoice(tuple(entries))


def to_placement(window: str) -> Placement:
    """Returns the placement of windows: 'centred', 'grid' or 'shared:BP'.

    Raises:
      InputError: it is none of these.
    """
    return _parsed(Placement.parse, window)


def to_bins(bins: str) -> ScoredBins:
    """Returns the bins that are scored: 'all', 'centre:BP' or 'chr:start-end'.

    Raises:
      InputError: it is none of these.
    """
    return _parsed(ScoredBins.parse, bins)


def to_views(indels: str, shifts: Shifts, *, reverse_complement: bool) -> ViewSettings:
    """Returns how each allele is looked at.

    Raises:
      InputError: there is no such policy, or no shift, or one twice.
    """
    policies = [policy.value for policy in IndelPolicy]
    if indels not in policies:
        choices = ", ".join(policies)
        raise InputError(f"unknown indels {indels!r}: expected one of {choices}{did_you_mean(str(indels), policies)}")
    found = _parsed(parse_shifts, shifts if isinstance(shifts, str) else ",".join(map(str, _listed(shifts))))
    return ViewSettings(bool(reverse_complement), found, IndelPolicy(indels))


def to_bytes(size: int | str) -> int:
    """Returns a size in bytes, which may be a text such as '256M'.

    Raises:
      InputError: the text is not a size.
    """
    return _parsed(parse_bytes, str(size))


def one_of(name: str, value: T, choices: Sequence[T]) -> T:
    """Returns the value of an option that has these choices.

    Raises:
      InputError: it is none of them.
    """
    if value in choices:
        return value
    names = list(map(str, choices))
    raise InputError(f"unknown {name} {value!r}: expected one of {', '.join(names)}{did_you_mean(str(value), names)}")


def at_least(name: str, value: int | None, least: int, *, at_most: int | None = None) -> int | None:
    """Returns the value of an option that is a whole number.

    Raises:
      InputError: it is not, or too small or too large.
    """
    if value is None or (_is_whole(value) and value >= least and (at_most is None or value <= at_most)):
        return None if value is None else int(value)
    most = "" if at_most is None else f" and at most {at_most}"
    raise InputError(f"{name} is {value!r}: expected a whole number of at least {least}{most}")


def between(name: str, value: float, least: float, most: float) -> float:
    """Returns the value of an option that is a number.

    Raises:
      InputError: it is not, or too small or too large.
    """
    if _is_number(value) and least <= value <= most:
        return float(value)
    raise InputError(f"{name} is {value!r}: expected a number from {least:g} to {most:g}")


def to_regions(regions: Path | Sequence[Path]) -> list[str]:
    """Returns regions and paths of BED files as texts.

    Raises:
      InputError: there is none.
    """
    found = list(map(path_text, [regions] if isinstance(regions, str | os.PathLike) else regions))
    if not found:
        raise InputError("expected a region such as chr1:1001-2000, or the path of a BED file, found none")
    return found


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _listed(values: Any) -> Sequence[Any]:
    """Returns what may be a single number as a list."""
    return [values] if _is_whole(values) else list(values)


def _parsed(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from error
