"""Which tracks of a head are wanted, as it can be said before the head and its table are known."""

import re
from dataclasses import dataclass

from enformer_vep.errors import TrackError

_NUMBERS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True)
class TrackChoice:
    """A choice of tracks.

    Attributes:
      entries: numbers in the head from 0, ranges of such numbers, and identifiers, in the order in which the tracks are
        wanted.

    Raises:
      TrackError: there is no entry, or an empty one.
    """

    entries: tuple[int | range | str, ...]

    def __post_init__(self) -> None:
        if not self.entries or "" in self.entries:
            raise TrackError(
                f"no track '' in {str(self)!r}: expected numbers from 0, ranges of them like 0-9, or identifiers, "
                "separated by commas"
            )

    def __str__(self) -> str:
        return ",".join(map(entry_text, self.entries))

    @classmethod
    def parse(cls, text: str) -> "TrackChoice":
        """Reads numbers, ranges that include both ends, and identifiers: '0-9,4799,ENCFF833POA'.

        Raises:
          TrackError: an entry is empty.
        """
        return cls(tuple(_entry(part.strip()) for part in text.split(",")))


def entry_text(entry: int | range | str) -> str:
    """Returns an entry as it is written: range(0, 10) is '0-9'."""
    return f"{entry.start}-{entry.stop - 1}" if isinstance(entry, range) else str(entry)


def _entry(text: str) -> int | range | str:
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return text
    first, last = int(match[1]), match[2]
    if last is None:
        return first
    return range(first, int(last) + 1) if first <= int(last) else text
