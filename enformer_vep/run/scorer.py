"""Turns alleles into scores: decides which can be scored, and in what order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from enformer_vep.errors import EnformerVepError, InputError, SkipReason
from enformer_vep.genome.codes import encode, place_alleles
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Interval, Variant, check_alleles
from enformer_vep.genome.windows import Placement, Window, max_allele_bp
from enformer_vep.inference.engine import AllelePair, AllelePredictions, Engine
from enformer_vep.io.alleles import VcfAllele
from enformer_vep.io.fasta import Genome
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.run.parts import Part, SkippedAllele
from enformer_vep.run.prefetch import read_ahead
from enformer_vep.scoring import score

MAX_NOT_FINITE = 0.01
"""Largest accepted share of predictions that are NaN or infinite; beyond it, weights or device must be faulty."""

NUM_PAIRS_AHEAD = 8
"""Pairs of sequences that are prepared while the device works."""


@dataclass(frozen=True)
class _Job:
    """An allele that is to be scored."""

    variant: Variant
    window: Window


class Scorer:
    """Scores alleles of one run."""

    def __init__(
        self,
        engine: Engine,
        genome: Genome,
        codes: ReferenceCodes,
        geometry: Geometry,
        placement: Placement,
        statistics: Sequence[str],
        *,
        num_tracks: int,
        vcf_name: str,
        is_strict: bool = False,
    ) -> None:
        """Takes the engine and the opened inputs of the run.

        Args:
          engine: predicts the tracks.
          genome: the reference.
          codes: the same, encoded.
          geometry: the model's lengths.
          placement: where windows lie.
          statistics: the scores' names.
          num_tracks: tracks that the engine predicts.
          vcf_name: the input's name in messages.
          is_strict: whether an allele that cannot be scored is an error.
        """
        self._engine = engine
        self._genome, self._codes = genome, codes
        self._geometry, self._placement = geometry, placement
        self._statistics = statistics
        self._num_columns = len(statistics) * num_tracks
        self._vcf_name = vcf_name
        self._is_strict = is_strict
        self._num_predicted = self._num_not_finite = 0

    def score(self, alleles: Sequence[VcfAllele], done: Callable[[], object] = lambda: None) -> Part:
        """Scores alleles.

        They are run in the order of their places on the genome, so that the work that neighbours share is in memory.

        Args:
          alleles: the alleles, in input order.
          done: called for each allele that is scored or skipped.

        Returns:
          The scores and the skipped alleles, in input order.

        Raises:
          InputError: an allele cannot be scored, in a strict run.
          EnformerVepError: too many predictions are not finite.
        """
        jobs: dict[int, _Job] = {}
        skipped: dict[int, SkippedAllele] = {}
        for index, allele in enumerate(alleles):
            job = self._plan(allele.variant) if not allele.malformed else _malformed(allele)
            if not isinstance(job, _Job):
                skipped[index] = self._skip(SkippedAllele(allele, *job))
                done()
            else:
                jobs[index] = job
        order = sorted(jobs, key=lambda index: _place(jobs[index]))
        scores = np.empty((len(alleles), self._num_columns), dtype=np.float32)
        num_predicted = 0
        for index, predictions in zip(order, self._predict([jobs[index] for index in order]), strict=False):
            num_predicted += 1
            if _is_finite(predictions):
                scores[index] = score(predictions.reference, predictions.alternate, self._statistics)
            else:
                self._num_not_finite += 1
                detail = "the model predicted NaN or infinity"
                skipped[index] = self._skip(SkippedAllele(alleles[index], SkipReason.NOT_FINITE, detail))
            done()
        if num_predicted != len(jobs):
            raise EnformerVepError(
                f"expected predictions for {len(jobs)} alleles, found {num_predicted}: please report this bug in "
                "enformer-vep"
            )
        self._num_predicted += num_predicted
        if self._num_not_finite > MAX_NOT_FINITE * self._num_predicted:
            raise EnformerVepError(
                f"{self._num_not_finite} of {self._num_predicted} predictions are NaN or infinite, expected at most "
                f"{MAX_NOT_FINITE:.0%}: the weights or the device must be faulty"
            )
        scored = [index for index in range(len(alleles)) if index not in skipped]
        return Part([alleles[index] for index in scored], scores[scored], [skipped[i] for i in sorted(skipped)])

    def _predict(self, jobs: Sequence[_Job]) -> Iterator[AllelePredictions]:
        """Yields the predictions of jobs; their sequences are prepared while the device works."""
        return self._engine.predict(read_ahead(map(self._pair, jobs), NUM_PAIRS_AHEAD))

    def pair(self, variant: Variant) -> AllelePair:
        """Makes both sequences of an allele that was scored."""
        job = self._plan(variant)
        assert isinstance(job, _Job)
        return self._pair(job)

    def _pair(self, job: _Job) -> AllelePair:
        return allele_pair(job.variant, self._codes, job.window)

    def _plan(self, variant: Variant) -> "_Job | tuple[SkipReason, str]":
        contig = self._genome.resolve(variant.chrom)
        window = self._placement.window(variant, contig or variant.chrom, self._geometry)
        problem = check_alleles(variant, max_allele_bp(window)) or self._genome.check_variant(variant, contig)
        return problem or _Job(variant, window)

    def _skip(self, skipped: SkippedAllele) -> SkippedAllele:
        if self._is_strict:
            raise InputError(
                f"{self._vcf_name}: record {skipped.allele.record + 1} ({skipped.allele}) cannot be scored: "
                f"{skipped.detail} ({skipped.reason}); remove --strict to skip such alleles"
            )
        return skipped


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


def _malformed(allele: VcfAllele) -> tuple[SkipReason, str]:
    return SkipReason.MALFORMED_RECORD, allele.malformed


def _place(job: _Job) -> tuple[str, int, int]:
    return job.window.interval.contig, job.window.interval.start, job.variant.start


def _is_finite(predictions: AllelePredictions) -> bool:
    sums = (predictions.reference, predictions.alternate)
    return all(np.isfinite(s.total).all() and np.isfinite(s.log2_total).all() for s in sums)
