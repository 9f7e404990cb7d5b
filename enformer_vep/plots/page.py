"""The page of a variant: its tracks one below the other, then genes and logos."""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from enformer_vep.plots import style
from enformer_vep.plots.axis_labels import POSITIONS_MM, label_positions, label_values, value_text
from enformer_vep.plots.content import TrackProfile, VariantPage
from enformer_vep.plots.gene_rows import ROW_MM, draw_genes, num_rows, place_genes
from enformer_vep.plots.logo_panels import draw_logos
from enformer_vep.plots.sheet import LEFT_MM, RIGHT_MM, TOP_MM, Sheet, write_header

_PROFILE_MM, _DIFFERENCE_MM = 12.0, 8.5
_BETWEEN_MM = 1.8
"""Between a profile and its difference, and from one track to the next."""
_CLEAR_MM = 0.65
"""How far a difference's labels stay away from the zero of its profile."""

_HEADROOM = 0.12
"""Room above a profile's peak, and beyond a difference's ends, as a share of the range."""

_FOOTROOM = 0.04
"""Room below zero, where a profile that is lost would run on the axis, as a share of the range."""

_LEAST_MM = 0.12
"""The least distance of ALT from REF in print for which its line is drawn. It would hide a line below it."""

Floats = npt.NDArray[Any]

_DASHES = (0, (3, 2))


def draw_page(page: VariantPage, width_mm: float) -> Figure:
    """Draws the page of a variant, within `page_style`.

    Args:
      page: what is on it.
      width_mm: its width in print; its height follows from what it holds.
    """
    sheet = Sheet(width_mm)
    _write_title(sheet, page)
    panels = []
    for track in page.tracks:
        write_header(sheet, track, f"{page.effect_name} {value_text(track.effect, 2)}")
        profile = sheet.axes(_PROFILE_MM)
        sheet.skip(_BETWEEN_MM)
        difference = sheet.axes(_DIFFERENCE_MM)
        sheet.skip(_BETWEEN_MM)
        _draw_track(track, page, profile, difference)
        panels += [profile, difference]
    if page.genes is not None:
        panels.append(_add_genes(sheet, page))
    for axes in panels:
        _mark_variant(axes, page)
        axes.set_xlim(page.shown.start, page.shown.end)
        axes.tick_params(axis="x", bottom=axes is panels[-1], labelbottom=axes is panels[-1])
    label_positions(panels[-1], page.shown, sheet.inner_mm)
    sheet.skip(POSITIONS_MM)
    if page.logo_columns is not None:
        draw_logos(sheet, page)
    return sheet.finish()


def _write_title(sheet: Sheet, page: VariantPage) -> None:
    width_mm, left_mm = sheet.width_mm - TOP_MM - RIGHT_MM, TOP_MM - LEFT_MM
    for line in style.wrapped(page.title, width_mm, style.LARGE, is_bold=True):
        sheet.line(line, style.LARGE, x_mm=left_mm, weight="bold")
    for line in style.wrapped(page.subtitle.split(), width_mm, style.SMALL):
        sheet.line(line, style.SMALL, x_mm=left_mm, color=style.GREY)
    for line in style.wrapped(page.notice.split(), width_mm, style.SMALL, is_bold=True):
        sheet.line(line, style.SMALL, x_mm=left_mm, weight="bold")
    sheet.skip(0.8)
    sheet.line(f"Predicted coverage per {page.bin_size_bp}-bp bin, and below it ALT \N{MINUS SIGN} REF", style.SMALL)
    sheet.legend(
        [
            Patch(facecolor=style.REFERENCE_FILL, edgecolor=style.REFERENCE_LINE, linewidth=0.5, label="REF"),
            Line2D([], [], color=style.ALTERNATE, linewidth=0.8, label="ALT if different"),
            Patch(facecolor=style.GAIN, label="gain"),
            Patch(facecolor=style.LOSS, label="loss"),
            Line2D([], [], color=style.BLACK, linewidth=0.5, linestyle=_DASHES, label="variant"),
        ]
    )
    sheet.skip(1.0)


def _draw_track(track: TrackProfile, page: VariantPage, profile: Axes, difference: Axes) -> None:
    edges = page.first_bin_start + page.bin_size_bp * np.arange(len(track.reference) + 1)
    is_shown = (edges[1:] > page.shown.start) & (edges[:-1] < page.shown.end)
    first, stop = int(np.argmax(is_shown)), int(len(is_shown) - np.argmax(is_shown[::-1]))
    edges = edges[first : stop + 1]
    reference, change = track.reference[first:stop], track.difference[first:stop]
    _draw_profile(profile, edges, reference, change)
    _draw_difference(difference, edges, change)


def _draw_profile(axes: Axes, edges: Floats, reference: Floats, change: Floats) -> None:
    alternate = reference + change
    axes.stairs(reference, edges, fill=True, color=style.REFERENCE_FILL, linewidth=0)
    axes.stairs(reference, edges, baseline=None, color=style.REFERENCE_LINE, linewidth=0.5)
    highest = (float(max(reference.max(), alternate.max(), 0)) or 1.0) * (1 + _HEADROOM)
    differs = np.abs(change) > _LEAST_MM / _PROFILE_MM * highest
    is_drawn = differs.copy()  # with the neighbours, from where the steps lead there
    is_drawn[1:] |= differs[:-1]
    is_drawn[:-1] |= differs[1:]
    axes.stairs(np.where(is_drawn, alternate, np.nan), edges, baseline=None, color=style.ALTERNATE, linewidth=0.7)
    axes.set_ylim(-_FOOTROOM * highest, highest)
    label_values(axes, _PROFILE_MM, num=3)


def _draw_difference(axes: Axes, edges: Floats, change: Floats) -> None:
    low, high = float(min(change.min(), 0)), float(max(change.max(), 0))
    for sign, colour in ((1, style.GAIN), (-1, style.LOSS)):
        axes.stairs(np.where(sign * change > 0, change, 0), edges, fill=True, color=colour, linewidth=0)
        # A peak of few bins would be thinner than a line.
        is_seen = sign * change > _LEAST_MM / _DIFFERENCE_MM * (high - low)
        axes.stairs(np.where(is_seen, change, np.nan), edges, color=colour, linewidth=0.3)
    axes.axhline(0, color=style.GREY, linewidth=0.4)
    margin = _HEADROOM * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    label_values(axes, _DIFFERENCE_MM, num=3, clear_mm=_CLEAR_MM)


def _add_genes(sheet: Sheet, page: VariantPage) -> Axes:
    placed = place_genes(page.genes or (), page.shown, sheet.inner_mm)
    axes = sheet.axes(max(num_rows(placed), 1) * ROW_MM)
    draw_genes(axes, placed, page.shown, sheet.inner_mm)
    if not placed:
        axes.text(
            0.0,
            0.5,
            "no gene of the annotation",
            transform=axes.transAxes,
            color=style.GREY,
            va="center",
            fontsize=style.SMALL,
        )
    return axes


def _mark_variant(axes: Axes, page: VariantPage) -> None:
    start, end = page.variant.start, page.variant.end
    if end - start > 1:
        axes.axvspan(start, end, color=style.LIGHT_GREY, alpha=0.6, linewidth=0, zorder=0)
    axes.axvline((start + end) / 2, color=style.BLACK, linewidth=0.5, linestyle=_DASHES, zorder=0.5)
