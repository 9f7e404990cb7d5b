"""Numbers on axes: positions on the genome, and values."""

import numpy as np

from enformer_vep.plots.style import MINUS

_UNITS = (("Mb", 10**6, 50_000), ("kb", 10**3, 2_000), ("bp", 1, 0))
"""Units with their base pairs, and the shortest stretch that is measured in them: fewer decimals than digits."""

_MOST_DECIMALS = 6
_LEAST_DECIMAL = 1e-3
"""Smaller values have exponents."""


class PositionUnit:
    """The unit in which the positions of a stretch of a contig are read most easily.

    Attributes:
      name: Mb, kb or bp.
      factor: its base pairs.
    """

    def __init__(self, start: int, end: int) -> None:
        """Chooses the largest unit that is not beyond the stretch, and not too large to tell its positions apart.

        Args:
          start: 0-based.
          end: half-open.
        """
        self.name, self.factor, _ = next(unit for unit in _UNITS if end - start >= unit[2] and end >= unit[1])

    def text(self, position: float, spacing: float) -> str:
        """Writes a position with the decimals that tell it from the next tick.

        Args:
          position: in base pairs.
          spacing: base pairs from one tick to the next.
        """
        decimals = 0
        while decimals < _MOST_DECIMALS and not _is_whole(spacing / self.factor * 10**decimals):
            decimals += 1
        return f"{position / self.factor:,.{decimals}f}"


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-6


def value_text(value: float, digits: int = 3, *, largest: float | None = None) -> str:
    """Writes a value with this many digits, or all of its whole ones.

    Args:
      value: the value.
      digits: how many digits.
      largest: the largest of the values that are read together, which decides for all of them whether they have
        exponents; None for the value by itself.
    """
    largest = abs(value) if largest is None else largest
    if value and largest < _LEAST_DECIMAL:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    elif abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = np.format_float_positional(value, digits, unique=False, fractional=False, trim="-")
    return text.replace("-", MINUS)
