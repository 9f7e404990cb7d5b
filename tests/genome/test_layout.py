"""Pieces of a sequence: cutting, joining, and the other strand."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.genome.codes import N_CODE, Codes, encode, reverse_complement
from enformer_vep.genome.layout import Bases, ModelInput, Span, Splice
from enformer_vep.genome.variant import Interval


def genome_of(letters: str) -> Callable[[Interval], Codes]:
    """Reads a genome of one contig; N beyond its ends."""
    codes = encode(letters)

    def fetch(interval: Interval) -> Codes:
        found = np.full(interval.length, N_CODE, dtype=np.uint8)
        start, end = max(interval.start, 0), min(interval.end, len(codes))
        if start < end:
            found[start - interval.start : end - interval.start] = codes[start:end]
        return found

    return fetch


FETCH = genome_of("ACGTTGCAAC")

spans = st.builds(
    lambda start, length, strand: Span("chr1", start, start + length, strand),
    st.integers(-5, 12),
    st.integers(0, 8),
    st.sampled_from("+-"),
)
bases = st.builds(Bases, st.lists(st.integers(0, 4), max_size=4).map(bytes))
inputs = st.builds(ModelInput, st.lists(spans | bases, max_size=5).map(tuple))


def test_a_span_of_the_reverse_strand_is_read_backwards() -> None:
    # Bases 2 to 5 of ACGTTGCAAC are GTT; read on the other strand AAC.
    assert Span("chr1", 2, 5, "-").codes(FETCH).tolist() == encode("AAC").tolist()


def test_beyond_its_contig_a_span_is_n() -> None:
    assert Span("chr1", 8, 12).codes(FETCH).tolist() == encode("ACNN").tolist()


def test_pieces_that_continue_each_other_are_one() -> None:
    pieces = (Span("chr1", 0, 3), Bases(b""), Span("chr1", 3, 5), Bases(b"\0"), Bases(b"\1"))
    assert ModelInput(pieces).pieces == (Span("chr1", 0, 5), Bases(b"\0\1"))
    assert ModelInput((Span("chr1", 3, 5, "-"), Span("chr1", 0, 3, "-"))).pieces == (Span("chr1", 0, 5, "-"),)
    assert len(ModelInput((Span("chr1", 0, 3), Span("chr1", 3, 5, "-"))).pieces) == 2


@given(inputs)
def test_the_reverse_complement_of_the_reverse_complement_is_the_input(layout: ModelInput) -> None:
    mirrored = layout.reverse_complement()
    assert mirrored.reverse_complement() == layout
    assert mirrored.codes(FETCH).tolist() == reverse_complement(layout.codes(FETCH)).tolist()
    assert mirrored.length_bp == layout.length_bp == len(layout.codes(FETCH))


@given(inputs, st.data())
def test_a_cut_has_the_letters_of_its_place(layout: ModelInput, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, layout.length_bp))
    stop = data.draw(st.integers(first, layout.length_bp))
    assert layout.cut(first, stop).codes(FETCH).tolist() == layout.codes(FETCH)[first:stop].tolist()
    assert layout.codes(FETCH, first, stop).tolist() == layout.codes(FETCH)[first:stop].tolist()


def test_a_splice_is_mirrored_side_by_side() -> None:
    left, right = ModelInput((Span("chr1", 0, 8),)), ModelInput((Span("chr1", 1, 9),))
    mirrored = Splice(left, right, 6).reverse_complement()
    assert mirrored == Splice(right.reverse_complement(), left.reverse_complement(), 2)


def test_a_splice_lies_within_its_inputs() -> None:
    left, right = ModelInput((Span("chr1", 0, 8),)), ModelInput((Span("chr1", 1, 8),))
    with pytest.raises(ValueError, match="one length"):
        Splice(left, right, 4)
    with pytest.raises(ValueError, match="within"):
        Splice(left, left, 9)


def test_a_span_must_not_end_before_its_start() -> None:
    with pytest.raises(ValueError, match="at or after"):
        Span("chr1", 5, 4)
