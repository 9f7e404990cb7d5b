"""Scores variants one after another: decides which can be scored, and turns predictions into scores. Knows no files."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, SkipReason
from enformer_vep.genome.codes import encode, place_alleles
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval, Variant, check_alleles
from enformer_vep.genome.windows import Placement, Window, max_allele_bp
from enformer_vep.inference.engine import AllelePair, AllelePredictions, Engine
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.io.tracks import TrackTable
from enformer_vep.run.prefetch import read_ahead
from enformer_vep.scoring import score

NUM_PAIRS_AHEAD = 8
"""Pairs of sequences that are prepared while the device works."""

Scores = npt.NDArray[np.float32]


class Unscored(NamedTuple):
    """Why a variant has no scores: the reason, and a sentence."""

    reason: SkipReason
    detail: str


@dataclass(frozen=True)
class PlacedVariant:
    """A variant that can be scored, and its window. Sorted by `place`, neighbours share most of their work."""

    variant: Variant
    window: Window

    @property
    def place(self) -> tuple[str, int, int]:
        """Where on the genome the window and the variant begin."""
        return self.window.interval.contig, self.window.interval.start, self.variant.start


class VariantScorer:
    """Scores variants with one model, on one genome.

    Attributes:
      engine: the engine.
      reference: the genome.
      statistics: what is made of the predictions.
      tracks: the tracks that the engine predicts.
    """

    def __init__(
        self,
        engine: Engine,
        reference: ReferenceCodes,
        geometry: Geometry,
        placement: Placement,
        statistics: Sequence[str],
        tracks: TrackTable,
    ) -> None:
        """Takes what is needed to score variants.

        Args:
          engine: predicts the tracks.
          reference: the genome.
          geometry: the model's lengths.
          placement: where windows lie.
          statistics: what is made of the predictions.
          tracks: the tracks that the engine predicts.
        """
        self.engine = engine
        self.reference = reference
        self.statistics = tuple(statistics)
        self.tracks = tracks
        self._geometry = geometry
        self._placement = placement

    @property
    def num_scores(self) -> int:
        """Number of scores of a variant: statistics times tracks."""
        return len(self.statistics) * len(self.tracks.identifiers)

    def score(self, variants: Iterable[Variant]) -> Iterator[Scores | Unscored]:
        """Scores variants, in their order.

        Variants are drawn as they are needed, some of them ahead and in another thread.

        Yields:
          For each variant its scores, float32 [statistics * tracks], statistics outermost; or why it has none.

        Raises:
          EnformerVepError: the engine failed.
        """
        return self.score_placed(map(self.place, variants))

    def place(self, variant: Variant) -> PlacedVariant | Unscored:
        """Returns a variant with its window, or why it cannot be scored, judged without the model."""
        genome = self.reference.genome
        contig = genome.resolve(variant.chrom)
        window = self._placement.window(variant, contig or variant.chrom, self._geometry)
        problem = check_alleles(variant, max_allele_bp(window)) or genome.check_variant(variant, contig)
        return Unscored(*problem) if problem else PlacedVariant(variant, window)

    def score_placed(self, variants: Iterable[PlacedVariant | Unscored]) -> Iterator[Scores | Unscored]:
        """Scores what `place` returned; otherwise the same as `score`."""
        drawn: deque[PlacedVariant | Unscored] = deque()  # those that nothing was yielded for so far
        num_predicted = 0

        def pairs() -> Iterator[AllelePair]:
            for variant in variants:
                drawn.append(variant)
                if isinstance(variant, PlacedVariant):
                    yield self._pair(variant)

        for predictions in self.engine.predict(read_ahead(pairs(), NUM_PAIRS_AHEAD)):
            num_predicted += 1
            while isinstance(unscored := drawn.popleft(), Unscored):
                yield unscored
            yield self._score(predictions)
        num_missing = sum(isinstance(variant, PlacedVariant) for variant in drawn)
        if num_missing:
            raise EnformerVepError(
                f"expected predictions for {num_predicted + num_missing} alleles, found {num_predicted}: please report "
                "this bug in enformer-vep"
            )
        yield from (variant for variant in drawn if isinstance(variant, Unscored))

    def pair(self, variant: Variant) -> AllelePair:
        """Makes both sequences of a variant that can be scored."""
        placed = self.place(variant)
        assert isinstance(placed, PlacedVariant)
        return self._pair(placed)

    def _pair(self, variant: PlacedVariant) -> AllelePair:
        return allele_pair(variant.variant, self.reference, variant.window)

    def _score(self, predictions: AllelePredictions) -> Scores | Unscored:
        if not _is_finite(predictions):
            return Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity")
        return score(predictions.reference, predictions.alternate, self.statistics)


def allele_pair(variant: Variant, codes: ReferenceCodes, window: Window) -> AllelePair:
    """Places both alleles of a variant in its window."""
    interval = window.interval
    num_more_bp = max(0, len(variant.ref) - len(variant.alt))
    reference, alternate = place_alleles(
        codes.fetch(Interval(interval.contig, interval.start, interval.end + num_more_bp)),
        offset_bp=window.offset_bp,
        num_ref_bp=len(variant.ref),
        alternate=encode(variant.alt),
        length_bp=interval.length,
    )
    return AllelePair(window, reference, alternate, len(variant.ref), len(variant.alt))


def _is_finite(predictions: AllelePredictions) -> bool:
    sums = (predictions.reference, predictions.alternate)
    return all(np.isfinite(s.total).all() and np.isfinite(s.log2_total).all() for s in sums)
