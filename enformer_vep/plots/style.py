"""The style of every figure: sizes in print, colours, fonts, and the texts that must fit into them.

All lengths on a page are millimetres, since a figure is made for a journal's column. The font comes with matplotlib, so
that a figure is the same on every machine.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

MM_PER_INCH = 25.4
MM_PER_POINT = MM_PER_INCH / 72

FONT = "DejaVu Sans"
SMALL, NORMAL, LARGE = 6.0, 6.5, 8.0
"""Font sizes in points. Nothing is smaller: journals ask for 5 to 7 points at least."""

LINE_MM = 1.25
"""Height of a line of text, in units of its font's size."""

# Colours of Okabe and Ito (2008), which colour-blind readers can tell apart; greys for what is no comparison.
BLACK = "#000000"
ORANGE = "#E69F00"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREY = "#666666"
LIGHT_GREY = "#C8C8C8"

REFERENCE_FILL, REFERENCE_LINE = LIGHT_GREY, GREY
ALTERNATE = VERMILION
GAIN, LOSS = VERMILION, BLUE
LETTER_COLOURS = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": VERMILION}

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
MINUS = "\N{MINUS SIGN}"

_SETTINGS: dict[str, Any] = {
    "font.family": FONT,
    "font.size": SMALL,
    "axes.linewidth": 0.5,
    "axes.unicode_minus": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.pad": 1.5,
    "ytick.major.pad": 1.5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # TrueType: text stays text, which editors can change
    "svg.fonttype": "path",  # the letters' shapes: the same without the font
    "svg.hashsalt": "enformer-vep",  # or identifiers are drawn at random
    "path.simplify": False,  # a narrow peak is what one looks for
}


@contextmanager
def page_style() -> Iterator[None]:
    """Draws and saves what is inside the block in this style, whatever settings of matplotlib the user has."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", _SETTINGS))
        yield


def text_width_mm(text: str, size: float, *, is_bold: bool = False) -> float:
    """Returns how wide a text is in print."""
    font = FontProperties(family=FONT, size=size, weight="bold" if is_bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) * MM_PER_POINT


def line_height_mm(size: float) -> float:
    """Returns how much height a line of text takes."""
    return LINE_MM * size * MM_PER_POINT


def fitted(text: str, width_mm: float, size: float, *, is_bold: bool = False) -> str:
    """Returns a text, or as much of its beginning as fits with an ellipsis; nothing if not even one letter does."""
    if text_width_mm(text, size, is_bold=is_bold) <= width_mm:
        return text
    for length in range(len(text) - 1, 0, -1):
        shorter = text[:length].rstrip(" :,;/-") + ELLIPSIS
        if text_width_mm(shorter, size, is_bold=is_bold) <= width_mm:
            return shorter
    return ""


def wrapped(words: Sequence[str], width_mm: float, size: float, *, is_bold: bool = False) -> list[str]:
    """Puts words into lines that fit; a word that is too long for a line is shortened."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else ""
        if longer and text_width_mm(longer, size, is_bold=is_bold) <= width_mm:
            lines[-1] = longer
        else:
            lines.append(fitted(word, width_mm, size, is_bold=is_bold))
    return lines
