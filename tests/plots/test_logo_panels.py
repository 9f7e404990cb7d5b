"""Logos: letters as high as their scores, in columns that both alleles share."""

import numpy as np
import pytest
from logomaker import Glyph
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from enformer_vep.plots.content import Letters, LogoColumns, aligned
from enformer_vep.plots.logo_panels import common_limits, contiguous, draw_logo, heights
from enformer_vep.plots.page import draw_page
from enformer_vep.plots.style import page_style
from tests.plots.pages import VARIANT, logos, page, track


def glyphs(letters: Letters, columns: LogoColumns) -> list[PathPatch]:
    axes = Figure().add_subplot()
    with page_style():
        draw_logo(axes, letters, columns, common_limits([letters]))
    assert axes.get_xlim() == (-0.5, len(columns.positions) - 0.5)
    return [patch for patch in axes.patches if isinstance(patch, PathPatch)]


def test_letters_are_as_high_as_their_scores() -> None:
    letters, columns = contiguous(1000, "ACGTN", np.float32([1, -2, 0.5, 3, 9]))
    np.testing.assert_array_equal(
        heights(letters), [[1, 0, 0, 0], [0, -2, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 3], [0, 0, 0, 0]]
    )
    assert columns == LogoColumns((1000, 1001, 1002, 1003, 1004), range(0))
    low, high = common_limits([letters])
    assert -2.5 < low < -2
    assert 3 < high < 3.5
    boxes = [patch.get_path().get_extents() for patch in glyphs(letters, columns)]
    assert sorted((round(found.x0 + 0.5), round(found.height, 3)) for found in boxes) == [
        (0, 1.0),
        (1, 2.0),
        (2, 0.5),
        (3, 3.0),
    ]


def test_four_scores_in_a_place_are_stacked() -> None:
    letters, columns = contiguous(5, "AC", np.float32([[1, 2, 0, -1], [0, 0, 0, 4]]))
    assert len(glyphs(letters, columns)) == 4
    low, high = common_limits([letters])
    assert low == pytest.approx(-1 - 0.06 * 5)
    assert high == pytest.approx(4 + 0.06 * 5)


def test_limits_of_nothing_are_not_empty() -> None:
    low, high = common_limits([contiguous(5, "AC", np.zeros(2, np.float32))[0]])
    assert low == 0 < high


def test_lengths_must_fit() -> None:
    with pytest.raises(ValueError, match=r"expected scores \[2\] or \[2, 4\] and 2 columns, got \(3,\) and 2"):
        Letters("AC", np.zeros(3, np.float32), range(2))


@pytest.mark.parametrize(
    ("reference", "alternate", "changed", "inserted", "expected"),
    [
        ("AACTT", "AAGTT", (2, 3), (2, 3), ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [100, 101, 102, 103, 104])),
        ("AACCTT", "AATT", (2, 4), (2, 2), ([0, 1, 2, 3, 4, 5], [0, 1, 4, 5], [100, 101, 102, 103, 104, 105])),
        ("AATT", "AAGGTT", (2, 2), (2, 4), ([0, 1, 4, 5], [0, 1, 2, 3, 4, 5], [100, 101, None, None, 102, 103])),
        ("ACCT", "AGT", (1, 3), (1, 2), ([0, 1, 2, 3], [0, 1, 3], [100, 101, 102, 103])),
        ("AT", "AT", (1, 1), (1, 1), ([0, 1], [0, 1], [100, 101])),
    ],
    ids=["SNV", "deletion", "insertion", "delins", "same"],
)
def test_alleles_are_aligned_at_their_flanks(
    reference: str, alternate: str, changed: tuple[int, int], inserted: tuple[int, int], expected: tuple
) -> None:
    columns, of_reference, of_alternate = aligned(100, reference, alternate, changed, inserted)
    assert (of_reference, of_alternate, list(columns.positions)) == expected
    assert columns.changed.start == changed[0]
    assert len(columns.changed) == max(changed[1] - changed[0], inserted[1] - inserted[0])


def test_a_page_has_both_alleles_with_the_same_limits_and_round_positions() -> None:
    of_track, columns = logos()
    with page_style():
        figure = draw_page(page(tracks=[track(logos=of_track)], logo_columns=columns, logo_legend="What it is"), 85.0)
        figure.canvas.draw()
    reference, alternate = figure.axes[-2:]
    assert reference.get_ylim() == alternate.get_ylim()
    assert [t.get_text() for axes in (reference, alternate) for t in axes.texts] == ["REF", "ALT"]
    labels = [t.get_text() for t in alternate.get_xticklabels()]
    assert labels == [f"{position:,}" for position in range(VARIANT - 19, VARIANT + 22) if position % 10 == 0]
    assert alternate.get_xlabel() == "chr7 (bp)"
    letters = [patch for patch in reference.patches if isinstance(patch, PathPatch)]
    assert len(letters) == 41
    assert Glyph is not None
