import numpy as np
import pytest

from enformer_vep.genome.variant import Variant
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.parts import Part
from enformer_vep.run.score.summary import StrongestEffects, effect_lines
from tests.support import named_tracks

TRACKS = named_tracks({"A": "CAGE:K562 cells", "B": "CHIP:CTCF:liver", "C": ""})


def part(first: int, scores: list[list[float]]) -> Part:
    alleles = [VcfAllele(Variant("chr7", 100 + first + i, "C", "T"), first + i, 1) for i in range(len(scores))]
    return Part(alleles, np.array(scores, np.float32), [])


def strongest(statistics: tuple[str, ...], *parts: Part) -> StrongestEffects:
    found = StrongestEffects(TableSettings(statistics, TRACKS))
    for each in parts:
        found.add(each)
    return found


def test_the_largest_of_all_parts_come_first_and_equals_in_the_order_of_the_file() -> None:
    first = part(0, [[0.1, 0, 0], [0, -3, 0], [2, 0, 0], [0, 0, 0]])
    second = part(4, [[0, 0, -2], [0, 9, 8], [1, 0, 0], [0.2, 0, 0]])
    empty = Part([], np.empty((0, 3), np.float32), [])
    found = strongest(("SAD",), empty, first, second).largest()
    assert [(e.allele.record, round(e.score, 3), e.group, e.track) for e in found] == [
        (5, 9, "CHIP:TF", "CTCF:liver"),
        (1, -3, "CHIP:TF", "CTCF:liver"),
        (2, 2, "CAGE", "K562 cells"),
        (4, -2, "OTHER", "C"),
        (6, 1, "CAGE", "K562 cells"),
    ]


def test_what_changes_nothing_is_left_out() -> None:
    assert strongest(("SAD",), part(0, [[0, 0, 0]])).largest() == ()
    assert effect_lines([], 80) == []


@pytest.mark.parametrize(
    ("statistics", "chosen", "text"),
    [
        (("SAD", "SADR"), 1, "↓ \N{MINUS SIGN}0.412 log2"),
        (("SADR", "SAR"), 0, "↑ +7 log2"),
        (("SAD", "SAR"), 1, "↓ SAR \N{MINUS SIGN}0.412"),
        (("D2", "SAD"), 0, "↑ D2 +7"),
    ],
)
def test_ratios_are_shown_rather_than_changes_in_counts(statistics: tuple[str, ...], chosen: int, text: str) -> None:
    effect = strongest(statistics, part(0, [[7, 0, 0, -0.4123, 0.1, 0]])).largest()[0]
    assert effect.statistic == statistics[chosen]
    assert effect_lines([effect], 100) == [f"chr7:100  C>T  CAGE  {text}  K562 cells"]


def test_lines_are_aligned_and_fit_the_screen() -> None:
    effects = strongest(("SADR",), part(0, [[1, 0, 0], [0, -20, 0]])).largest()
    long = VcfAllele(Variant("chr11", 123456789, "A" * 30, "G"), 7, 1)
    lines = effect_lines([effects[0], type(effects[1])(long, "SADR", 1, "CAGE", "brain " * 30)], 60)
    assert [len(line) for line in lines][1] == 60
    assert lines[1].startswith("chr11:123456789  AAAAAAAAA…>G  CAGE     ↑ +1 log2 ")
    assert lines[0].startswith("chr7:101         C>T           CHIP:TF  ↓ \N{MINUS SIGN}20 log2")
    assert lines[1].endswith("…")
