"""Sequence logos: letters as high as their scores, drawn by logomaker."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from enformer_vep.plots.content import Letters, LogoColumns
from enformer_vep.plots.style import FONT, GREY, LETTER_COLOURS, LIGHT_GREY

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
