"""The list of changes and the conventions of their means, by hand."""

import numpy as np
import pytest

from enformer_vep.genome.saturation import Change, SaturatedBases, centred, importance
from enformer_vep.genome.variant import Interval


def bases(sequence: str, max_deletion_bp: int = 0, start: int = 100) -> SaturatedBases:
    """One span; the sequence has one base more to either side."""
    span = Interval("chr1", start, start + len(sequence) - 2)
    return SaturatedBases({"chr1": 1000}, (span,), (span,), (sequence,), max_deletion_bp)


def test_substitutions_and_deletions_at_each_base() -> None:
    assert list(bases("TACG", 2).changes()) == [
        Change("chr1", 101, "A", ("C", "G", "T"), 0, 0),
        Change("chr1", 100, "TA", ("T",), 0, 1),
        Change("chr1", 100, "TAC", ("T",), 0, 2),
        Change("chr1", 102, "C", ("A", "G", "T"), 1, 0),
        Change("chr1", 101, "AC", ("A",), 1, 1),
    ]


def test_deletions_beside_n_stand_with_the_base_behind_or_are_left_out() -> None:
    beside = bases("NANCN", 2)  # A and C, with N before, between and behind
    assert [change for change in beside.changes() if change.deleted_bp] == []
    assert (beside.num_substitutions, beside.num_deletions, beside.num_deletions_left_out) == (6, 0, 5)
    first = bases("NACG", 2, start=0)  # the contig's first bases
    assert [change for change in first.changes() if change.deleted_bp] == [
        Change("chr1", 1, "AC", ("C",), 0, 1),
        Change("chr1", 1, "ACG", ("G",), 0, 2),
        Change("chr1", 1, "AC", ("A",), 1, 1),
    ]
    assert first.num_deletions_left_out == 0


def test_bases_are_described_whole() -> None:
    spans = (Interval("a", 5, 8), Interval("b", 0, 2))
    regions = (Interval("b", 0, 2), Interval("a", 6, 8), Interval("a", 5, 7))
    made = SaturatedBases({"a": 9, "b": 2}, regions, spans, ("AANTC", "NGGN"), 3)
    assert SaturatedBases.from_json_values(made.to_json_values()) == made
    assert made.codes.tolist() == [0, 4, 3, 2, 2]
    assert made.positions.tolist() == [6, 7, 8, 1, 2]
    assert made.contig_names == ["a", "a", "a", "b", "b"]
    assert [made.places(region) for region in regions] == [slice(3, 5), slice(1, 3), slice(0, 2)]
    assert (made.num_bases, made.num_unknown) == (5, 1)
    with pytest.raises(ValueError, match="not saturated"):
        made.places(Interval("a", 5, 9))
    with pytest.raises(ValueError, match="incomplete"):
        SaturatedBases.from_json_values({"regions": []})
    with pytest.raises(ValueError, match="expected 5 letters"):
        SaturatedBases({"a": 9}, regions, spans[:1], ("ANT",))


@pytest.mark.parametrize(
    ("num_letters", "of_all", "of_own"),
    [
        (4, [3, -3, 1, -1], 3),  # -6, -2, -4 and 0 of its own: the mean over four letters is -3
        (3, [4, -2, 2, 0], 4),  # the mean over the three others is -4
    ],
)
def test_the_mean_over_four_letters_and_over_three(num_letters: int, of_all: list[float], of_own: float) -> None:
    effects = np.float32([[0, -6, -2, -4], [1, 1, 0, 1], [np.nan] * 4])[..., np.newaxis]
    found = centred(effects, num_letters)
    assert found.dtype == np.float32
    assert found[0, :, 0].tolist() == of_all
    assert importance(effects, num_letters)[:, 0].tolist()[:2] == [of_own, -3 / num_letters]
    assert importance(effects, num_letters)[0, 0] == found[0, 0, 0]  # the genome's own letter is A there
    assert np.isnan(found[2]).all()
    assert np.isnan(importance(effects, num_letters)[2]).all()
