"""Variants one after another, on a small genome, by an engine whose scores say which variant they are of."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice

import numpy as np
import pytest

from enformer_vep.errors import EnformerVepError, SkipReason
from enformer_vep.genome.layout import ModelInput, Span
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.engine import ByStatistic, EngineCounts
from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
from enformer_vep.io.tracks.table import unnamed_tracks
from enformer_vep.run.score.scorer import NUM_AHEAD, PlacedVariant, Unscored, VariantScorer
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.scoring import Statistic, parse_statistics
from tests.support import TINY_CONFIG, random_sequence, write_fasta

CONTIG = random_sequence(5000)
GEOMETRY = TINY_CONFIG.geometry
BATCH = 3


class PlaceEngine:
    """Predicts 0 for the reference and the variant's 0-based start for the alternate, in batches; loses some pairs."""

    def __init__(self, num_lost: int = 0) -> None:
        self.num_lost = num_lost
        self.broken_start: int | None = None

    def predict(self, layouts: Iterable[ModelInput]) -> Iterator[np.ndarray]:
        raise NotImplementedError

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[ByStatistic]:
        comparisons = islice(iter(comparisons), self.num_lost, None)
        while batch := list(islice(comparisons, BATCH)):
            for comparison in batch:
                (span,) = comparison.views[0].reference.pieces
                assert isinstance(span, Span)
                start = span.start + GEOMETRY.variant_offset_bp
                value = np.nan if start == self.broken_start else float(start)
                values = {"SAD": value, "SADR": np.log2(1 + value)}
                yield {statistic.name: np.full((1, 2), values[statistic.name]) for statistic in statistics}

    def counts(self) -> EngineCounts:
        return EngineCounts(0, 0, 0, BATCH)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> ReferenceCodes:
    return ReferenceCodes(Genome(write_fasta(tmp_path_factory.mktemp("genome") / "genome.fa", {"chr1": CONTIG})))


def scorer_of(reference: ReferenceCodes, engine: PlaceEngine) -> VariantScorer:
    scoring = ScoringSettings(statistics=parse_statistics("SAD,SADR"))
    return VariantScorer(engine, reference, GEOMETRY, scoring, unnamed_tracks("human", 2))


def snv(pos: int) -> Variant:
    return Variant("chr1", pos, CONTIG[pos - 1], "CGTA"["ACGT".index(CONTIG[pos - 1])])


SYMBOLIC = Variant("chr1", 7, CONTIG[6], "<DEL>")


def shown(results: Iterable[np.ndarray | Unscored]) -> list[object]:
    """The start of each that is scored, the reason of each that is not."""
    return [found.reason if isinstance(found, Unscored) else int(found[0]) for found in results]


@pytest.mark.parametrize("unscored", [set(), {0}, {9}, {0, 1, 2, 3}, {2, 3, 6, 9}, set(range(10)), set(range(1, 10))])
def test_each_variant_has_its_result_in_its_place(unscored: set[int], reference: ReferenceCodes) -> None:
    variants = [SYMBOLIC if number in unscored else snv(4000 - 100 * number) for number in range(10)]
    expected = [
        SkipReason.SYMBOLIC_ALT if number in unscored else 4000 - 100 * number - 1 for number in range(len(variants))
    ]
    assert shown(scorer_of(reference, PlaceEngine()).score(variants)) == expected


def test_scores_are_statistics_times_tracks(reference: ReferenceCodes) -> None:
    scorer = scorer_of(reference, PlaceEngine())
    (scores,) = scorer.score([snv(1024)])
    assert isinstance(scores, np.ndarray)
    assert scores.dtype == np.float32
    assert scorer.num_scores == 4
    assert scores == pytest.approx([1023, 1023, 10, 10])  # SAD = 1023 - 0, SADR = log2(1 + 1023) - log2(1 + 0)


def test_variants_are_drawn_as_they_are_needed(reference: ReferenceCodes) -> None:
    drawn = []

    def endless() -> Iterator[Variant]:
        for number in count():
            drawn.append(number)
            yield snv(1000 + number % 2000)

    results = scorer_of(reference, PlaceEngine()).score(endless())
    assert shown(islice(results, 5)) == list(range(999, 1004))
    results.close()  # type: ignore[attr-defined]
    assert len(drawn) <= 5 + BATCH + NUM_AHEAD + 2


def test_nothing_is_nothing(reference: ReferenceCodes) -> None:
    assert list(scorer_of(reference, PlaceEngine()).score([])) == []


def test_a_variant_whose_prediction_is_not_finite_has_none(reference: ReferenceCodes) -> None:
    engine = PlaceEngine()
    engine.broken_start = 1999
    found = list(scorer_of(reference, engine).score([snv(1000), snv(2000), snv(3000)]))
    assert shown(found) == [999, SkipReason.NOT_FINITE, 2999]


def test_a_lost_prediction_is_an_error(reference: ReferenceCodes) -> None:
    with pytest.raises(EnformerVepError, match="expected predictions for 4 alleles, found 3: please report"):
        list(scorer_of(reference, PlaceEngine(num_lost=1)).score(map(snv, (1000, 1100, 1200, 1300))))


def test_why_a_variant_cannot_be_scored_is_known_without_the_model(reference: ReferenceCodes) -> None:
    scorer = scorer_of(reference, PlaceEngine())
    cases = {
        SkipReason.CONTIG_NOT_IN_FASTA: Variant("chr9", 5, "A", "C"),
        SkipReason.OUT_OF_RANGE: Variant("chr1", 5001, "A", "C"),
        SkipReason.REF_MISMATCH: Variant("chr1", 5, "ACGTACGT", "AA"),
        SkipReason.ALLELE_TOO_LONG: Variant("chr1", 5, CONTIG[4], "A" * GEOMETRY.sequence_length_bp),
    }
    for reason, variant in cases.items():
        found = scorer.place(variant)
        assert isinstance(found, Unscored)
        assert (found.reason, bool(found.detail)) == (reason, True)
    placed = scorer.place(Variant("1", 2000, CONTIG[1999], CONTIG[1999] + "G"))
    assert isinstance(placed, PlacedVariant)
    assert placed.place == ("chr1", 1999 - GEOMETRY.variant_offset_bp, 1999)


def test_neighbours_sort_together(reference: ReferenceCodes) -> None:
    scorer = scorer_of(reference, PlaceEngine())
    placed = [scorer.place(snv(pos)) for pos in (3000, 1000, 2000)]
    assert [found.variant.pos for found in sorted(placed, key=lambda found: found.place)] == [1000, 2000, 3000]  # type: ignore[union-attr]


def test_a_window_without_the_chosen_bins_is_a_reason(reference: ReferenceCodes) -> None:
    scoring = ScoringSettings(bins=ScoredBins.parse("chr1:4900-5000"))
    scorer = VariantScorer(PlaceEngine(), reference, GEOMETRY, scoring, unnamed_tracks("human", 2))
    found = scorer.place(snv(1000))
    assert isinstance(found, Unscored)
    assert found.reason == SkipReason.OUTSIDE_BINS
    assert "chr1:4900-5000" in found.detail
    assert isinstance(scorer.place(snv(4500)), PlacedVariant)
