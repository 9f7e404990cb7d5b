"""Numbers on axes: positions on the genome, and values."""

from enformer_vep.plots.style import MINUS

_UNITS = (("Mb", 10**6, 50_000), ("kb", 10**3, 2_000), ("bp", 1, 0))
"""Units with their base pairs, and the shortest stretch that is measured in them: fewer decimals than digits."""


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
        while decimals < 6 and (spacing / self.factor * 10**decimals) % 1 > 1e-9:
            decimals += 1
        return f"{position / self.factor:,.{decimals}f}"


def value_text(value: float, digits: int = 3) -> str:
    """Writes a value with this many digits, or all of its whole ones."""
    if value and abs(value) < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    else:
        text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return text.replace("-", MINUS)
