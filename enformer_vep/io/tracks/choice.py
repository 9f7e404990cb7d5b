"""The choice of tracks, as it is read before the head and its table are known.

An expression is a list of terms, separated by commas:

    term = "!" term | NUMBER | NUMBER "-" NUMBER | "assay:" NAME | "/" PATTERN "/" | "@" FILE | IDENTIFIER

In a file, each line is such a list; it may be empty, and what follows a '#' at its start or after a space is a comment.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enformer_vep.errors import TrackError
from enformer_vep.wording import cause, shortened

MAX_FILES = 100
MAX_FILE_BYTES = 1_000_000

_ASSAY = "assay:"
_NUMBERS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_PATTERN = re.compile(r"/((?:[^/\\]|\\.)*)/", re.DOTALL)
_TERM = re.compile(rf"\s*(!?\s*{_PATTERN.pattern}|[^,]*)\s*(?:,|(\Z))", re.DOTALL)
_TERM_OR_COMMENT = re.compile(
    rf"\s*(!?\s*{_PATTERN.pattern}|(?:(?!(?<!\S)\#)[^,])*)\s*(?:,|((?<!\S)\#.*|\Z))", re.DOTALL
)


@dataclass(frozen=True)
class Measured:
    """The tracks of an assay, a group of assay and kind of target, or a target: `assay:NAME`.

    Raises:
      TrackError: there is no name.
    """

    name: str

    def __post_init__(self) -> None:
        if not self.name:
            raise TrackError("expected a name after 'assay:', such as CAGE, CHIP:HISTONE or CTCF")

    def __str__(self) -> str:
        return _ASSAY + self.name


@dataclass(frozen=True)
class Described:
    r"""The tracks with a description in which a regular expression is found: `/PATTERN/`, with `\/` for a slash.

    Raises:
      TrackError: it does not compile.
    """

    pattern: str

    def __post_init__(self) -> None:
        self.compiled()

    def __str__(self) -> str:
        return f"/{self.pattern}/"

    def compiled(self) -> re.Pattern[str]:
        """Returns the regular expression, which ignores case."""
        if not self.pattern:
            raise TrackError(
                "the regular expression // is empty: expected /PATTERN/ on the descriptions, as in /K562|HepG2/"
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what may change its meaning in future versions
                return re.compile(self.pattern, re.IGNORECASE)
        except (re.error, ValueError, OverflowError, MemoryError) as error:
            raise TrackError(
                f"the regular expression {shortened(str(self))} does not compile: {cause(error)}"
            ) from error
        except RecursionError as error:
            raise TrackError(f"the regular expression {shortened(str(self))} is nested too deeply") from error


@dataclass(frozen=True)
class Listed:
    """The tracks that a file chooses: `@FILE`."""

    path: str
    choice: "TrackChoice"

    def __str__(self) -> str:
        return f"@{self.path}"


@dataclass(frozen=True)
class Excluded:
    """The tracks that are not wanted, whatever else chooses them: `!TERM`."""

    entry: "Entry"

    def __str__(self) -> str:
        return f"!{entry_text(self.entry)}"


Entry = int | range | str | Measured | Described | Listed | Excluded


@dataclass(frozen=True)
class TrackChoice:
    """A choice of tracks.

    Attributes:
      entries: numbers in the head from 0, ranges of such numbers, identifiers and other terms, in the order in which
        the tracks are wanted. If all of them exclude tracks, the others are wanted.

    Raises:
      TrackError: there is no entry, or an empty one.
    """

    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not self.entries or "" in self.entries:
            raise TrackError(
                f"no track '' in {shortened(str(self))!r}: expected numbers from 0, ranges of them like 0-9, "
                "identifiers, assay:NAME, /description/ or @FILE, separated by commas"
            )

    def __str__(self) -> str:
        return ",".join(map(entry_text, self.entries))

    @classmethod
    def parse(cls, text: str) -> "TrackChoice":
        """Reads an expression: '0-9,ENCFF833POA,assay:CAGE,/K562/,@tracks.txt,!7'.

        Files are read at once, relative to the working folder, and those that they name relative to their own.

        Raises:
          TrackError: a term is empty or incomplete, a regular expression does not compile, or a file cannot be read.
        """
        return cls(tuple(_Parser().entries(text)))


def entry_text(entry: Entry) -> str:
    """Returns an entry as it is written: range(0, 10) is '0-9'."""
    return f"{entry.start}-{entry.stop - 1}" if isinstance(entry, range) else str(entry)


class _Parser:
    """Reads expressions, and the files that they name."""

    def __init__(self) -> None:
        self._open: list[Path] = []
        self._num_files = 0

    def entries(self, text: str) -> Iterator[Entry]:
        for term in _terms(text, _TERM):
            yield self._entry(term)

    def _entry(self, text: str) -> Entry:
        if text.startswith("!"):
            text = text[1:].strip()
            if not text or text.startswith("!"):
                raise TrackError(f"expected a number, an identifier or another term after '!', found {text!r}")
            return Excluded(self._entry(text))
        if text.startswith("/"):
            pattern = _PATTERN.fullmatch(text)
            if pattern is None:
                raise TrackError(
                    rf"{shortened(text)!r} is not a regular expression: expected one between slashes, as in /K562/, "
                    r"with \/ for a slash inside it"
                )
            return Described(pattern[1])
        if text.startswith("@"):
            return self._listed(text[1:].strip())
        if text[: len(_ASSAY)].lower() == _ASSAY:
            return Measured(text[len(_ASSAY) :].strip())
        return _numbers_or_identifier(text)

    def _listed(self, name: str) -> Listed:
        path = self._path(name)
        if path in self._open:
            raise TrackError(f"the list of tracks {name} names itself: remove @{name} from {self._open[-1]}")
        self._num_files += 1
        if self._num_files > MAX_FILES:
            raise TrackError(f"more than {MAX_FILES} lists of tracks are named, the last one {name}: join them")
        self._open.append(path)
        entries: list[Entry] = []
        for number, line in enumerate(_read_lines(name, path), start=1):
            try:
                entries += [self._entry(term) for term in _terms(line, _TERM_OR_COMMENT) if term]
            except TrackError as error:
                raise TrackError(f"{name} line {number}: {error}") from error
        self._open.pop()
        if not entries:
            raise TrackError(f"no track in {name}: expected numbers, identifiers or other terms, one per line")
        return Listed(name, TrackChoice(tuple(entries)))

    def _path(self, name: str) -> Path:
        if not name:
            raise TrackError("expected the name of a file after '@', as in @tracks.txt")
        folder = self._open[-1].parent if self._open else Path()
        try:
            return (folder / Path(name).expanduser()).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise TrackError(f"cannot read the list of tracks {shortened(name)!r}: {cause(error)}") from error


def _terms(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Splits an expression at its commas, except for those of regular expressions."""
    position = 0
    while True:
        match = pattern.match(text, position)
        assert match is not None  # anything that is not a comma is a term
        yield match[1].strip()
        if match[3] is not None:
            return
        position = match.end()


def _numbers_or_identifier(text: str) -> int | range | str:
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return text
    first, last = int(match[1]), match[2]
    if last is None:
        return first
    return range(first, int(last) + 1) if first <= int(last) else text


def _read_lines(name: str, path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError(f"it is larger than {MAX_FILE_BYTES:,} bytes, which no list of tracks needs")
        return content.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise TrackError(f"cannot read the list of tracks {shortened(name)!r}: {cause(error)}") from error
