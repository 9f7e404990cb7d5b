"""Finds the tracks that a choice names in a head's table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from enformer_vep.errors import TrackError
from enformer_vep.io.tracks.choice import Described, Entry, Excluded, Listed, Measured, TrackChoice, entry_text
from enformer_vep.io.tracks.labels import GROUPS
from enformer_vep.io.tracks.patterns import matching
from enformer_vep.wording import did_you_mean, listed, shortened


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
        found = [place for place in places if place not in excluded]
        if not found:
            raise TrackError(f"{shortened(str(choice))!r} excludes every track that it chooses in the {self.head} head")
        return found

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
        found = self._measuring.get(entry.name.lower())
        if found:
            return found
        groups = [name for name in ("CHIP", *GROUPS) if name.lower() in self._measuring]
        targets = list(dict.fromkeys(filter(None, self.targets)))
        example = f" or a target like {targets[0]}" if targets else ""
        suggestion = did_you_mean(entry.name, [*groups, *targets], likeness=0.75, most=3)  # targets' names are short
        raise TrackError(
            f"no track of the {self.head} head measures {shortened(entry.name)!r}: expected "
            f"{listed(groups, len(groups))}{example}{suggestion}"
        )

    def _described(self, entry: Described) -> list[int]:
        found = matching(entry.pattern, self.descriptions)
        if not found:
            raise TrackError(
                f"no description of a track of the {self.head} head matches {shortened(str(entry))}, such as "
                f"{shortened(self.descriptions[0])!r}"
            )
        return found

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
