from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.layout import ModelInput, Span
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison, View
from enformer_vep.inference.engine import ByStatistic, EngineCounts
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.run_record import VerificationRecord
from enformer_vep.run.score.parts import Part
from enformer_vep.run.score.verify import Verification, choose, relative_errors, verify
from enformer_vep.run.settings import ComputeSettings
from enformer_vep.scoring import Statistic, parse_statistics

NUM_TRACKS = 4


class KnownEngine:
    """Predicts a SAD of 1, 2, 3, 4 times the variant's position."""

    def predict(self, layouts: Iterable[ModelInput]) -> Iterator[np.ndarray]:
        raise NotImplementedError

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[ByStatistic]:
        for comparison in comparisons:
            (span,) = comparison.views[0].reference.pieces
            assert isinstance(span, Span)
            right = right_scores(span.start)[np.newaxis]
            yield {statistic.name: right if statistic.name == "SAD" else 0 * right for statistic in statistics}

    def counts(self) -> EngineCounts:
        return EngineCounts(0, 0, 0, 1)


def right_scores(pos: int) -> np.ndarray:
    return np.arange(1.0, NUM_TRACKS + 1) * pos


def look_at(variant: Variant) -> Comparison:
    """A comparison whose reference begins where the variant is."""
    reference = ModelInput((Span("1", variant.pos, variant.pos + 4),))
    return Comparison((View(reference, reference, False, np.ones(1, np.float32)),), np.ones((1, 1), np.float32))


def parts(errors: dict[int, float]) -> list[Part]:
    """Three parts of 1, 4 and 5 scored alleles at positions 1 ... 10, with an error in the first track of some."""
    made = []
    for positions in (range(1, 2), range(2, 6), range(6, 11)):
        alleles = [VcfAllele(Variant("1", pos, "A", "C"), pos - 1, 1) for pos in positions]
        scores = np.stack([right_scores(pos) + np.array([errors.get(pos, 0), 0, 0, 0]) for pos in positions])
        made.append(Part(alleles, scores.astype(np.float32), []))
    return made


def run(errors: dict[int, float], num_alleles: int) -> Verification | None:
    made = parts(errors)
    return verify(lambda: iter(made), KnownEngine(), look_at, parse_statistics("SAD"), num_alleles=num_alleles)


def test_verified_alleles_are_the_middles_of_equal_shares() -> None:
    assert choose(10, 2) == [2, 7]
    assert choose(10, 10) == list(range(10))
    assert choose(3, 10) == [0, 1, 2]
    assert choose(0, 5) == []


def test_the_errors_are_relative_to_the_spread() -> None:
    found = run({3: 0.3}, 5)  # the alleles at 2, 4, 6, 8 and 10
    assert found == Verification(5, 0.0, 0.0, 0.0, "1:2 A>C")
    found = run({4: 0.8, 8: 0.8}, 5)
    assert found is not None
    # Scores 4, 8, 12, 16: their standard deviation is 4.47, their mean 10 is larger. One track of four is off by 0.8.
    assert found.largest == pytest.approx(0.8 / 2 / 10, rel=1e-5)
    assert found.largest_of_one_track == pytest.approx(0.8 / 10, rel=1e-5)
    assert (found.median, found.worst) == (0, "1:4 A>C")
    assert str(found).startswith(
        "5 alleles verified with the full engine: the largest error is 0.04 of the scores' spread"
    )
    assert found.record(0.1) == VerificationRecord(5, found.largest, 0, found.largest_of_one_track, "1:4 A>C", 0.1)


def test_too_large_an_error_is_a_failure() -> None:
    for error in (80, np.nan):
        found = run({4: error}, 5)
        assert found is not None
        with pytest.raises(EnformerVepError, match=r"verification failed at 1:4 A>C: .* at most 0.1 .*") as caught:
            found.check(0.1, ComputeSettings(precision="mixed"))
        assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("compute", "remedy"),
    [
        (ComputeSettings(precision="mixed"), "with --precision float32 or --engine full, and --overwrite"),
        (ComputeSettings(), "Score again with --engine full, and --overwrite"),
        (ComputeSettings(engine="full", precision="tf32"), "Score again with --precision float32, and --overwrite"),
        (ComputeSettings(engine="full"), "repeat it with --overwrite; if it fails again, check the device"),
    ],
)
def test_a_failure_advises_what_the_run_did_not_do(compute: ComputeSettings, remedy: str) -> None:
    with pytest.raises(EnformerVepError) as caught:
        Verification(1, 0.5, 0.5, 0.5, "1:4 A>C").check(0.1, compute)
    assert str(caught.value).endswith(remedy)


def test_nothing_scored_is_nothing_to_verify() -> None:
    assert verify(lambda: iter([]), KnownEngine(), look_at, parse_statistics("SAD"), num_alleles=5) is None


def test_statistics_are_compared_each_with_its_own_spread() -> None:
    expected = np.array([0, 2, 0, 200], np.float32)  # of two statistics, two tracks each: spreads 1 and 100
    silence = np.zeros(4)
    assert relative_errors(expected, expected, silence, 2) == (0, 0)
    of_first = relative_errors(expected + np.array([0.5, 0.5, 0, 0], np.float32), expected, silence, 2)
    of_second = relative_errors(expected + np.array([0, 0, 0.5, 0.5], np.float32), expected, silence, 2)
    assert of_first == pytest.approx((0.5, 0.5))
    assert of_second == pytest.approx((0.005, 0.005))


def test_a_single_track_is_compared_with_its_score() -> None:
    silence, none = np.zeros(1), np.array([0], np.float32)
    assert relative_errors(np.array([2.1], np.float32), np.array([2], np.float32), silence, 1)[0] == pytest.approx(
        0.05, rel=1e-5
    )
    assert relative_errors(np.array([0.1], np.float32), none, silence, 1) == (np.inf, np.inf)


def test_what_rounding_explains_is_no_error() -> None:
    # Scores 0.5 and -0.5: their spread is 0.5. Off by 0.1 each, of which rounding explains 0.06: 0.04 / 0.5 is left.
    expected = np.array([0.5, -0.5], np.float32)
    found = expected + np.array([0.1, -0.1], np.float32)
    assert relative_errors(found, expected, np.array([0.06, 0.06]), 1) == pytest.approx((0.08, 0.08), rel=1e-5)
    assert relative_errors(found, expected, np.array([0.2, 0.2]), 1) == (0, 0)
    assert relative_errors(found * np.inf, expected, np.array([0.2, 0.2]), 1) == (np.inf, np.inf)
    equal = np.zeros(2, np.float32)
    assert relative_errors(equal + np.float32(0.1), equal, np.array([0.2, 0.2]), 1) == (0, 0)
