"""Wording that messages share: plurals, lists that say what they leave out, suggestions, and what the system said."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

NUM_LISTED = 5

_START, _END = "\ufdd0", "\ufdd1"  # noncharacters, which no text has
_OPTION = re.compile(f"{_START}(\\S+?)(?: ([^{_END}]*))?{_END}")


def option(name: str, value: object = None) -> str:
    """Returns an option for the message of an error: the reader is shown `--bins all`, or in Python `bins='all'`.

    Args:
      name: the long or short name on the command line, such as '--bins' or '-o'.
      value: the value that is shown with it, None for none.
    """
    return f"{_START}{name}{'' if value is None else f' {value}'}{_END}"


def with_options(message: str, render: Callable[[str, str | None], str]) -> str:
    """Returns a message with its options as they are written for the reader, given their names and values."""
    return _OPTION.sub(lambda match: render(match[1], match[2]), message)


def for_command_line(message: str) -> str:
    """Returns a message with its options as they are written on the command line."""
    return with_options(message, lambda name, value: name if value is None else f"{name} {value}")


def plural(count: int, noun: str) -> str:
    """Returns a count with its noun: '1 contig', '2,000 contigs'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: Iterable[str], most: int = NUM_LISTED) -> str:
    """Returns the first names separated by commas, and how many more there are: 'a, b and 3 more'."""
    names = list(names)
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def shortened(text: str, most: int = 60) -> str:
    """Returns a text, or as much of its beginning as a message has room for: 'ENCFF...'."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def all_nearest(name: str, choices: Iterable[str], *, likeness: float = 0.6, most: int = 1) -> list[str]:
    """Returns the choices that are most similar to a mistyped name, ignoring case, the most similar first.

    Args:
      name: what was typed.
      choices: what could have been meant.
      likeness: from 0 to 1, how similar they must be. Identifiers that resemble each other need more than words do.
      most: how many are returned at most.
    """
    by_case = {choice.lower(): choice for choice in choices}
    return [by_case[match] for match in get_close_matches(name.lower(), by_case, n=most, cutoff=likeness)]


def nearest(name: str, choices: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Returns the choice that is most similar to a mistyped name; None if none is similar. See `all_nearest`."""
    return next(iter(all_nearest(name, choices, likeness=likeness)), None)


def did_you_mean(name: str, choices: Iterable[str], *, likeness: float = 0.6, most: int = 1) -> str:
    """Returns '; did you mean X or Y?' to be put at the end of a message, or nothing if no choice is similar."""
    nearest = all_nearest(name, choices, likeness=likeness, most=most)
    return f"; did you mean {' or '.join(nearest)}?" if nearest else ""


def cause(error: Exception) -> str:
    """Returns an error's message, in one line and without the system's error number."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__


def sized(num_bytes: int) -> str:
    """Returns a number of bytes as people say it: '640 bytes', '801 kB', '1.01 GB'."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if num_bytes >= 0.9995 * factor:
            return f"{num_bytes / factor:.3g} {unit}"
    return plural(num_bytes, "byte")
