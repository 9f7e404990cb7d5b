"""Sequence logos, drawn by logomaker: letters as high as their scores, of both alleles in the lower part of a page."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator

from enformer_vep.plots import style
from enformer_vep.plots.axis_labels import POSITIONS_MM, label_values
from enformer_vep.plots.content import Letters, LogoColumns, VariantPage
from enformer_vep.plots.sheet import Sheet, write_header
from enformer_vep.plots.style import FONT, GREY, LETTER_COLOURS, LIGHT_GREY

_LOGO_MM = 9.0
_BETWEEN_MM = 1.6
_CLEAR_MM = 0.45
"""How far labels stay away from those of the other allele."""
_ALLELE_MM = 0.6
"""Between axes and the name of their allele."""
_STEPS = (5, 10, 20, 50, 100, 200, 500, 1000)


BASES = "ACGT"

_MARGIN = 0.06
"""Room above and below the letters, as a share of their range."""


def heights(letters: Letters) -> npt.NDArray[np.float32]:
    """Returns the height of every letter in each place: float32 [L, 4], in the order A C G T.

    One score in each place is that of its own letter; N has none.
    """
    if letters.scores.ndim == 2:
        return letters.scores
    own = np.array([[base == letter for base in BASES] for letter in letters.letters.upper()]).reshape(-1, 4)
    return np.where(own, letters.scores[:, np.newaxis], np.float32(0))


def common_limits(several: Sequence[Letters]) -> tuple[float, float]:
    """Returns the limits of y that show all letters of several logos, from 0 or below to 0 or above."""
    all_heights = np.concatenate([heights(letters) for letters in several])
    low = float(np.minimum(all_heights, 0).sum(axis=1).min(initial=0))
    high = float(np.maximum(all_heights, 0).sum(axis=1).max(initial=0))
    margin = _MARGIN * ((high - low) or 1.0)
    return (low - margin if low < 0 else 0.0), (high + margin if high > 0 or low == 0 else 0.0)


def draw_logo(axes: Axes, letters: Letters, columns: LogoColumns, limits: tuple[float, float]) -> None:
    """Draws a logo, with the columns in which the alleles differ in grey.

    Args:
      axes: where.
      letters: what.
      columns: those of the whole logo.
      limits: of y.
    """
    import logomaker

    if columns.changed:
        axes.axvspan(
            columns.changed.start - 0.5, columns.changed.stop - 0.5, color=LIGHT_GREY, alpha=0.5, linewidth=0, zorder=-1
        )
    if letters.letters:
        table = pd.DataFrame(heights(letters), index=list(letters.columns), columns=list(BASES), dtype=float)
        logomaker.Logo(table, ax=axes, color_scheme=LETTER_COLOURS, font_name=FONT, vsep=0.0)
    axes.axhline(0, color=GREY, linewidth=0.4, zorder=-1)
    axes.set_xlim(-0.5, len(columns.positions) - 0.5)
    axes.set_ylim(*limits)


def contiguous(start: int, letters: str, scores: npt.NDArray[np.float32]) -> tuple[Letters, LogoColumns]:
    """Returns what `draw_logo` takes for a stretch of the genome in which nothing is changed.

    Args:
      start: the first base, 0-based.
      letters: the bases.
      scores: float32 [L] or [L, 4].
    """
    length = len(letters)
    positions = tuple(range(start, start + length))
    return Letters(letters, scores, range(length)), LogoColumns(positions, range(0))


def draw_logos(sheet: Sheet, page: VariantPage) -> None:
    """Draws the logos of all tracks that have some."""
    columns = page.logo_columns
    assert columns is not None
    sheet.skip(1.0)
    for line in style.wrapped(page.logo_legend.split(), sheet.inner_mm, style.SMALL):
        sheet.line(line, style.SMALL)
    sheet.skip(0.8)
    panels: list[Axes] = []
    for track in page.tracks:
        if track.logos is None:
            continue
        write_header(sheet, track)
        both = (track.logos.reference, track.logos.alternate)
        limits = common_limits(both)
        for allele, letters in zip(("REF", "ALT"), both, strict=True):
            axes = sheet.axes(_LOGO_MM)
            sheet.skip(_BETWEEN_MM)
            draw_logo(axes, letters, columns, limits)
            label_values(axes, _LOGO_MM, num=2, clear_mm=_CLEAR_MM)
            beside = 1 + _ALLELE_MM / sheet.inner_mm
            axes.text(beside, 0.5, allele, transform=axes.transAxes, rotation=90, va="center", fontsize=style.SMALL)
            panels.append(axes)
    for axes in panels:
        axes.tick_params(axis="x", bottom=axes is panels[-1], labelbottom=axes is panels[-1])
    _label_columns(panels[-1], columns, sheet.inner_mm)
    panels[-1].set_xlabel(f"{page.shown.contig} (bp)", fontsize=style.SMALL, labelpad=1.5, parse_math=False)
    sheet.skip(POSITIONS_MM)


def _label_columns(axes: Axes, columns: LogoColumns, width_mm: float) -> None:
    """Labels columns with round positions, 1-based, as many as have room."""
    known = {position + 1: column for column, position in enumerate(columns.positions) if position is not None}
    label_mm = style.text_width_mm(f"{max(known, default=0):,}", style.SMALL) + 2
    column_mm = width_mm / len(columns.positions)
    step = next((step for step in _STEPS if step * column_mm >= label_mm), _STEPS[-1])
    ticks = {position: column for position, column in known.items() if position % step == 0}
    axes.xaxis.set_major_locator(FixedLocator(list(ticks.values())))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{position:,}" for position in ticks]))
