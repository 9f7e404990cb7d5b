"""Labels of axes: round numbers where there is room for them, and how positions and values are written."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from enformer_vep.genome.variant import Interval
from enformer_vep.plots.style import MINUS, SMALL, text_width_mm

POSITIONS_MM = 6.3
"""Room for labels of positions and the name of their axis."""

_MORE = 4

_BETWEEN_MM = 4.0
"""Between two labels of positions."""

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


def label_values(axes: Axes, height_mm: float, *, num: int, clear_mm: float = 0.0) -> None:
    """Labels round values, once the limits of y are set.

    Args:
      axes: the axes.
      height_mm: their height.
      num: how many intervals between labels are wanted at most; more are taken if only one label would be left.
      clear_mm: how far labels stay away from the upper and the lower end, where those of other axes may be.
    """
    low, high = axes.get_ylim()
    clear = clear_mm / height_mm * (high - low)
    ticks: list[float] = []
    for num_tried in range(num, num + _MORE):
        ticks = [tick for tick in MaxNLocator(num_tried).tick_values(low, high) if low + clear <= tick <= high - clear]
        if len(ticks) > 1:  # or there is no scale
            break
    largest = max(map(abs, ticks), default=0.0)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(partial(_value, largest)))


def label_positions(axes: Axes, shown: Interval, width_mm: float) -> None:
    """Labels round positions, as many as have room, and names the contig."""
    unit = PositionUnit(shown.start, shown.end)
    label_mm = text_width_mm(unit.text(shown.end, unit.factor / 100), SMALL) + _BETWEEN_MM
    locator = MaxNLocator(max(int(width_mm / label_mm), 1), steps=[1, 2, 2.5, 5, 10])
    ticks = [tick for tick in locator.tick_values(shown.start, shown.end) if shown.start <= tick <= shown.end]
    spacing = ticks[1] - ticks[0] if len(ticks) > 1 else unit.factor
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(partial(_position, unit, spacing)))
    axes.set_xlabel(f"{shown.contig} ({unit.name})", fontsize=SMALL, labelpad=1.5, parse_math=False)


def _value(largest: float, value: float, _: int) -> str:
    return value_text(value, largest=largest)


def _position(unit: PositionUnit, spacing: float, position: float, _: int) -> str:
    return unit.text(position, spacing)
