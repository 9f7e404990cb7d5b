"""What is on a page: its parts, their limits and their texts, none of which is cut or covers another."""

import io
import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from enformer_vep.genome.variant import Interval
from enformer_vep.plots import style
from enformer_vep.plots.axis_labels import label_values
from enformer_vep.plots.content import VariantPage
from enformer_vep.plots.page import draw_page
from enformer_vep.plots.saving import figure_writer
from enformer_vep.plots.style import MINUS
from tests.plots.pages import SHOWN, START, VARIANT, boxes, logos, named_gene, page, texts, track, written

NAME = "CTCF:cerebellum male adult (27 years) and male adult (35 years) treated with 10 nM of something"


def drawn(content: VariantPage, width_mm: float = 85.0) -> Figure:
    with style.page_style():
        return draw_page(content, width_mm)


def full_page() -> VariantPage:
    of_track, columns = logos(21)
    genes = [named_gene(number, START + 9_000 * number, START + 9_000 * number + 4_000) for number in range(12)]
    return page(
        tracks=[track(NAME, logos=of_track), track("K562", logos=of_track, scale=0.001), track("liver", scale=500)],
        genes=genes,
        notice="demo model, trained on a made-up genome: its scores mean nothing biologically",
        logo_columns=columns,
        logo_legend="Importance of each base",
    )


def test_each_track_has_its_profile_its_difference_and_the_variant() -> None:
    figure = drawn(page(tracks=[track("K562"), track("liver")], genes=[]))
    assert len(figure.axes) == 5
    for axes in figure.axes:
        assert axes.get_xlim() == (SHOWN.start, SHOWN.end)
        (line,) = (line for line in axes.lines if line.get_color() == style.BLACK and len(line.get_xdata()) == 2)
        assert list(line.get_xdata()) == [VARIANT + 0.5] * 2
    profile, difference = figure.axes[:2]
    patches = [patch for patch in profile.patches if isinstance(patch, StepPatch)]
    assert [to_hex(patch.get_edgecolor()).upper() for patch in patches[1:]] == [style.GREY, style.VERMILION]
    shown = patches[2].get_data().values
    # Where ALT differs, and the bins beside it.
    assert np.flatnonzero(~np.isnan(shown)).tolist() == [446, 447, 448, 449, 450]
    content = track("K562")
    np.testing.assert_array_equal(shown[446:451], (content.reference + content.difference)[446:451])
    assert -0.05 * profile.get_ylim()[1] < profile.get_ylim()[0] < 0
    assert profile.get_ylim()[1] > content.reference.max()
    low, high = difference.get_ylim()
    assert low < -8 < 5 < high
    filled = [patch for patch in difference.patches if isinstance(patch, StepPatch) and patch.get_fill()]
    assert [to_hex(patch.get_facecolor()).upper() for patch in filled] == [style.GAIN, style.LOSS]
    assert [np.nansum(patch.get_data().values) for patch in filled] == [5, -11]


def test_only_the_lowest_axes_have_positions() -> None:
    for genes in (None, []):
        figure = drawn(page(genes=genes))
        figure.canvas.draw()
        labelled = [axes for axes in figure.axes if any(t.get_visible() for t in axes.get_xticklabels())]
        assert labelled == [figure.axes[-1]]
        assert figure.axes[-1].get_xlabel() == "chr7 (Mb)"
        assert [t.get_text() for t in figure.axes[-1].get_xticklabels()][:2] == ["5.50", "5.52"]


def test_a_span_leaves_out_other_bins_and_a_deletion_is_marked() -> None:
    shown = Interval("chr7", VARIANT - 5_000, VARIANT + 5_000)
    content = track("K562")
    content.reference[0] = 1e6  # far away
    figure = drawn(page(shown=shown, tracks=[content], variant=Interval("chr7", VARIANT, VARIANT + 300)))
    profile = figure.axes[0]
    assert profile.get_xlim() == (shown.start, shown.end)
    assert profile.get_ylim()[1] < 1e4
    (patch, *_) = (patch for patch in profile.patches if isinstance(patch, StepPatch))
    edges = patch.get_data().edges
    assert edges[0] <= shown.start < edges[1]
    assert edges[-2] < shown.end <= edges[-1]
    marked = [patch for patch in profile.patches if not isinstance(patch, StepPatch)]
    assert [(patch.get_x(), patch.get_width()) for patch in marked] == [(VARIANT, 300)]


def test_texts_name_everything() -> None:
    found = written(drawn(full_page()))
    assert "chr7:5557343 C>T (rs1)" in found
    assert "hg38.fa, model enformer, human head" in found
    assert "demo model, trained on a made-up genome: its scores mean nothing biologically" in " ".join(found)
    assert f"Predicted coverage per 128-bp bin, and below it ALT {MINUS} REF" in found
    assert {"REF", "ALT if different", "gain", "loss", "variant"} <= set(found)
    assert f"SADR {MINUS}0.25" in found
    assert "ENCK562 · DNASE" in found
    assert any(text.endswith("…") and NAME.startswith(text[:-1]) for text in found)
    assert {f"GENE{number}" for number in range(12)} <= set(found)
    assert "no gene of the annotation" in written(drawn(page(genes=[])))


@pytest.mark.parametrize("width_mm", [80.0, 180.0])
def test_no_text_is_cut_too_small_or_over_another(width_mm: float) -> None:
    figure = drawn(full_page(), width_mm)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width_mm)
    with style.page_style():
        everything = texts(figure)
        placed = list(zip(everything, boxes(figure, everything), strict=True))
    edge = figure.bbox
    for text, found in placed:
        assert text.get_fontsize() >= 6
        assert edge.x0 <= found.x0 < found.x1 <= edge.x1, text.get_text()
        assert edge.y0 <= found.y0 < found.y1 <= edge.y1, text.get_text()
    for (one, first), (other, second) in itertools.combinations(placed, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        down = min(first.y1, second.y1) - max(first.y0, second.y0)
        height = min(first.height, second.height)
        assert across <= 0 or down <= 0.25 * height, (one.get_text(), other.get_text())


@pytest.mark.parametrize("peak", [0.01, 0.9, 1.05, 3, 9.99, 10, 350])
@pytest.mark.parametrize("lowest", [0.0, -0.7, -30.0])
def test_every_scale_has_two_values(peak: float, lowest: float) -> None:
    axes = Figure().add_subplot()
    axes.set_ylim(lowest, peak)
    label_values(axes, 8.5, num=2, clear_mm=0.65)
    ticks = axes.get_yticks()
    assert 2 <= len(ticks) <= 6
    room = 0.65 / 8.5 * (peak - lowest) * 0.999
    assert lowest + room <= min(ticks) < max(ticks) <= peak - room


def test_an_allele_without_effect_can_be_drawn() -> None:
    content = track("K562")
    content.difference[:] = 0
    content.reference[:] = 0
    figure = drawn(page(tracks=[content]))
    assert figure.axes[0].get_ylim()[1] > 1
    assert figure.axes[1].get_ylim() == (-1, 1)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_equal_pages_give_equal_bytes(kind: str) -> None:
    def made() -> bytes:
        stream = io.BytesIO()
        with style.page_style(), figure_writer(stream, kind, title="chr1:5 A>C", creator="a program") as writer:
            writer.add(draw_page(page(genes=[], notice="a notice"), 85.0))
            if kind == "pdf":
                writer.add(draw_page(page(), 85.0))
        return stream.getvalue()

    found = made()
    assert found == made()
    if kind == "pdf":
        assert found.count(b"/Type /Page ") + found.count(b"/Type /Page\n") == 2
        assert b"/Subtype /Type0" in found  # TrueType, embedded
        assert b"/FontFile2" in found
        assert b"/Subtype /Type3" not in found
        assert b"CreationDate" not in found
    elif kind == "svg":
        assert b"<text" not in found
        assert b"<title>chr1:5 A&gt;C</title>" in found
        assert b"<dc:date>" not in found
    else:
        assert b"a program" in found
