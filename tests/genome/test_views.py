"""The views of SNVs and indels, in a window of eight 4-bp bins of which six are scored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.genome.edit import Edit
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.layout import ModelInput, Span, Splice
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.views import View, ViewSettings, alleles_from_left
from enformer_vep.genome.windows import IndelPolicy
from tests.genome.test_layout import genome_of

GEOMETRY = Geometry(sequence_length_bp=32, num_bins=6, bin_size_bp=4)
WINDOW = Interval("chr1", 20, 52)
GENOME = "".join(np.random.default_rng(3).choice(list("ACGT"), 72))
FETCH = genome_of(GENOME)


def edit_of(pos: int, ref: str, alt: str) -> Edit:
    edit = Edit.of(Variant("chr1", pos, ref, alt), "chr1", FETCH, 32)
    assert edit is not None
    return edit


def letters(view: View) -> tuple[str, str]:
    """Reference and alternate of a view, as letters."""
    assert isinstance(view.alternate, ModelInput)
    found = ["".join("ACGTN"[code] for code in x.codes(FETCH)) for x in (view.reference, view.alternate)]
    return found[0], found[1]


SNV = edit_of(37, GENOME[36], "A" if GENOME[36] != "A" else "C")
INSERTION = Edit("chr1", 36, 36, 36, b"\0\1\2\3\0", 36)
SHORT_DELETION = Edit("chr1", 37, 41, 37, b"", 41)
DELETION = Edit("chr1", 36, 41, 36, b"", 41)
DELINS = Edit("chr1", 36, 41, 36, b"\0\1", 41)


@pytest.mark.parametrize("policy", IndelPolicy)
def test_a_substitution_has_one_view_whatever_the_policy(policy: IndelPolicy) -> None:
    (view,) = ViewSettings(indels=policy).views(WINDOW, SNV, GEOMETRY)
    assert letters(view)[0] == GENOME[20:52]
    assert sum(x != y for x, y in zip(*letters(view), strict=True)) == 1
    assert (view.bin_weights == 1).all()
    assert not view.is_mirrored


def test_left_takes_more_of_the_genome_at_its_right_end() -> None:
    (view,) = ViewSettings(indels=IndelPolicy.LEFT).views(WINDOW, DELETION, GEOMETRY)
    assert letters(view) == (GENOME[20:52], GENOME[20:36] + GENOME[41:57])


def test_average_also_keeps_the_right_flank_in_place() -> None:
    left, right = ViewSettings(indels=IndelPolicy.AVERAGE).views(WINDOW, DELETION, GEOMETRY)
    assert letters(left) == (GENOME[20:52], GENOME[20:36] + GENOME[41:57])
    assert letters(right) == (GENOME[20:52], GENOME[15:36] + GENOME[41:52])
    assert (left.bin_weights == 0.5).all()
    assert (right.bin_weights == 0.5).all()


def test_stitch_compares_two_alternates_of_an_insertion() -> None:
    # The insertion is before base 36, that is 16 of the window. Its last base stands at 15 of the right-anchored
    # alternate, in tower bin 3: bins 0 to 2 and, with one bin cropped, scored bins 0 and 1 are the left one's.
    left, right = ViewSettings(indels=IndelPolicy.STITCH).views(WINDOW, INSERTION, GEOMETRY)
    assert letters(left) == (GENOME[20:52], GENOME[20:36] + "ACGTA" + GENOME[36:47])
    assert letters(right) == (GENOME[20:52], GENOME[25:36] + "ACGTA" + GENOME[36:52])
    assert left.bin_weights.tolist() == [1, 1, 0, 0, 0, 0]
    assert right.bin_weights.tolist() == [0, 0, 1, 1, 1, 1]


def test_stitch_compares_two_references_of_a_deletion() -> None:
    left, right = ViewSettings(indels=IndelPolicy.STITCH).views(WINDOW, DELETION, GEOMETRY)
    assert left.alternate == right.alternate
    assert letters(left) == (GENOME[20:52], GENOME[20:36] + GENOME[41:57])
    assert letters(right)[0] == GENOME[25:57]
    assert left.bin_weights.tolist() == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("edit", [INSERTION, DELETION, DELINS])
def test_stitched_bins_away_from_the_variant_compare_equal_sequence(edit: Edit) -> None:
    for view in ViewSettings(indels=IndelPolicy.STITCH).views(WINDOW, edit, GEOMETRY):
        reference, alternate = (np.frombuffer(x.encode(), dtype=np.uint8) for x in letters(view))
        differing = {i // 4 - 1 for i in np.flatnonzero(reference != alternate) if i // 4 - 1 in range(6)}
        counted = set(np.flatnonzero(view.bin_weights))
        assert differing & counted <= {2, 3}  # the bins of bases 15 to 20 of the window


def test_tower_splices_where_the_last_changed_base_of_the_genome_is() -> None:
    # Bases 17 to 20 of the window are deleted: the bin of 20 begins at 20.
    (view,) = ViewSettings(indels=IndelPolicy.TOWER).views(WINDOW, SHORT_DELETION, GEOMETRY)
    assert isinstance(view.alternate, Splice)
    assert view.alternate.at_bp == 20
    assert view.alternate.left == SHORT_DELETION.from_left(20, 32)
    assert view.alternate.right == SHORT_DELETION.from_right(52, 32)


def test_tower_stitches_what_is_longer_than_a_bin() -> None:
    for edit in (DELETION, INSERTION):  # of 5 bp, and bins have 4
        found, stitched = (
            ViewSettings(indels=policy).views(WINDOW, edit, GEOMETRY)
            for policy in (IndelPolicy.TOWER, IndelPolicy.STITCH)
        )
        assert [(x.reference, x.alternate) for x in found] == [(x.reference, x.alternate) for x in stitched]


def test_a_positive_shift_moves_the_sequence_to_the_right() -> None:
    # Real sequence comes in at the left end.
    (view,) = ViewSettings(shifts=(3,)).views(WINDOW, SNV, GEOMETRY)
    assert view.reference == ModelInput((Span("chr1", 17, 49),))


@given(
    st.sampled_from(IndelPolicy),
    st.sampled_from([None, SNV, INSERTION, DELETION, SHORT_DELETION, DELINS]),
    st.booleans(),
)
def test_every_bin_has_a_weight_of_1_in_all(policy: IndelPolicy, edit: Edit | None, is_both: bool) -> None:
    settings = ViewSettings(is_both, (-1, 0, 2), policy)
    views = settings.views(WINDOW, edit, GEOMETRY)
    assert np.allclose(sum(view.bin_weights for view in views), 1, atol=1e-6)
    assert sum(view.is_mirrored for view in views) == (len(views) // 2 if is_both else 0)
    assert all(view.reference.length_bp == view.alternate.length_bp == 32 for view in views)


@pytest.mark.parametrize("policy", IndelPolicy)
@pytest.mark.parametrize("edit", [SNV, INSERTION, DELETION, SHORT_DELETION, DELINS])
def test_both_strands_see_the_same(policy: IndelPolicy, edit: Edit) -> None:
    views = ViewSettings(True, (0, 1), policy).views(WINDOW, edit, GEOMETRY)
    for forward, mirrored in zip(views[::2], views[1::2], strict=True):
        assert mirrored.is_mirrored
        assert mirrored.reference == forward.reference.reverse_complement()
        assert mirrored.alternate == forward.alternate.reverse_complement()
        assert mirrored.bin_weights.tolist() == forward.bin_weights.tolist()  # after turning back


def test_offsets_are_those_of_every_view() -> None:
    # A base at 15 may be moved to 13 or 18; on the other strand, 13 is 32 - 1 - 13 = 18 and 18 is 13.
    assert ViewSettings(shifts=(-2, 0, 3)).offsets(range(15, 16), 32) == range(13, 19)
    assert ViewSettings(True, (0,)).offsets(range(10, 12), 32) == range(10, 22)


@pytest.mark.parametrize(("shifts", "words"), [((), "once each"), ((1, 1), "once each"), ((0, -9), "at most 8 bp")])
def test_impossible_shifts_are_refused(shifts: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ViewSettings(shifts=shifts).check(GEOMETRY)


@pytest.mark.parametrize("edit", [SNV, INSERTION, DELETION, DELINS])
def test_alleles_from_left_are_those_of_the_policy_left(edit: Edit) -> None:
    (view,) = ViewSettings(indels=IndelPolicy.LEFT).views(WINDOW, edit, GEOMETRY)
    assert alleles_from_left(WINDOW, edit) == (view.reference, view.alternate)


def test_without_a_change_both_alleles_are_the_genomes() -> None:
    assert alleles_from_left(WINDOW, None) == (ModelInput.of(WINDOW), ModelInput.of(WINDOW))
