import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.genome.codes import one_hot
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.layout import ModelInput, Span, Splice
from enformer_vep.inference.receptive_field import ReceptiveField, Stretch, changed_bins, stretches
from enformer_vep.model.config import OFFICIAL_CONFIG, EnformerConfig
from enformer_vep.model.enformer import Enformer
from tests.support import TINY_CONFIG, reference_model

OFFICIAL = ReceptiveField.of(OFFICIAL_CONFIG)
TINY = ReceptiveField.of(TINY_CONFIG)

NARROW_CONFIG = EnformerConfig(
    channels=24,
    num_transformer_layers=0,
    num_heads=2,
    heads={"human": 2},
    sequence_length_bp=32 * 12,
    num_bins=8,
    width_multiple=4,
    stem_width=3,
    tower_width=3,
    num_tower_blocks=4,
)
"""Other kernels: narrower ones, and one block less."""


@pytest.fixture(scope="module", params=[TINY_CONFIG, NARROW_CONFIG], ids=["tiny", "narrow"])
def model(request: pytest.FixtureRequest) -> Enformer:
    return reference_model(request.param)


def test_the_official_reach() -> None:
    # Backwards through six convolutions of width 5, each before its pooling: 2, 6, 14, 30, 62, 126; and the stem's of
    # width 15: 2 * 126 + 7.
    assert OFFICIAL.context_bp == 259
    assert OFFICIAL.edge_bins == 3
    assert OFFICIAL.max_bins_of_base == 6
    assert OFFICIAL.length_bp(6) == 6 * 128 + 2 * 259
    assert OFFICIAL.bases_of(0, 1) == (-259, 387)


def test_a_centred_snv_reaches_six_bins() -> None:
    assert OFFICIAL.bins_reached(98_303, 98_304) == range(765, 771)


def test_most_bases_of_a_bin_reach_five() -> None:
    numbers = [len(OFFICIAL.bins_reached(base, base + 1)) for base in range(128 * 700, 128 * 701)]
    assert set(numbers) == {5, 6}
    assert numbers.count(5) > numbers.count(6)


def test_a_junction_reaches_the_bins_that_hold_bases_of_both_its_sides() -> None:
    for place in range(128 * 700, 128 * 702):
        both = set(OFFICIAL.bins_reached(place - 1, place)) & set(OFFICIAL.bins_reached(place, place + 1))
        assert set(OFFICIAL.bins_reached(place, place)) == both


def test_bins_are_those_of_the_window() -> None:
    assert OFFICIAL.bins_reached(0, 1) == range(3)
    assert OFFICIAL.bins_reached(196_607, 196_608) == range(1533, 1536)
    assert list(OFFICIAL.bins_reached(-5000, -4000)) == []
    assert list(OFFICIAL.bins_reached(200_000, 200_001)) == []


def test_one_base_changes_the_bins_it_reaches_and_no_other(model: Enformer) -> None:
    """Against the model itself: every bin that a base reaches changes, and the others keep their bits."""
    field = ReceptiveField.of(model.config)
    rng = np.random.default_rng(5)
    length = model.config.sequence_length_bp
    codes = rng.integers(0, 4, length, dtype=np.uint8)
    places = rng.choice(length, 60, replace=False)
    changed = np.repeat(codes[np.newaxis], len(places) + 1, axis=0)
    for row, place in enumerate(places, 1):
        changed[row, place] = (codes[place] + 1) % 4
    towers = model.conv_tower(one_hot(changed)).numpy()
    for row, place in enumerate(places, 1):
        differs = np.flatnonzero((towers[row] != towers[0]).any(axis=1))
        assert set(differs) <= set(field.bins_reached(place, place + 1))
        # The farthest base of a bin's context may count for nothing in so few channels: all but the outermost bins.
        assert set(differs) >= set(list(field.bins_reached(place, place + 1))[1:-1])


@given(data=st.data(), shift=st.integers(-600, 600))
@settings(max_examples=300, deadline=None)
def test_a_change_recomputes_what_sees_it_and_no_more(data: st.DataObject, shift: int) -> None:
    """Against the bins that letters ask for: those that see a change, or an edge of the window on another grid."""
    length = TINY.num_bins * TINY.bin_size_bp
    start = data.draw(st.integers(0, length - 1))
    num_ref_bp = data.draw(st.integers(max(0, -shift), 700))
    edit = Edit("1", start, start + num_ref_bp, start, b"\4" * (num_ref_bp + shift), start + num_ref_bp)
    reference, alternate = ModelInput((Span("1", 0, length),)), edit.from_left(0, length)
    reached = TINY.bins_reached(start, max(start, start + num_ref_bp + shift))
    changed = [number for bins in changed_bins(reference, alternate, TINY) for number in bins]
    if not num_ref_bp and not shift:
        assert changed == []
        return
    first = reached.start
    assert changed == list(range(first, TINY.num_bins) if shift else reached)
    known = {number for stretch in stretches(alternate, TINY) for number in stretch.bins}
    assert set(range(TINY.num_bins)) - known <= set(reached)  # none, if what is left of it is one span


def test_bins_of_the_genome_are_told_by_strand_and_origin() -> None:
    length = TINY.num_bins * TINY.bin_size_bp
    forward = ModelInput((Span("1", 1000, 1000 + length),))
    assert stretches(forward, TINY) == [Stretch(range(TINY.num_bins), "1", "+", 1000)]
    mirrored = forward.reverse_complement()
    assert stretches(mirrored, TINY) == [Stretch(range(TINY.num_bins), "1", "-", -1000 - length)]
    assert changed_bins(forward, mirrored, TINY) == [range(TINY.num_bins)]
    assert changed_bins(forward, forward, TINY) == []


def test_a_splice_changes_the_bins_near_it_alone() -> None:
    """A deletion of 5 bases at 1500: bins see 259 bp to both sides of their 128, so those that see 1500 to 1504."""
    length = TINY.num_bins * TINY.bin_size_bp
    edit = Edit("1", 1500, 1505, 1500, b"", 1505)
    splice = Splice(edit.from_left(0, length), edit.from_right(length, length), 1504 - 1504 % 128)
    reference = ModelInput((Span("1", 0, length),))
    # Left of bin 11: those whose reach ends beyond 1500; from 11 on: those whose reach begins before 1505.
    assert changed_bins(reference, splice, TINY) == [range(9, 14)]
