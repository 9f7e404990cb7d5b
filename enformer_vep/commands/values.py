"""Callbacks of options: each parses the text of an option once, to what the settings hold.

What parses it is imported when there is something to parse, so that `--help` is instant.
"""

from collections.abc import Callable

import click

from enformer_vep.run.setting_texts import parse_bytes, parse_shifts

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


def _parse_shard(text: str) -> object:
    from enformer_vep.run.shards import Shard

    return Shard.parse(text)


def _parse_tracks(text: str) -> object:
    from enformer_vep.io.tracks.choice import TrackChoice

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
