"""Regular expressions on the descriptions of tracks, whose matching may not take longer than a few seconds."""

import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from enformer_vep.errors import TrackError
from enformer_vep.wording import cause, shortened

if TYPE_CHECKING:
    import regex

MAX_PATTERN_LENGTH = 2_000
MAX_SECONDS = 2.0
"""CPU time that a pattern may take with a whole track table; an ordinary one takes hundredths of a second."""


def compile_pattern(text: str) -> "regex.Pattern[str]":
    """Compiles a regular expression that ignores case, as the package `regex` understands it (a superset of `re`).

    Raises:
      TrackError: it does not compile, or is too long.
    """
    import regex  # when there is one to compile: it would slow --help down

    if not text:
        raise TrackError(
            "the regular expression // is empty: expected /PATTERN/ on the descriptions, as in /K562|HepG2/"
        )
    if len(text) > MAX_PATTERN_LENGTH:
        raise TrackError(
            f"the regular expression /{shortened(text)}/ is too long: expected up to {MAX_PATTERN_LENGTH:,} "
            f"characters, found {len(text):,}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what may change its meaning in future versions
            return regex.compile(text, regex.IGNORECASE)
    except (regex.error, ValueError, OverflowError, MemoryError) as error:
        raise TrackError(f"the regular expression /{shortened(text)}/ does not compile: {cause(error)}") from error
    except RecursionError as error:
        raise TrackError(f"the regular expression /{shortened(text)}/ is nested too deeply") from error


def matching(text: str, descriptions: Sequence[str]) -> list[int]:
    """Returns the places of the descriptions in which a regular expression is found.

    Raises:
      TrackError: it takes too much time or memory.
    """
    pattern = compile_pattern(text)
    end = time.process_time() + MAX_SECONDS
    try:
        return [
            place
            for place, description in enumerate(descriptions)
            if pattern.search(description, timeout=max(end - time.process_time(), 1e-6))
        ]
    except (TimeoutError, MemoryError, RecursionError) as error:
        raise TrackError(
            f"the regular expression /{shortened(text)}/ takes more than {MAX_SECONDS:g} s, or too much memory: use "
            "one without repetitions inside repetitions"
        ) from error
