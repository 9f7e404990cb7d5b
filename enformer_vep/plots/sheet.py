"""A figure that is filled from its top to its bottom, in millimetres, and the line above each of its tracks."""

import io
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from enformer_vep.plots import style
from enformer_vep.plots.content import TrackProfile
from enformer_vep.plots.style import MM_PER_INCH, SMALL, line_height_mm, page_style

SCREEN_DPI = 120
"""Dots per inch in a notebook."""

LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 11.5, 4.0, 1.5, 0.8
"""Margins; the left one has the values of the axes."""


class SheetFigure(Figure):
    """A figure that pyplot does not know, which notebooks show as a picture nevertheless."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        with page_style():
            self.savefig(stream, format="png", dpi=SCREEN_DPI)
        return stream.getvalue()


class Sheet:
    """A figure of a given width, which becomes as high as what it holds.

    Attributes:
      figure: the figure; its height and the places of its parts are right after `finish`.
      width_mm: its width.
      inner_mm: the width of its axes.
    """

    def __init__(self, width_mm: float) -> None:
        self.figure = SheetFigure()
        self.width_mm = width_mm
        self.inner_mm = width_mm - LEFT_MM - RIGHT_MM
        self._used_mm = TOP_MM
        self._placed: list[Callable[[float], None]] = []  # each is given the height of the figure

    def skip(self, height_mm: float) -> None:
        """Leaves room."""
        self._used_mm += height_mm

    def write(self, text: str, size: float, *, x_mm: float = 0.0, **properties: Any) -> None:
        """Writes a text that begins in the next line, which stays the next one."""
        figure, top_mm = self.figure, self._used_mm

        def place(height_mm: float) -> None:
            x, y = (LEFT_MM + x_mm) / self.width_mm, 1 - top_mm / height_mm
            figure.text(x, y, text, fontsize=size, va="top", parse_math=False, **properties)

        self._placed.append(place)

    def line(self, text: str, size: float, **properties: Any) -> None:
        """Writes a line of text and goes on below it."""
        self.write(text, size, **properties)
        self.skip(line_height_mm(size))

    def axes(self, height_mm: float) -> Axes:
        """Adds axes and goes on below them."""
        axes, top_mm = self.figure.add_axes((0, 0, 1, 1), label=f"axes {len(self._placed)}"), self._used_mm

        def place(height_of_figure_mm: float) -> None:
            bottom = 1 - (top_mm + height_mm) / height_of_figure_mm
            width, height = self.inner_mm / self.width_mm, height_mm / height_of_figure_mm
            axes.set_position((LEFT_MM / self.width_mm, bottom, width, height))

        self._placed.append(place)
        self.skip(height_mm)
        return axes

    def legend(self, handles: Sequence[Artist]) -> None:
        """Adds a legend in one line and goes on below it."""
        figure, top_mm = self.figure, self._used_mm

        def place(height_mm: float) -> None:
            figure.legend(
                handles=list(handles),
                ncols=len(handles),
                loc="upper left",
                bbox_to_anchor=(LEFT_MM / self.width_mm, 1 - top_mm / height_mm),
                fontsize=SMALL,
                borderpad=0,
                borderaxespad=0,
                handlelength=1.3,
                handletextpad=0.5,
                columnspacing=1.1,
            )

        self._placed.append(place)
        self.skip(line_height_mm(SMALL))

    def finish(self) -> Figure:
        """Sets the figure's height and the place of everything, and returns it."""
        height_mm = self._used_mm + BOTTOM_MM
        self.figure.set_size_inches(self.width_mm / MM_PER_INCH, height_mm / MM_PER_INCH)
        for place in self._placed:
            place(height_mm)
        return self.figure


_GAP_MM = 1.5


def write_header(sheet: Sheet, track: TrackProfile, effect: str = "") -> None:
    """Writes a track's name, its identifier and assay, and at the end of the line its effect.

    The name is shortened to what the others leave, and left out if it is the identifier.
    """
    known = " · ".join(filter(None, (track.identifier, track.assay)))
    width_mm = sheet.inner_mm
    if effect:
        sheet.write(effect, style.SMALL, x_mm=width_mm, ha="right", color=style.GREY)
        width_mm -= style.text_width_mm(effect, style.SMALL) + _GAP_MM
    known = style.fitted(known, width_mm, style.SMALL)
    name_mm = width_mm - style.text_width_mm(known, style.SMALL) - _GAP_MM
    name = "" if track.name == track.identifier else style.fitted(track.name, name_mm, style.NORMAL, is_bold=True)
    if name:
        sheet.write(name, style.NORMAL, weight="bold")
    begin_mm = style.text_width_mm(name, style.NORMAL, is_bold=True) + _GAP_MM if name else 0.0
    sheet.write(known, style.SMALL, x_mm=begin_mm, color=style.GREY)
    sheet.skip(style.line_height_mm(style.NORMAL) + 0.3)
