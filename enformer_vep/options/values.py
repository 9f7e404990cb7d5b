"""Reads the values of options: texts, and in Python lists and paths where there may be several."""

import os
import re
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

from enformer_vep.errors import InputError
from enformer_vep.inference.device import check_device_name
from enformer_vep.io.tracks.choice import TrackChoice

if TYPE_CHECKING:
    from enformer_vep.genome.scored_bins import ScoredBins
    from enformer_vep.scoring import Statistic

Path: TypeAlias = str | os.PathLike[str]
Stats: TypeAlias = str | Sequence[str]
Tracks: TypeAlias = str | int | Sequence[str | int]
Shifts: TypeAlias = str | int | Sequence[int]


def read_bytes(size: int | str) -> int:
    """Turns '256M' into 268,435,456.

    Raises:
      ValueError: the text is not a size.
    """
    match = re.fullmatch(r"(\d{1,15})([KMG]?)", str(size).upper())
    if match is None:
        raise ValueError(f"{str(size)!r} is not a size: expected bytes, or a number with K, M or G, as in 512M")
    return int(match[1]) << 10 * " KMG".index(match[2] or " ")


def format_bytes(num_bytes: int) -> str:
    """Turns 268,435,456 into '256M', and a number that is not a multiple of any unit into its digits."""
    power = max((power for power in (1, 2, 3) if num_bytes and num_bytes % 1024**power == 0), default=0)
    return f"{num_bytes // 1024**power}{' KMG'[power].strip()}"


def read_shifts(shifts: Shifts) -> tuple[int, ...]:
    """Turns '-1,0,1', or in Python a list or a single number, into numbers.

    Raises:
      ValueError: one is not a whole number, or stands twice.
    """
    text = shifts if isinstance(shifts, str) else ",".join(map(str, _listed(shifts)))
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[+-]?\d{1,6}", word) for word in words):
        raise ValueError(f"{text!r} is not a list of shifts: expected whole numbers of bp, as in -1,0,1")
    numbers = tuple(map(int, words))
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"a shift stands twice in {text!r}")
    return numbers


def read_statistics(names: Stats) -> "tuple[Statistic, ...]":
    """Returns the statistics of these names.

    Raises:
      ValueError: there is no such statistic, or it stands twice.
    """
    from enformer_vep.scoring import parse_statistics  # which imports NumPy

    return parse_statistics(names if isinstance(names, str) else ",".join(names))


def read_statistic(name: str) -> str:
    """Returns the name of a single statistic as it is written in tables.

    Raises:
      ValueError: there is no such statistic, or there are several.
    """
    statistics = read_statistics(name)
    if len(statistics) > 1:
        raise ValueError(f"expected one statistic, found {len(statistics)}")
    return statistics[0].name


def read_tracks(tracks: Tracks) -> TrackChoice:
    """Returns the choice of tracks: an expression, or in Python a number, or a list of expressions and numbers.

    Raises:
      TrackError: an expression is incomplete, or there is none.
    """
    if isinstance(tracks, str):
        return TrackChoice.parse(tracks)
    return TrackChoice(tuple(entry for one in _listed(tracks) for entry in TrackChoice.parse(str(one)).entries))


def read_bins(text: str) -> "ScoredBins":
    """Returns the bins that are scored: 'all', 'centre:BP' or 'chr:start-end'.

    Raises:
      ValueError: it is none of these.
    """
    from enformer_vep.genome.scored_bins import ScoredBins  # which imports NumPy

    return ScoredBins.parse(text)


def read_device(name: str) -> str:
    """Returns the name of a device.

    Raises:
      DeviceError: it is none.
    """
    check_device_name(name)
    return name


def read_regions(regions: Path | Sequence[Path]) -> tuple[str, ...]:
    """Returns regions and paths of BED files as texts.

    Raises:
      InputError: there is none.
    """
    texts = tuple(map(os.fsdecode, [regions] if isinstance(regions, str | os.PathLike) else regions))
    if not texts:
        raise InputError("expected a region such as chr1:1001-2000, or the path of a BED file, found none")
    return texts


def is_whole(value: object) -> bool:
    """Returns whether a value is a whole number."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _listed(values: Any) -> Sequence[Any]:
    return [values] if is_whole(values) else list(values)
