"""Settings that are read from short texts, on the command line and in Python."""

import re


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
