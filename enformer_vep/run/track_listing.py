"""Lists tracks for people and for programs, without a model and without TensorFlow."""

import shutil

from enformer_vep.errors import TrackError
from enformer_vep.fetch.cache import Cache
from enformer_vep.io.tracks.table import TrackTable, read_track_table
from enformer_vep.model.config import OFFICIAL_HEADS
from enformer_vep.model.location import OFFICIAL, locate_model
from enformer_vep.wording import did_you_mean, plural, shortened

COLUMNS = ("head", "index", "identifier", "assay", "target", "biosample", "description")
MIN_LAST_WIDTH = 20


def find_tracks(head: str, model: str, *, track_table: str | None = None, cache: str | None = None) -> TrackTable:
    """Reads the table that names the tracks of a model's head: the one given, the one beside it, or the fetched one.

    Args:
      head: the head.
      model: a name, a folder or a prefix. The official model need not be there.
      track_table: a table, if one was given.
      cache: the folder of fetched files, None for the user's.

    Raises:
      WeightsError: there is no such model.
      TrackError: there is no such head or no table, or it does not name the head's tracks.
    """
    if track_table is not None:
        return read_track_table(track_table, head)
    location = None if model == OFFICIAL else locate_model(model)
    if location is not None and location.config_path is not None:
        beside = location.track_table_path(head)
        if beside is None:
            raise TrackError(
                f"no table names the tracks of a {head} head of the model {model!r}: expected tracks_{head}.tsv beside "
                f"{location.config_path}, or --track-table FILE"
            )
        return read_track_table(str(beside), head)
    if head not in OFFICIAL_HEADS:
        names = ", ".join(OFFICIAL_HEADS)
        raise TrackError(f"unknown head {head!r}: the official model has {names}{did_you_mean(head, OFFICIAL_HEADS)}")
    fetched = Cache.at(cache).track_table(head)
    if not fetched.is_file():
        raise TrackError(
            f"no table names the tracks of the {head} head: expected it at {fetched}; fetch it with 'enformer-vep "
            f"fetch tracks', or name one with --track-table FILE (targets_{head}.txt)"
        )
    return read_track_table(str(fetched), head, OFFICIAL_HEADS[head])


def count_text(chosen: TrackTable, known: TrackTable) -> str:
    """Says how many tracks were chosen: '638 of 5,313 tracks of the human head'."""
    return f"{len(chosen.table):,} of {plural(len(known.table), 'track')} of the {known.head} head"


def to_tsv(tracks: TrackTable) -> str:
    """Returns the tracks as tab-separated text with a header."""
    return str(tracks.table.assign(head=tracks.head)[list(COLUMNS)].to_csv(sep="\t", index=False, lineterminator="\n"))


def to_terminal(tracks: TrackTable, width: int | None = None) -> str:
    """Returns the tracks as a table in lines that fit a terminal.

    Where the biosample is not known, the description stands in its place.

    Args:
      tracks: the tracks.
      width: columns of the terminal, None for those of the one on standard output.
    """
    width = shutil.get_terminal_size().columns if width is None else width
    names = COLUMNS[:-1]
    table = tracks.table.assign(head=tracks.head)
    table["biosample"] = table["biosample"].where(table["biosample"] != "", table["description"])
    rows = [names, *zip(*(table[name].astype(str) for name in names), strict=True)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = max(width - sum(widths[:-1]) - 2 * (len(names) - 1), MIN_LAST_WIDTH)
    lines = []
    for *first, biosample in rows:
        cells = [cell.ljust(size) for cell, size in zip(first, widths[:-1], strict=True)]
        lines.append("  ".join([*cells, shortened(biosample, last)]).rstrip())
    return "\n".join(lines) + "\n"
