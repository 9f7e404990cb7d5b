"""What a variant changes, against sequences that are written letter by letter."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.genome.codes import Codes, encode
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.layout import Bases, FetchCodes, Span
from enformer_vep.genome.variant import Interval, Variant
from tests.genome.test_layout import genome_of

CONTIG_BP = 60
WINDOW_BP = 24


def edit_of(genome: str, pos: int, ref: str, alt: str) -> Edit | None:
    return Edit.of(Variant("chr1", pos, ref, alt), "chr1", genome_of(genome), CONTIG_BP)


def spelled(genome: str, variant: Variant) -> str:
    """The whole contig with ALT in place of REF, and much N around it."""
    n = "N" * 2 * CONTIG_BP
    return n + genome[: variant.start] + variant.alt + genome[variant.end :] + n


class Changed(NamedTuple):
    """A genome, an allele in it, and what it changes."""

    genome: str
    variant: Variant
    fetch: FetchCodes
    edit: Edit | None


@st.composite
def changed_genomes(draw: st.DrawFn) -> Changed:
    """A genome with repeats and N, and an allele of any kind in it."""
    genome = draw(st.text(draw(st.sampled_from(["ACGT", "AC", "A", "ACN"])), min_size=CONTIG_BP, max_size=CONTIG_BP))
    start = draw(st.integers(0, CONTIG_BP - 1))
    end = draw(st.integers(start + 1, min(start + 9, CONTIG_BP)))
    variant = Variant("chr1", start + 1, genome[start:end], draw(st.text("ACGT", min_size=1, max_size=9)))
    fetch = genome_of(genome)
    return Changed(genome, variant, fetch, Edit.of(variant, "chr1", fetch, CONTIG_BP))


def test_what_ref_and_alt_have_in_common_is_the_genomes() -> None:
    # GATC>GTC of ACGATCG...: only the A at 3 goes.
    edit = edit_of("ACGATCGTTT", 3, "GATC", "GTC")
    assert edit == Edit("chr1", 3, 4, 3, b"", 4)


def test_an_insertion_into_a_repeat_repeats_the_genome() -> None:
    # In GCAAAT, CA>CAA is a fourth A: the genome up to the end of the A's, then from the last A on.
    edit = edit_of("GCAAAT", 2, "CA", "CAA")
    assert edit is not None
    assert (edit.start, edit.end) == (3, 3)  # where the VCF has it, without the letters in common
    assert edit.from_left(0, 7).pieces == (Span("chr1", 0, 5), Span("chr1", 4, 6))


def test_a_deletion_in_a_repeat_is_moved_to_its_end() -> None:
    edit = edit_of("GCAAAT", 2, "CA", "C")
    assert edit is not None
    assert edit.from_left(0, 5).pieces == (Span("chr1", 0, 4), Span("chr1", 5, 6))


def test_new_bases_stand_between_spans() -> None:
    edit = edit_of("ACGTACGT", 4, "T", "GG")
    assert edit is not None
    assert edit.from_left(0, 9).pieces == (Span("chr1", 0, 3), Bases(b"\2\2"), Span("chr1", 4, 8))


def test_an_allele_that_is_the_genomes_changes_nothing() -> None:
    assert edit_of("ACGT", 2, "C", "C") is None


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        # the window is 8 bp of ACGTACGTAC, REF begins at offset 3
        ("T", "G", "ACGGACGT"),  # SNV
        ("TA", "GG", "ACGGGCGT"),  # MNV
        ("T", "TCC", "ACGTCCAC"),  # insertion: the right end loses GT
        ("TAC", "T", "ACGTGTAC"),  # deletion: two more bases of reference at the right end
        ("TA", "C", "ACGCCGTA"),  # delins
        ("T", "CCCCCCCCC", "ACGCCCCC"),  # an insertion that reaches beyond the window
    ],
)
def test_the_official_window_of_every_kind(ref: str, alt: str, expected: str) -> None:
    edit = edit_of("ACGTACGTAC", 4, ref, alt)
    assert edit is not None
    assert edit.from_left(0, 8).codes(genome_of("ACGTACGTAC")).tolist() == encode(expected).tolist()


@given(changed_genomes(), st.integers(0, 30))
@settings(max_examples=500)
def test_windows_are_spelled_as_the_variant_says(changed: Changed, before_bp: int) -> None:
    genome, variant, fetch, edit = changed
    alternate = encode(spelled(genome, variant))
    reference = fetch(Interval("chr1", -2 * CONTIG_BP, 3 * CONTIG_BP))
    start = variant.start - before_bp
    if edit is None:
        assert alternate.tolist() == reference.tolist()
        return
    assert edit.shift_bp == len(variant.alt) - len(variant.ref)
    from_left = edit.from_left(start, WINDOW_BP)
    first = start + 2 * CONTIG_BP
    assert from_left.codes(fetch).tolist() == alternate[first : first + WINDOW_BP].tolist()
    end = variant.end + before_bp
    from_right = edit.from_right(end, WINDOW_BP)
    stop = end + 2 * CONTIG_BP + edit.shift_bp
    assert from_right.codes(fetch).tolist() == alternate[stop - WINDOW_BP : stop].tolist()


@given(changed_genomes(), st.integers(0, 20))
@settings(max_examples=500)
def test_the_genomes_part_is_as_long_as_letters_agree(changed: Changed, before_bp: int) -> None:
    _, variant, fetch, edit = changed
    if edit is None or before_bp + max(len(variant.ref), len(variant.alt)) > WINDOW_BP:
        return
    start = variant.start - before_bp
    reference = fetch(Interval("chr1", start, start + WINDOW_BP))
    alternate = edit.from_left(start, WINDOW_BP).codes(fetch)
    change = change_by_letters(reference, alternate, variant, before_bp)
    if change is None:
        return
    first_bp, end_bp = change
    assert edit.left_end - start == first_bp
    # The right flank begins where the alternate is the genome again, or as soon as the left one ends.
    assert min(edit.left_end - start + len(edit.letters), WINDOW_BP) <= max(first_bp, end_bp)


def change_by_letters(reference: Codes, alternate: Codes, variant: Variant, offset_bp: int) -> tuple[int, int] | None:
    """Finds by comparing letters where two windows begin to differ, and where they are the same again, but moved."""
    differing = np.flatnonzero(reference != alternate)
    if not len(differing):
        return None
    first = int(differing[0])
    shift = len(variant.alt) - len(variant.ref)
    if not shift:
        return first, int(differing[-1]) + 1
    end = offset_bp + len(variant.alt)
    while end > max(first, shift) and reference[end - 1 - shift] == alternate[end - 1]:
        end -= 1
    return first, max(first, end)


@given(changed_genomes())
def test_what_is_put_in_ends_where_the_genome_goes_on(changed: Changed) -> None:
    edit = changed.edit
    if edit is None:
        return
    put_in = edit.from_left(edit.start, edit.alternate_end - edit.start).codes(changed.fetch)
    letters = "".join("ACGTN"[code] for code in put_in)
    genome, variant = changed.genome, changed.variant
    assert genome[: edit.start] + letters + genome[edit.end :] == (
        genome[: variant.start] + variant.alt + genome[variant.end :]
    )
