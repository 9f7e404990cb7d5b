"""Texts that fit, numbers on axes, and colours that everybody can tell apart."""

import matplotlib as mpl
import pytest

from enformer_vep.plots import style
from enformer_vep.plots.axis_labels import PositionUnit, value_text


def test_a_text_is_cut_to_its_room() -> None:
    long = "cerebellum male adult (27 years) and male adult (35 years)"
    found = style.fitted(long, 30.0, style.SMALL)
    assert found.endswith("…")
    assert long.startswith(found[:-1])
    assert 25 < style.text_width_mm(found, style.SMALL) <= 30
    assert style.fitted("K562", 30.0, style.SMALL) == "K562"
    assert style.fitted(long, 0.1, style.SMALL) == ""
    assert style.text_width_mm(long, style.SMALL, is_bold=True) > style.text_width_mm(long, style.SMALL)


def test_words_are_put_into_lines_and_none_is_lost() -> None:
    words = [
        "demo",
        "model,",
        "trained",
        "on",
        "a",
        "made-up",
        "genome:",
        "its",
        "scores",
        "mean",
        "nothing",
        "biologically",
    ]
    lines = style.wrapped(words, 40.0, style.SMALL)
    assert len(lines) == 3
    assert " ".join(lines).split() == words
    assert all(style.text_width_mm(line, style.SMALL) <= 40 for line in lines)
    assert style.wrapped([], 40.0, style.SMALL) == []


def test_colours_are_those_of_okabe_and_ito() -> None:
    okabe_ito = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
    assert {*style.LETTER_COLOURS.values(), style.ALTERNATE, style.GAIN, style.LOSS} <= okabe_ito
    assert len(set(style.LETTER_COLOURS.values())) == 4
    assert style.GAIN != style.LOSS


def test_the_users_settings_of_matplotlib_neither_count_nor_change() -> None:
    with mpl.rc_context({"figure.facecolor": "black", "pdf.fonttype": 3}):
        with style.page_style():
            assert mpl.rcParams["figure.facecolor"] == "white"
            assert mpl.rcParams["pdf.fonttype"] == 42
        assert (mpl.rcParams["figure.facecolor"], mpl.rcParams["pdf.fonttype"]) == ("black", 3)


@pytest.mark.parametrize(
    ("start", "end", "spacing", "text"),
    [
        (5_500_000, 5_614_688, 20_000, "5.52 Mb"),
        (31_000, 145_000, 20_000, "5,520 kb"),
        (5_519_000, 5_522_000, 500, "5,520.0 kb"),
        (100, 700, 100, "5,520,000 bp"),
        (5_519_900, 5_520_100, 50, "5,520,000 bp"),
    ],
)
def test_positions_have_the_fewest_digits(start: int, end: int, spacing: int, text: str) -> None:
    unit = PositionUnit(start, end)
    assert f"{unit.text(5_520_000, spacing)} {unit.name}" == text


def test_neighbouring_ticks_read_differently() -> None:
    unit = PositionUnit(1_000_000, 1_004_000)
    assert [unit.text(position, 250) for position in (1_000_250, 1_000_500)] == ["1,000.25", "1,000.50"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (-16, "-16"),
        (1250, "1,250"),
        (0.00015, "1.5e-4"),
        (-2e-5, "-2e-5"),
        (12.345, "12.3"),
        (-0.0073, "-0.0073"),
        (350, "350"),
    ],
)
def test_values_are_short(value: float, text: str) -> None:
    assert value_text(value) == text.replace("-", style.MINUS)


def test_values_of_one_axis_are_written_alike() -> None:
    assert [value_text(value, largest=0.001) for value in (0, 0.0005, 0.001)] == ["0", "0.0005", "0.001"]
    assert [value_text(value, largest=4e-4) for value in (0, 2e-4, 4e-4)] == [
        "0",
        "2e-4".replace("-", style.MINUS),
        "4e-4".replace("-", style.MINUS),
    ]
