"""The line above a track: what it is, and its effect."""

from enformer_vep.plots import style
from enformer_vep.plots.content import TrackProfile
from enformer_vep.plots.sheet import Sheet

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
