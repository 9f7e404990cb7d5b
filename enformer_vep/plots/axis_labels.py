"""Labels of axes: round numbers where there is room for them."""

from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from enformer_vep.genome.variant import Interval
from enformer_vep.plots.numbers import PositionUnit, value_text
from enformer_vep.plots.style import SMALL, text_width_mm

POSITIONS_MM = 6.3
"""Room for labels of positions and the name of their axis."""

_MORE = 4

_BETWEEN_MM = 4.0
"""Between two labels of positions."""


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
