"""The summary of the scores: one row per allele, with the strongest track of each group of tracks.

For each statistic and group: the track whose score is largest in magnitude, its description and score, the norm of the
group's scores (L2 over tracks, as TraitGym aggregates them), and how many tracks have the sign of the strongest. With
percentiles also that of the strongest track, and the largest of the group with its track.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_writer import (
    ALLELE_TYPES,
    Float32s,
    RowWriter,
    TableColumns,
    TextRows,
    allele_fields,
    open_rows,
)
from enformer_vep.io.tracks.labels import GROUPS
from enformer_vep.io.vcf.alleles import VcfAllele

FIELDS: Mapping[str, pa.DataType] = {
    "track": pa.string(),
    "description": pa.string(),
    "score": pa.float32(),
    "norm": pa.float32(),
    "num_agree": pa.int32(),
}
"""What is written of a statistic in a group of tracks, with Arrow's types. A column is called STAT:GROUP:FIELD."""

PERCENTILE_FIELDS: Mapping[str, pa.DataType] = {
    "percentile": pa.float32(),
    "largest_percentile": pa.float32(),
    "largest_percentile_track": pa.string(),
}
"""The fields that follow if there is a background."""


class Strongest(NamedTuple):
    """The strongest tracks of some alleles in one group.

    Attributes:
      track: int64 [alleles], its place among all tracks that are written.
      score: float32 [alleles], its score.
      norm: float32 [alleles], the square root of the sum of the squares of the group's scores.
      num_agree: int64 [alleles], tracks of the group whose score has the same sign as its, it included.
    """

    track: npt.NDArray[np.int64]
    score: npt.NDArray[np.float32]
    norm: npt.NDArray[np.float32]
    num_agree: npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrackGroups:
    """Groups of tracks.

    Attributes:
      members: of each group that has any, its tracks' places among all tracks, int64.
      num_tracks: number of all tracks.
    """

    members: Mapping[str, npt.NDArray[np.int64]]
    num_tracks: int

    @classmethod
    def of(cls, groups: Sequence[str]) -> "TrackGroups":
        """Collects the tracks of each group, in the order of track_labels.GROUPS."""
        members = {name: np.flatnonzero(np.array(groups, dtype=object) == name) for name in GROUPS}
        return cls({name: places for name, places in members.items() if len(places)}, len(groups))

    def strongest(self, scores: Float32s) -> Iterator[tuple[int, str, Strongest]]:
        """Finds the strongest tracks; the first of several that are equally strong.

        Args:
          scores: float32 [alleles, statistics * tracks].

        Yields:
          For each statistic and group: the statistic's number, the group, and its strongest tracks.
        """
        rows = np.arange(len(scores))
        for statistic in range(scores.shape[1] // self.num_tracks):
            for group, members in self.members.items():
                values = scores[:, statistic * self.num_tracks + members]  # [alleles, tracks of the group]
                place = np.abs(values).argmax(axis=1)
                score = values[rows, place]
                norm = np.sqrt(np.square(values, dtype=np.float64).sum(axis=1))
                agree = (np.sign(values) == np.sign(score)[:, None]).sum(axis=1)
                yield statistic, group, Strongest(members[place], score, norm.astype(np.float32), agree)


def summary_types(settings: TableSettings) -> dict[str, pa.DataType]:
    """Returns the columns after the allele's with Arrow's types: statistics outermost, then groups."""
    fields = {**FIELDS, **(PERCENTILE_FIELDS if settings.has_percentiles else {})}
    return {
        f"{statistic}:{group}:{name}": kind
        for statistic in settings.statistics
        for group in TrackGroups.of(settings.tracks.groups).members
        for name, kind in fields.items()
    }


def summarize(settings: TableSettings, scores: Float32s, percentiles: Float32s | None = None) -> list[npt.NDArray[Any]]:
    """Returns the columns of `summary_types` for scores and percentiles float32 [rows, statistics * tracks]."""
    groups, rows = TrackGroups.of(settings.tracks.groups), np.arange(len(scores))
    identifiers = np.array(settings.tracks.identifiers, dtype=object)
    descriptions = np.array(settings.tracks.table["description"], dtype=object)
    columns: list[npt.NDArray[Any]] = []
    for statistic, group, strongest in groups.strongest(scores):
        columns += [identifiers[strongest.track], descriptions[strongest.track]]
        columns += [strongest.score, strongest.norm, strongest.num_agree]
        if percentiles is not None:
            first = statistic * groups.num_tracks
            members = groups.members[group]
            values = percentiles[:, first + members]  # [alleles, tracks of the group]
            place = np.where(np.isnan(values), -1, np.abs(values)).argmax(axis=1)
            columns += [percentiles[rows, first + strongest.track], values[rows, place], identifiers[members[place]]]
    return columns


class SummaryFile:
    """An open summary."""

    def __init__(self, settings: TableSettings, rows: RowWriter) -> None:
        """Keeps open rows, whose columns are those of an allele, of `summary_types`, and others."""
        self._settings = settings
        self._rows = rows
        self.close = rows.close

    def write(
        self,
        alleles: Sequence[VcfAllele],
        scores: Float32s,
        percentiles: Float32s | None = None,
        more: Sequence[Sequence[Any]] = (),
    ) -> None:
        """Adds alleles; `more` has the columns after the summary's own, with None for what is missing."""
        if alleles:
            self._rows.write([*allele_fields(alleles), *summarize(self._settings, scores, percentiles), *more])


def open_summary(
    stream: BinaryIO,
    settings: TableSettings,
    *,
    like: OutputPaths | None = None,
    metadata: Mapping[bytes, bytes] | None = None,
    more: Mapping[str, pa.DataType] = MappingProxyType({}),
) -> SummaryFile:
    """Starts a summary.

    Args:
      stream: the open file.
      settings: the statistics and tracks of the scores that it is made of.
      like: the names of a run's files, to write it in the format of the table; None for plain text.
      metadata: written with the table if its format has a place for it.
      more: columns after the summary's own, with Arrow's types.
    """
    columns = TableColumns({**ALLELE_TYPES, **summary_types(settings), **more})
    rows = TextRows(stream, columns) if like is None else open_rows(stream, columns, like, metadata or {})
    return SummaryFile(settings, rows)
