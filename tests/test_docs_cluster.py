"""docs/cluster.md: its costs follow from what docs/performance.md has measured."""

import re
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
NUM_VARIANTS = 10_000_000

WORKLOADS = {"any": "each", "isolated": "isolated", "30 bp apart": "dense", "saturation of regions": "saturation"}
"""The variants of docs/cluster.md, as docs/performance.md calls them."""


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its header."""
    lines = (DOCS / page).read_text().partition(f"## {heading}\n")[2].splitlines()
    table = takewhile(is_row, dropwhile(lambda line: not is_row(line), lines))
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in list(table)[2:]]


def is_row(line: str) -> bool:
    return line.startswith("|")


COSTS = rows("cluster.md", "What 10 million variants cost")
MEASURED = {
    (workload, window, precision): seconds
    for workload, window, precision, seconds, *_ in rows("performance.md", "Measured")
}


@pytest.mark.parametrize("row", COSTS, ids=[" ".join(row[:3]) for row in COSTS])
def test_hours_follow_from_seconds(row: list[str]) -> None:
    seconds, hours, core_hours = (float(re.sub(r"[^0-9.]", "", cell)) for cell in row[3:])
    assert hours == round(NUM_VARIANTS * seconds / 3600)
    assert core_hours == round(2 * NUM_VARIANTS * seconds / 3600)


@pytest.mark.parametrize("row", [row for row in COSTS if row[1] in WORKLOADS], ids=lambda row: " ".join(row[:3]))
def test_seconds_are_the_measured_ones(row: list[str]) -> None:
    window, variants, precision, seconds, *_ = row
    if window == "any, full engine":
        window, precision = "any", "full engine, float32"
    assert MEASURED[WORKLOADS[variants], window, precision] == seconds
