"""The tracks of a head: their names from a published table, and which of them are wanted."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from enformer_vep.errors import TrackError
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.tracks.labels import add_labels, track_group
from enformer_vep.io.tracks.selection import TrackColumns
from enformer_vep.wording import cause, plural

REQUIRED_COLUMNS = ("index", "identifier", "description")


@dataclass(frozen=True)
class TrackTable:
    """The tracks of one head, in the order of the model's outputs.

    Attributes:
      head: the head.
      table: one row per track with at least `index` (its number in the head, from 0), `identifier`, `description`, and
        what it measures as far as known: `assay`, `target` and `biosample`.
      is_unnamed: whether the identifiers are made of the head and the number, as there is no track table.
    """

    head: str
    table: pd.DataFrame
    is_unnamed: bool = False

    @property
    def identifiers(self) -> list[str]:
        """The tracks' identifiers, all different."""
        return list(self.table["identifier"])

    @property
    def indices(self) -> list[int]:
        """The tracks' numbers in the head, from 0."""
        return [int(index) for index in self.table["index"]]

    @property
    def groups(self) -> list[str]:
        """The tracks' groups by assay and target: each is one of track_labels.GROUPS."""
        return [track_group(*labels) for labels in zip(self.table["assay"], self.table["target"], strict=True)]

    def record(self) -> dict[str, Any]:
        """Identifies the tracks in a run record: their number, and a digest of their table."""
        return {"num_tracks": len(self.table), "sha256": hashlib.sha256(self.to_tsv()).hexdigest()}

    def to_tsv(self) -> bytes:
        """Returns the table as tab-separated text, as it is written beside text outputs."""
        return self.table.to_csv(sep="\t", index=False, lineterminator="\n").encode()

    def select(self, choice: TrackChoice) -> "TrackTable":
        """Chooses tracks.

        Args:
          choice: what is wanted; an identifier that looks like a number or another term comes first.

        Returns:
          These tracks, each once, in the order given.

        Raises:
          TrackError: an entry is not a track of this head, or no track is chosen.
        """
        table = self.table
        columns = TrackColumns(
            self.head,
            self.identifiers,
            list(table["description"]),
            list(table["assay"]),
            self.groups,
            list(table["target"]),
        )
        return replace(self, table=table.iloc[columns.find(choice)].reset_index(drop=True))


def unnamed_tracks(head: str, num_tracks: int, *, prefix: str = "", description: str = "") -> TrackTable:
    """Names tracks by head and number, human_0, human_1 and so on, after a prefix."""
    table = pd.DataFrame({"index": range(num_tracks)})
    table["identifier"] = [f"{prefix}{head}_{index}" for index in range(num_tracks)]
    table["description"] = description
    add_labels(table)
    return TrackTable(head, table, is_unnamed=True)


def read_track_table(path: str, head: str, num_tracks: int | None = None) -> TrackTable:
    """Reads a published track table: tab-separated, with columns index, identifier and description among others.

    The published numbers of the mouse tracks begin at 5313; they are renumbered from 0. Columns assay, target and
    biosample are made of the descriptions, unless the table has them.

    Args:
      path: the file.
      head: the head that it describes.
      num_tracks: the head's number of tracks, None if there is no model whose head it must fit.

    Raises:
      TrackError: the file cannot be read, has no tracks, or does not name each track of the head exactly once.
    """
    if not Path(path).is_file():
        raise TrackError(f"no such file: {path}: expected a track table")
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise TrackError(f"{path} is not a track table: {cause(error)}") from error
    missing = [name for name in REQUIRED_COLUMNS if name not in table.columns]
    if missing:
        raise TrackError(
            f"{path} is not a track table: expected tab-separated columns {', '.join(REQUIRED_COLUMNS)}, "
            f"found no column {', '.join(missing)}"
        )
    if table.empty:
        raise TrackError(f"{path} is not a track table: it names no track")
    if num_tracks is not None and len(table) != num_tracks:
        raise TrackError(
            f"{path} names {plural(len(table), 'track')}, but the {head} head has {num_tracks:,}: use the track table "
            "of this head"
        )
    _check_indices(path, table["index"].tolist())
    doubles = table["identifier"][table["identifier"].duplicated()]
    if len(doubles) or (table["identifier"] == "").any():
        found = f"{doubles.iloc[0]} more than once" if len(doubles) else "an empty one"
        raise TrackError(f"{path}: expected a unique identifier in every row, found {found}")
    table["index"] = range(len(table))
    add_labels(table)
    return TrackTable(head, table)


def _check_indices(path: str, indices: Sequence[str]) -> None:
    first = int(indices[0]) if indices[0].isdigit() else -1
    for row, index in enumerate(indices):
        if index != str(first + row):
            raise TrackError(
                f"{path} line {row + 2}: expected {f'index {first + row}' if row else 'a number as index'}, found "
                f"{index!r}: the rows must be the model's tracks in order"
            )
