"""Finds the strongest alleles of a table in one pass, and how all effects are distributed; only these are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.io.tables.score_rows import ScoredRows
from enformer_vep.io.tables.summary_table import TrackGroups
from enformer_vep.io.vcf.alleles import AlleleFields
from enformer_vep.report.contents import Histogram, ShownAlleles
from enformer_vep.run.score_table import ScoreTable

Float32s = npt.NDArray[np.float32]
Int64s = npt.NDArray[np.int64]

PER_DECADE = 5
FIRST_DECADE, NUM_DECADES = -6, 12
"""Scores are counted in classes from a millionth to a million; those beyond are in the first or last class."""


@dataclass(frozen=True, eq=False)
class _Kept:
    """Alleles that may be among the strongest: `rows` are their places in the table, in order."""

    rows: Int64s
    fields: pa.Table
    track: Int64s
    score: Float32s
    percentile: Float32s | None

    @property
    def strength(self) -> Float32s:
        strength: Float32s = np.abs(self.score).max(axis=1)
        return strength

    def strongest(self, num: int) -> "_Kept":
        """Returns the strongest in the table's order; of equal ones, the first."""
        if len(self.rows) <= num:
            return self
        chosen = np.sort(np.argsort(-self.strength, kind="stable")[:num])
        percentile = None if self.percentile is None else self.percentile[chosen]
        fields = self.fields.take(pa.array(chosen))
        return _Kept(self.rows[chosen], fields, self.track[chosen], self.score[chosen], percentile)

    @staticmethod
    def joined(pieces: "Sequence[_Kept]") -> "_Kept":
        """Joins pieces that follow each other."""
        percentiles = [piece.percentile for piece in pieces if piece.percentile is not None]
        return _Kept(
            np.concatenate([piece.rows for piece in pieces]),
            pa.concat_tables([piece.fields for piece in pieces]).combine_chunks(),
            np.concatenate([piece.track for piece in pieces]),
            np.concatenate([piece.score for piece in pieces]),
            np.concatenate(percentiles) if percentiles else None,
        )


@dataclass(frozen=True, eq=False)
class StrongestAlleles:
    """The strongest alleles of a table.

    Attributes:
      alleles: those that are listed, in the table's order.
      detailed: places among them of the strongest of all, the strongest first.
      scores: float32 [detailed, tracks], the scores of these on all tracks.
      histogram: the effects of all alleles of the table.
      num_infinite: alleles of the table with an infinite score.
    """

    alleles: ShownAlleles
    detailed: list[int]
    scores: Float32s
    histogram: Histogram
    num_infinite: int


def find_strongest(table: ScoreTable, statistic: str, num_alleles: int, num_detailed: int) -> StrongestAlleles:
    """Reads the scores of all tracks once.

    Args:
      table: the table.
      statistic: one of its statistics.
      num_alleles: how many alleles are listed.
      num_detailed: of how many of them all scores are kept.

    Raises:
      InputError: the table is damaged.
    """
    num_tracks = len(table.tracks.identifiers)
    groups = TrackGroups.of(table.tracks.groups)
    has_percentiles = table.record.identity.background is not None
    pieces: list[_Kept] = []
    counted = _Counted(len(groups.members))
    detailed, detailed_scores = np.empty(0, np.int64), np.empty((0, num_tracks), np.float32)
    first = 0
    for batch in table.batches(statistic, range(num_tracks), with_percentiles=has_percentiles):
        scores = batch.scores[:, :num_tracks]
        found = _strongest(batch, groups, first)
        first += len(found.rows)
        counted.add(found.score)
        best = np.argsort(-found.strength, kind="stable")[:num_detailed]
        detailed = np.concatenate([detailed, found.rows[best]])
        detailed_scores = np.concatenate([detailed_scores, scores[best]])
        order = np.lexsort((detailed, -np.abs(detailed_scores).max(axis=1)))[:num_detailed]
        detailed, detailed_scores = detailed[order], detailed_scores[order]
        pieces.append(found.strongest(num_alleles))
        if sum(len(piece.rows) for piece in pieces) > 2 * num_alleles:
            pieces = [_Kept.joined(pieces).strongest(num_alleles)]
    if not pieces:
        return _none(groups, counted)
    kept = _Kept.joined(pieces).strongest(num_alleles)
    fields = ScoredRows(kept.fields.combine_chunks().to_batches()[0], kept.score)
    shown = ShownAlleles(
        {name: fields.field(name) for name in AlleleFields._fields}, kept.track, kept.score, kept.percentile
    )
    places = np.searchsorted(kept.rows, detailed).tolist()
    return StrongestAlleles(shown, places, detailed_scores, counted.histogram(), counted.num_infinite)


def _none(groups: TrackGroups, counted: "_Counted") -> StrongestAlleles:
    shape = (0, len(groups.members))
    shown = ShownAlleles(
        dict.fromkeys(AlleleFields._fields, ()), np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    )
    return StrongestAlleles(shown, [], np.zeros((0, groups.num_tracks), np.float32), counted.histogram(), 0)


def _strongest(batch: ScoredRows, groups: TrackGroups, first: int) -> _Kept:
    """Returns the strongest track of each group, and its percentile if these follow the scores."""
    found = [strongest for _, _, strongest in groups.strongest(batch.scores[:, : groups.num_tracks])]
    track = np.stack([strongest.track for strongest in found], axis=1)
    score = np.stack([strongest.score for strongest in found], axis=1)
    percentiles = batch.scores[:, groups.num_tracks :]
    percentile = np.take_along_axis(percentiles, track, axis=1) if percentiles.shape[1] else None
    rows = np.arange(first, first + len(track))
    return _Kept(rows, pa.Table.from_batches([batch.fields]), track, score, percentile)


class _Counted:
    """Counts the effects on each group by classes of equal width on a logarithmic scale."""

    def __init__(self, num_groups: int) -> None:
        self._counts = np.zeros((PER_DECADE * NUM_DECADES, num_groups), np.int64)
        self._zeros = np.zeros(num_groups, np.int64)
        self.num_infinite = 0

    def add(self, score: Float32s) -> None:
        """Takes the scores of some alleles: float32 [alleles, groups]."""
        self.num_infinite += int(np.isinf(score).any(axis=1).sum())
        self._zeros += (score == 0).sum(axis=0)
        rows, columns = np.nonzero(score)
        decades = np.log10(np.abs(score[rows, columns].astype(np.float64)))
        classes = np.clip((decades - FIRST_DECADE) * PER_DECADE, 0, len(self._counts) - 1).astype(np.int64)
        np.add.at(self._counts, (classes, columns), 1)

    def histogram(self) -> Histogram:
        """Returns the classes from the first to the last that has any allele."""
        used = np.flatnonzero(self._counts.any(axis=1))
        first, end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
        lower = [FIRST_DECADE + number / PER_DECADE for number in range(first, end)]
        return Histogram(lower, self._counts[first:end], self._zeros, PER_DECADE)
