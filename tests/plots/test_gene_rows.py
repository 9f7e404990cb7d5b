"""Genes and their names do not meet, however many there are."""

import itertools
import random

import pytest
from matplotlib.figure import Figure

from enformer_vep.genome.genes import Gene
from enformer_vep.plots.gene_rows import ROW_MM, PlacedGene, draw_genes, num_rows, place_genes
from enformer_vep.plots.style import MM_PER_INCH, page_style
from tests.plots.pages import SHOWN, boxes, named_gene


def crowd(num: int, seed: int = 1) -> list[Gene]:
    rng = random.Random(seed)
    found = []
    for number in range(num):
        start = rng.randrange(SHOWN.start - 20_000, SHOWN.end)
        end = start + rng.choice([100, 2_000, 30_000, 150_000])
        if end > SHOWN.start:
            found.append(named_gene(number, start, end, rng.choice("+-")))
    return found


def draw(placed: list[PlacedGene], width_mm: float) -> Figure:
    height_mm = num_rows(placed) * ROW_MM
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), dpi=300)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(SHOWN.start, SHOWN.end)
    draw_genes(axes, placed, SHOWN, width_mm)
    return figure


@pytest.mark.parametrize("width_mm", [70.0, 165.0])
def test_names_of_a_crowd_do_not_collide(width_mm: float) -> None:
    genes = crowd(50)
    with page_style():
        placed = place_genes(genes, SHOWN, width_mm)
        figure = draw(placed, width_mm)
        (axes,) = figure.axes
        names = axes.texts
        assert sorted(text.get_text() for text in names) == sorted(gene.name for gene in genes)
        found_boxes = boxes(figure, names)
    page = figure.bbox
    for found in found_boxes:
        assert found.x0 >= page.x0 - 1
        assert found.x1 <= page.x1 + 1
    for one, other in itertools.combinations(found_boxes, 2):
        # Rows are closer than the boxes of texts with their descenders: a dot or two may be shared.
        assert min(one.x1, other.x1) - max(one.x0, other.x0) < 2 or min(one.y1, other.y1) - max(one.y0, other.y0) < 3
    for gene, found in zip(placed, found_boxes, strict=True):
        if not gene.is_on_line:
            start, end = (place / MM_PER_INCH * 300 for place in (gene.start, gene.end))
            assert found.x1 <= start + 2 or found.x0 >= end - 2


def test_no_two_genes_of_a_row_meet() -> None:
    placed = place_genes(crowd(80, seed=2), SHOWN, 70.0)
    for row in range(num_rows(placed)):
        lines = sorted((gene.start, gene.end) for gene in placed if gene.row == row)
        assert all(end < start for (_, end), (start, _) in itertools.pairwise(lines))


def test_few_genes_share_a_row_and_none_needs_none() -> None:
    apart = [named_gene(1, SHOWN.start + 40_000, SHOWN.start + 42_000), named_gene(2, SHOWN.end - 9_000, SHOWN.end)]
    assert [gene.row for gene in place_genes(apart, SHOWN, 70.0)] == [0, 0]
    assert num_rows([]) == 0


def test_a_gene_points_where_it_is_read() -> None:
    inside = SHOWN.start + 50_000
    genes = [
        named_gene(1, inside, inside + 20_000, "+"),
        named_gene(2, inside, inside + 20_000, "-"),
        named_gene(3, SHOWN.start - 10, SHOWN.end + 10, "-"),
    ]
    with page_style():
        placed = {gene.gene.name: gene for gene in place_genes(genes, SHOWN, 70.0)}
        figure = draw(list(placed.values()), 70.0)
    mm_per_bp = 70.0 / SHOWN.length
    assert placed["GENE1"].first_start == pytest.approx(50_000 * mm_per_bp)
    assert placed["GENE2"].first_start == pytest.approx(69_999 * mm_per_bp)
    assert placed["GENE3"].first_start is None
    assert (placed["GENE3"].start, placed["GENE3"].end, placed["GENE3"].is_on_line) == (0, 70.0, True)
    markers = [line.get_marker() for line in figure.axes[0].lines]
    assert (markers.count(">"), markers.count("<")) == (1, 1)
    ticks = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert sorted(len(line.get_xdata()) for line in ticks) == [0, 1, 1]


def test_every_start_has_a_tick_and_long_names_are_cut() -> None:
    starts = tuple(SHOWN.start + 60_000 + 500 * number for number in range(4))
    gene = Gene("ENSG1", "A_NAME_OF_MANY_LETTERS_THAT_NOBODY_READS", "chr7", "+", starts, 4)
    with page_style():
        (placed,) = place_genes([gene], SHOWN, 70.0)
        figure = draw([placed], 70.0)
    assert placed.name.endswith("…")
    (ticks,) = (line for line in figure.axes[0].lines if line.get_marker() == "|")
    assert list(ticks.get_xdata()) == list(starts)
