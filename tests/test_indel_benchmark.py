"""The random indels of benchmarks/indels.py do what they are said to do, and the rules judge them rightly."""

import numpy as np
import pytest

from benchmarks.indel_truth import (
    LENGTH_CLASSES,
    MARGIN_BP,
    POLICIES,
    STATISTICS,
    Indel,
    draw_indels,
    ruled_counts,
    true_change,
)
from benchmarks.indels import auroc, measure
from enformer_vep.demo.files import letters
from enformer_vep.demo.motifs import FACTOR_BY_NAME, FACTORS
from enformer_vep.demo.world import HELD_OUT_CONTIGS, TRACKS, Contig, chip_track, held_out_contig
from enformer_vep.genome.codes import N_CODE, encode
from enformer_vep.genome.geometry import Geometry

NUM_OF_KIND = {"break": 24, "beside": 12, "random": 12}
GEOMETRY = Geometry()
CTCF = TRACKS.index("DEMO:CHIP:CTCF")
CTCF_SITE = encode("CCAGTAGGGGGCGC")


@pytest.fixture(scope="module")
def contigs() -> list[Contig]:
    return [held_out_contig(name) for name in HELD_OUT_CONTIGS]


@pytest.fixture(scope="module")
def indels(contigs: list[Contig]) -> list[Indel]:
    return draw_indels(contigs, NUM_OF_KIND, seed=5)


def test_as_many_as_asked_of_every_kind_and_length(indels: list[Indel]) -> None:
    for kind, num in NUM_OF_KIND.items():
        classes = [indel.length_class for indel in indels if indel.kind == kind]
        assert {one: classes.count(one) for one in LENGTH_CLASSES} == dict.fromkeys(LENGTH_CLASSES, num // 4)


def test_a_seed_gives_the_same_indels(contigs: list[Contig], indels: list[Indel]) -> None:
    again, other = draw_indels(contigs, NUM_OF_KIND, seed=5), draw_indels(contigs, NUM_OF_KIND, seed=6)
    records = [indel.record("") for indel in indels]
    assert [indel.record("") for indel in again] == records
    assert [indel.record("") for indel in other] != records


def test_records_are_in_order_and_agree_with_the_genome(indels: list[Indel]) -> None:
    places = [(list(HELD_OUT_CONTIGS).index(indel.contig.name), indel.first_ref) for indel in indels]
    assert places == sorted(set(places))
    for indel in indels:
        record, sequence = indel.record("name"), letters(indel.contig.codes)
        start = record.pos - 1
        assert sequence[start : start + len(record.ref)] == record.ref
        assert len(record.alt) - len(record.ref) == indel.shift_bp
        written = sequence[start - 50 : start] + record.alt + sequence[start + len(record.ref) : indel.end + 50]
        assert encode(written).tolist() == indel.alternate(start - 50, indel.end + 50).tolist()
        assert MARGIN_BP - 1_000 < start < len(sequence) - MARGIN_BP


def test_insertions_and_deletions_are_left_aligned(indels: list[Indel]) -> None:
    records = [indel.record("") for indel in indels if not (indel.num_replaced and indel.letters)]
    assert records
    assert [record for record in records if record.ref[-1] == record.alt[-1]] == []
    assert {min(len(record.ref), len(record.alt)) for record in records} == {1}


def test_sites_of_the_sequence_that_each_indel_makes(indels: list[Indel]) -> None:
    for indel in indels:
        start, end = indel.start - 2_000, indel.end + 2_000
        sequences = (indel.contig.codes[start:end], indel.alternate(start, end))
        gains = {factor.name: np.diff([len(factor.sites(codes)) for codes in sequences])[0] for factor in FACTORS}
        is_broken = {factor.name: indel.kind == "break" and factor.name == indel.factor for factor in FACTORS}
        assert gains == {name: -1 if broken else 0 for name, broken in is_broken.items()}


def test_a_broken_site_costs_its_counts_and_nothing_else_costs_any(indels: list[Indel]) -> None:
    for kind in NUM_OF_KIND:
        for indel in [one for one in indels if one.kind == kind][:3]:
            # A site has 30 counts in its own track and 10 in that of open chromatin.
            expected = np.zeros(len(FACTORS) + 1)
            if kind == "break":
                expected[[TRACKS.index(chip_track(indel.factor)), -1]] = -30, -10
            assert true_change(indel, GEOMETRY)[: len(expected)] == pytest.approx(expected, abs=1e-6)


def change(num_replaced: int, new: str) -> Indel:
    """An indel in a contig without any base but two CTCF sites, 5 kb left and right of it."""
    codes = np.full(400_000, N_CODE, dtype=np.uint8)
    for start in (195_000, 205_000):
        codes[start : start + len(CTCF_SITE)] = CTCF_SITE
    assert FACTOR_BY_NAME["CTCF"].sites(codes).tolist() == [195_000, 205_000]
    return Indel(Contig("two_sites", codes), 200_000, num_replaced, new, "random", "")


@pytest.mark.parametrize(("num_replaced", "new"), [(0, "ACGTACG"), (7, ""), (2, "TTTTT"), (30, "TT")])
def test_only_where_both_flanks_keep_their_phase_nothing_differs(num_replaced: int, new: str) -> None:
    indel = change(num_replaced, new)
    compared = ruled_counts(indel, GEOMETRY)
    assert list(compared) == list(POLICIES)
    sads = {policy: STATISTICS["SAD"](*counts)[CTCF] for policy, counts in compared.items()}
    assert sads == pytest.approx(dict.fromkeys(POLICIES, 0), abs=1e-9)
    d2s = {policy: STATISTICS["D2"](*counts)[CTCF] for policy, counts in compared.items()}
    # A peak of 0.1 counts per bp moves against the bins: the right site's if the left flank keeps its place, and the
    # left site's if the right one does. So much changes at least where it begins or where it ends.
    assert d2s["left"] >= 0.1 * abs(indel.shift_bp)
    assert d2s["average"] >= 0.05 * abs(indel.shift_bp)
    assert d2s["stitch"] == pytest.approx(0, abs=1e-9)
    assert d2s["tower"] == pytest.approx(0, abs=1e-9)


def test_auroc() -> None:
    # 2 against 1 and 2 counts 1 and 1/2, 3 counts 1 and 1.
    assert auroc(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == 3.5 / 4


def test_errors_are_in_units_of_a_broken_site() -> None:
    truth = np.array([[-30.0, 0.0], [0.0, -30.0], [0.0, 0.0]])
    scores = np.array([[-27.0, 3.0], [0.0, -33.0], [6.0, 0.0]])
    found = measure(scores, truth, truth < 0, np.ones(3, dtype=bool))
    assert (found["unit"], found["num_broken"], found["num_harmless"]) == (30, 2, 1)
    # Broken: 3 and -3 of 30. Harmless: 6 and 0 of 30.
    assert found["broken_rms"] == pytest.approx(0.1)
    assert found["broken_mean"] == pytest.approx(1.0)
    assert found["harmless_rms"] == pytest.approx(0.2 / np.sqrt(2))
    assert found["harmless_95"] == pytest.approx(0.2)
    assert found["auroc"] == 1
