"""Genes below the tracks: in rows, so that neither genes nor their names meet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.path import Path

from enformer_vep.genome.genes import FORWARD, Gene
from enformer_vep.genome.variant import Interval
from enformer_vep.plots.style import BLACK, MM_PER_POINT, SMALL, fitted, line_height_mm, text_width_mm

ROW_MM = line_height_mm(SMALL) + 0.2
"""Height of a row, in which a name has room."""

_GAP_MM = 1.2
"""Least distance of neighbours in a row."""
_PAD_MM = 0.6
"""Between a gene and its name."""
_MARKER_MM = 1.5
"""Size of the triangle at a gene's first start."""
_CHEVRON_MM = 5.0
"""Distance of the marks along a gene that tell its strand."""
_LONGEST_NAME_MM = 25.0

_RIGHTWARDS = Path([(-0.5, -1.0), (0.5, 0.0), (-0.5, 1.0)], [Path.MOVETO, Path.LINETO, Path.LINETO])
_LEFTWARDS = Path([(0.5, -1.0), (-0.5, 0.0), (0.5, 1.0)], [Path.MOVETO, Path.LINETO, Path.LINETO])


@dataclass(frozen=True)
class PlacedGene:
    """A gene in its row; lengths are millimetres from the left end of the stretch that is shown.

    Attributes:
      gene: the gene.
      row: its row, 0 for the uppermost.
      start: where its line begins.
      end: where its line ends.
      first_start: where transcription starts, None if that is not shown.
      name: its name, shortened if it is very long.
      name_start: where the name begins.
      is_on_line: whether the name stands on the gene's line, for lack of room beside it.
    """

    gene: Gene
    row: int
    start: float
    end: float
    first_start: float | None
    name: str
    name_start: float
    is_on_line: bool


def place_genes(genes: Sequence[Gene], shown: Interval, width_mm: float) -> list[PlacedGene]:
    """Puts genes into as few rows as the first free one for each, from left to right, gives.

    Args:
      genes: those with a base in the stretch.
      shown: the stretch.
      width_mm: its width in print.

    Returns:
      The genes from left to right.
    """
    by_place = sorted(genes, key=lambda gene: (gene.extent, gene.id, gene.strand))
    placed: list[PlacedGene] = []
    ends: list[float] = []  # of the rows
    for gene in sorted((_unplaced(gene, shown, width_mm) for gene in by_place), key=_left):
        left = _left(gene)
        row = next((row for row, end in enumerate(ends) if end + _GAP_MM <= left), len(ends))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = _right(gene)
        placed.append(replace(gene, row=row))
    return placed


def num_rows(placed: Sequence[PlacedGene]) -> int:
    """Returns the number of rows that genes take."""
    return max((gene.row for gene in placed), default=-1) + 1


def _unplaced(gene: Gene, shown: Interval, width_mm: float) -> PlacedGene:
    mm_per_bp = width_mm / shown.length
    start, end = ((min(max(place, shown.start), shown.end) - shown.start) * mm_per_bp for place in gene.extent)
    tss = gene.tss[0] if gene.strand == FORWARD else gene.tss[-1]
    first_start = (tss - shown.start) * mm_per_bp if shown.start <= tss < shown.end else None
    name = fitted(gene.name, min(_LONGEST_NAME_MM, width_mm), SMALL)
    name_mm = text_width_mm(name, SMALL)
    without_name = PlacedGene(gene, 0, start, end, first_start, name, name_start=0.0, is_on_line=False)
    left, right = _drawn(without_name)
    if left - _PAD_MM - name_mm >= 0:
        name_start, is_on_line = left - _PAD_MM - name_mm, False
    elif right + _PAD_MM + name_mm <= width_mm:
        name_start, is_on_line = right + _PAD_MM, False
    else:
        name_start, is_on_line = min(max((left + right - name_mm) / 2, 0.0), width_mm - name_mm), True
    return replace(without_name, name_start=name_start, is_on_line=is_on_line)


def _drawn(gene: PlacedGene) -> tuple[float, float]:
    """Returns from where to where a gene is drawn, without its name."""
    if gene.first_start is None:
        return gene.start, gene.end
    tip = gene.first_start + (_MARKER_MM if gene.gene.strand == FORWARD else -_MARKER_MM)
    return min(gene.start, gene.first_start, tip), max(gene.end, gene.first_start, tip)


def _left(gene: PlacedGene) -> float:
    return min(_drawn(gene)[0], gene.name_start)


def _right(gene: PlacedGene) -> float:
    return max(_drawn(gene)[1], gene.name_start + text_width_mm(gene.name, SMALL))


def draw_genes(axes: Axes, placed: Sequence[PlacedGene], shown: Interval, width_mm: float) -> None:
    """Draws genes on axes whose x is the position on the genome; y becomes the number of the row, downwards.

    Args:
      axes: as wide as `width_mm`, and ROW_MM high for each row.
      placed: what `place_genes` returned for the same stretch and width.
      shown: the stretch.
      width_mm: its width in print.
    """
    bp_per_mm = shown.length / width_mm

    def position(millimetres: float) -> float:
        return shown.start + millimetres * bp_per_mm

    axes.set_ylim(max(num_rows(placed), 1) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for gene in placed:
        is_forward = gene.gene.strand == FORWARD
        axes.plot(
            [position(gene.start), position(gene.end)],
            [gene.row, gene.row],
            color=BLACK,
            linewidth=1.0,
            solid_capstyle="butt",
        )
        starts = [tss for tss in gene.gene.tss if shown.start <= tss < shown.end]
        axes.plot(
            starts,
            [gene.row] * len(starts),
            "|",
            color=BLACK,
            markersize=0.6 * ROW_MM / MM_PER_POINT,
            markeredgewidth=0.5,
        )
        marks = _chevrons(gene)
        axes.plot(
            [position(mark) for mark in marks],
            [gene.row] * len(marks),
            marker=_RIGHTWARDS if is_forward else _LEFTWARDS,
            markersize=1.1 / MM_PER_POINT,
            markerfacecolor="none",
            markeredgecolor=BLACK,
            markeredgewidth=0.5,
            linestyle="none",
        )
        if gene.first_start is not None:
            middle = gene.first_start + (_MARKER_MM / 2 if is_forward else -_MARKER_MM / 2)
            axes.plot(
                [position(middle)],
                [gene.row],
                marker=">" if is_forward else "<",
                markersize=_MARKER_MM / MM_PER_POINT,
                markeredgewidth=0,
                color=BLACK,
                clip_on=False,
            )
        axes.text(
            position(gene.name_start),
            gene.row,
            gene.name,
            fontsize=SMALL,
            style="italic",
            verticalalignment="center_baseline",
            bbox={
                "facecolor": "white",
                "edgecolor": "none",
                "pad": 0.3,
            },  # above the variant's line, and the gene's own
            zorder=2 + gene.is_on_line,
            parse_math=False,
        )


def _chevrons(gene: PlacedGene) -> list[float]:
    """Returns where marks along a gene's line stand: none if the triangle at its start says enough."""
    num = int((gene.end - gene.start) // _CHEVRON_MM)
    if gene.first_start is None:
        num = max(num, 1)
    step = (gene.end - gene.start) / (num + 1)
    return [gene.start + step * number for number in range(1, num + 1)]
