"""The lower part of a page: logos of both alleles around the variant."""

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator

from enformer_vep.plots import style
from enformer_vep.plots.axis_labels import POSITIONS_MM, label_values
from enformer_vep.plots.content import LogoColumns, VariantPage
from enformer_vep.plots.logo import common_limits, draw_logo
from enformer_vep.plots.sheet import Sheet
from enformer_vep.plots.track_header import write_header

_LOGO_MM = 9.0
_BETWEEN_MM = 1.6
_CLEAR_MM = 0.45
"""How far labels stay away from those of the other allele."""
_ALLELE_MM = 0.6
"""Between axes and the name of their allele."""
_STEPS = (5, 10, 20, 50, 100, 200, 500, 1000)


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
