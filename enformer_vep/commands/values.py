"""Callbacks of options: each parses the text of an option once, to what the settings hold.

What parses it is imported when there is something to parse, so that `--help` is instant.
"""

import re
from collections.abc import Callable

import click

Callback = Callable[[click.Context, click.Parameter, str | None], object]


def parsed(parse: Callable[[str], object]) -> Callback:
    """Returns the callback that makes an option's value of its text.

    Args:
      parse: makes the value; its ValueErrors say what is wrong with the text.
    """

    def callback(ctx: click.Context, param: click.Parameter, text: str | None) -> object:
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from error

    return callback


def parse_bytes(text: str) -> int:
    """Turns '256M' into 268,435,456.

    Raises:
      ValueError: the text is not a size.
    """
    match = re.fullmatch(r"(\d{1,15})([KMG]?)", text.upper())
    if match is None:
        raise ValueError(f"{text!r} is not a size: expected bytes, or a number with K, M or G, as in 512M")
    return int(match[1]) << 10 * " KMG".index(match[2] or " ")


def format_bytes(num_bytes: int) -> str:
    """Turns 268,435,456 into '256M', and a number that is not a multiple of any unit into its digits."""
    power = max((power for power in (1, 2, 3) if num_bytes and num_bytes % 1024**power == 0), default=0)
    return f"{num_bytes // 1024**power}{' KMG'[power].strip()}"


def _parse_placement(text: str) -> object:
    from enformer_vep.genome.windows import Placement

    return Placement.parse(text)


def _parse_statistics(text: str) -> object:
    from enformer_vep.scoring import parse_statistics

    return parse_statistics(text)


def _parse_statistic(text: str) -> str:
    from enformer_vep.scoring import parse_statistics

    found = parse_statistics(text)
    if len(found) > 1:
        raise ValueError(f"expected one statistic, found {len(found)}")
    return found[0].name


def _parse_bins(text: str) -> object:
    from enformer_vep.genome.regions import ScoredBins

    return ScoredBins.parse(text)


def parse_shifts(text: str) -> tuple[int, ...]:
    """Turns '-1,0,1' into numbers.

    Raises:
      ValueError: one is not a whole number, or stands twice.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[+-]?\d{1,6}", word) for word in words):
        raise ValueError(f"{text!r} is not a list of shifts: expected whole numbers of bp, as in -1,0,1")
    shifts = tuple(map(int, words))
    if len(set(shifts)) < len(shifts):
        raise ValueError(f"a shift stands twice in {text!r}")
    return shifts


def _parse_shard(text: str) -> object:
    from enformer_vep.run.shards import Shard

    return Shard.parse(text)


def _parse_tracks(text: str) -> object:
    from enformer_vep.io.track_choice import TrackChoice

    return TrackChoice.parse(text)


def _parse_device(text: str) -> str:
    from enformer_vep.inference.device import check_device_name

    check_device_name(text)
    return text


SIZE = parsed(parse_bytes)
PLACEMENT = parsed(_parse_placement)
BINS = parsed(_parse_bins)
SHIFTS = parsed(parse_shifts)
STATISTICS = parsed(_parse_statistics)
STATISTIC = parsed(_parse_statistic)
SHARD = parsed(_parse_shard)
TRACKS = parsed(_parse_tracks)
DEVICE = parsed(_parse_device)
