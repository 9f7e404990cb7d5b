"""The table of a head's tracks: read, given names, and cut to a choice."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from enformer_vep.errors import TrackError
from enformer_vep.io.tracks.choice import Described, Entry, Excluded, Listed, Measured, TrackChoice, entry_text
from enformer_vep.io.tracks.labels import GROUPS, add_labels, track_group
from enformer_vep.wording import cause, did_you_mean, listed, plural, shortened


@dataclass(frozen=True)
class TrackColumns:
    """What tracks can be chosen by; each has one value per track.

    Attributes:
      head: the head, for messages.
      identifiers: all different.
      descriptions: what regular expressions are matched with.
      assays: DNASE, CHIP and so on.
      groups: CHIP:TF and so on.
      targets: CTCF and so on, empty where there is none.
    """

    head: str
    identifiers: Sequence[str]
    descriptions: Sequence[str]
    assays: Sequence[str]
    groups: Sequence[str]
    targets: Sequence[str]

    def find(self, choice: TrackChoice) -> list[int]:
        """Returns the places of the chosen tracks, each once, in the order of the entries.

        Raises:
          TrackError: an entry is not a track of the head, or no track is left.
        """
        entries = list(dict.fromkeys(choice.entries))
        excluded = {place for entry in entries if isinstance(entry, Excluded) for place in self._places(entry.entry)}
        wanted = [entry for entry in entries if not isinstance(entry, Excluded)]
        places: dict[int, None] = {} if wanted else dict.fromkeys(range(len(self.identifiers)))
        for entry in wanted:
            places.update(dict.fromkeys(self._places(entry)))
        chosen = [place for place in places if place not in excluded]
        if not chosen:
            raise TrackError(f"{shortened(str(choice))!r} excludes every track that it chooses in the {self.head} head")
        return chosen

    def _places(self, entry: Entry) -> Iterable[int]:
        text = entry_text(entry)
        if text in self._place_of:
            return [self._place_of[text]]
        if isinstance(entry, Measured):
            return self._measured(entry)
        if isinstance(entry, Described):
            return self._described(entry)
        if isinstance(entry, Listed):
            return self._listed(entry)
        numbers = range(entry, entry + 1) if isinstance(entry, int) else entry
        if isinstance(numbers, range) and numbers and 0 <= numbers[0] <= numbers[-1] < len(self.identifiers):
            return numbers
        raise TrackError(
            f"no track {shortened(text)!r} in the {self.head} head: expected numbers from 0 to "
            f"{len(self.identifiers) - 1}, ranges of them like 0-9, identifiers like {self.identifiers[0]}, "
            f"assay:NAME, /description/ or @FILE, separated by commas{self._suggestion(text)}"
        )

    def _suggestion(self, text: str) -> str:
        if text.lower() in self._measuring:
            return f"; did you mean assay:{text}?"
        return did_you_mean(text, self.identifiers, likeness=0.9, most=3)

    def _measured(self, entry: Measured) -> list[int]:
        measured = self._measuring.get(entry.name.lower())
        if measured:
            return measured
        groups = [name for name in ("CHIP", *GROUPS) if name.lower() in self._measuring]
        targets = list(dict.fromkeys(filter(None, self.targets)))
        example = f" or a target like {targets[0]}" if targets else ""
        suggestion = did_you_mean(entry.name, [*groups, *targets], likeness=0.75, most=3)  # targets' names are short
        raise TrackError(
            f"no track of the {self.head} head measures {shortened(entry.name)!r}: expected "
            f"{listed(groups, len(groups))}{example}{suggestion}"
        )

    def _described(self, entry: Described) -> list[int]:
        pattern = entry.compiled()
        described = [place for place, description in enumerate(self.descriptions) if pattern.search(description)]
        if not described:
            raise TrackError(
                f"no description of a track of the {self.head} head matches {shortened(str(entry))}, such as "
                f"{shortened(self.descriptions[0])!r}"
            )
        return described

    def _listed(self, entry: Listed) -> list[int]:
        try:
            return self.find(entry.choice)
        except TrackError as error:
            raise TrackError(f"{entry.path}: {error}") from error

    @cached_property
    def _place_of(self) -> Mapping[str, int]:
        return {identifier: place for place, identifier in enumerate(self.identifiers)}

    @cached_property
    def _measuring(self) -> Mapping[str, list[int]]:
        """The places of the tracks that each name in lower case stands for: assay, group, target, assay:target."""
        places: dict[str, list[int]] = {}
        for place, (assay, group, target) in enumerate(zip(self.assays, self.groups, self.targets, strict=True)):
            names = {assay, group, target, f"{assay}:{target}" if target else ""}
            for name in {name.lower() for name in names if name}:
                places.setdefault(name, []).append(place)
        return places


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
          choice: the wanted tracks; an identifier that looks like a number or another term comes first.

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
        fault = f"{doubles.iloc[0]} more than once" if len(doubles) else "an empty one"
        raise TrackError(f"{path}: expected a unique identifier in every row, found {fault}")
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
