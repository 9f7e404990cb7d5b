"""The summary of the scores: one row per allele, with the strongest track of each group of tracks.

For each statistic and group: the track whose score is largest in magnitude, its description and score, the norm of the
group's scores (L2 over tracks, as TraitGym aggregates them), and how many tracks have the sign of the strongest. With
percentiles also that of the strongest track, and the largest of the group with its track.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.io.bgzip import BgzipWriter
from enformer_vep.io.tables.formats import (
    ALLELE_TYPES,
    ROW_GROUP_ROWS,
    RowGroups,
    Scores,
    TableSettings,
    allele_columns,
    parquet_writer,
    shortest,
    write_line,
)
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tracks.labels import GROUPS
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele

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
"""What follows these fields if there is a background."""


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
        """Makes them of each track's group, in the order of track_labels.GROUPS."""
        found = {name: np.flatnonzero(np.array(groups, dtype=object) == name) for name in GROUPS}
        return cls({name: members for name, members in found.items() if len(members)}, len(groups))

    def strongest(self, scores: Scores) -> Iterator[tuple[int, str, Strongest]]:
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


def summary_fields(settings: TableSettings) -> dict[str, pa.DataType]:
    """Returns what is written of a statistic in a group, with Arrow's types."""
    return {**FIELDS, **(PERCENTILE_FIELDS if settings.has_percentiles else {})}


def summary_columns(settings: TableSettings) -> list[str]:
    """Names the columns after the allele's: statistics outermost, then groups."""
    groups, fields = TrackGroups.of(settings.tracks.groups).members, summary_fields(settings)
    return [f"{name}:{group}:{field}" for name in settings.statistics for group in groups for field in fields]


def summarize(settings: TableSettings, scores: Scores) -> list[npt.NDArray[Any]]:
    """Returns the columns of `summary_columns` for scores float32 [rows, statistics * tracks]."""
    return _Summarizer(settings).columns(scores, None)


Column = Sequence[Any] | npt.NDArray[Any]


class SummaryFile:
    """An open summary."""

    def __init__(self, settings: TableSettings, rows: "_Rows") -> None:
        """Takes what is summarized, and where it goes."""
        self._summarizer = _Summarizer(settings)
        self._rows = rows

    def write(
        self,
        alleles: Sequence[VcfAllele],
        scores: Scores,
        percentiles: Scores | None = None,
        more: Sequence[Sequence[Any]] = (),
    ) -> None:
        """Adds alleles; `more` has the columns after the summary's own, with None for what is missing."""
        if alleles:
            self._rows.add(alleles, [*self._summarizer.columns(scores, percentiles), *more])

    def close(self) -> None:
        """Writes what is left, and leaves the stream open."""
        self._rows.close()


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
      stream: where it is written.
      settings: the statistics and tracks of the scores that it is made of.
      like: the names of a run's files, to write it in the format of the table; None for plain text.
      metadata: what is written with it if its format has a place for it.
      more: columns after the summary's own, with Arrow's types.
    """
    names, of_group = summary_columns(settings), summary_fields(settings)
    kinds = [*of_group.values()] * (len(names) // len(of_group))
    columns = dict(zip(names, kinds, strict=True)) | dict(more)
    if like is not None and like.is_parquet:
        return SummaryFile(settings, _ParquetRows(stream, columns, metadata or {}))
    is_gzipped = like is not None and like.is_gzipped
    return SummaryFile(settings, _TextRows(BgzipWriter(stream) if is_gzipped else stream, columns))


class _Summarizer:
    def __init__(self, settings: TableSettings) -> None:
        self._groups = TrackGroups.of(settings.tracks.groups)
        self._identifiers = np.array(settings.tracks.identifiers, dtype=object)
        self._descriptions = np.array(settings.tracks.table["description"], dtype=object)

    def columns(self, scores: Scores, percentiles: Scores | None) -> list[npt.NDArray[Any]]:
        """Returns what is written of some alleles, a column per name of `summary_columns`."""
        found: list[npt.NDArray[Any]] = []
        rows = np.arange(len(scores))
        for statistic, group, strongest in self._groups.strongest(scores):
            texts = self._identifiers[strongest.track], self._descriptions[strongest.track]
            found += [*texts, strongest.score, strongest.norm, strongest.num_agree]
            if percentiles is not None:
                first = statistic * self._groups.num_tracks
                members = self._groups.members[group]
                values = percentiles[:, first + members]  # [alleles, tracks of the group]
                place = np.where(np.isnan(values), -1, np.abs(values)).argmax(axis=1)
                found += [percentiles[rows, first + strongest.track], values[rows, place]]
                found.append(self._identifiers[members[place]])
        return found


class _Rows(Protocol):
    """Where rows go: the alleles' own columns, and others."""

    def add(self, alleles: Sequence[VcfAllele], columns: Sequence[Column]) -> None: ...

    def close(self) -> None: ...


class _TextRows:
    def __init__(self, stream: BinaryIO | BgzipWriter, columns: Mapping[str, pa.DataType]) -> None:
        self._stream = stream
        self._kinds = list(columns.values())
        write_line(stream, [*AlleleFields._fields, *columns])

    def add(self, alleles: Sequence[VcfAllele], columns: Sequence[Column]) -> None:
        texts = [_as_text(column, kind) for column, kind in zip(columns, self._kinds, strict=True)]
        for index, allele in enumerate(alleles):
            write_line(self._stream, [*map(str, allele.fields), *(column[index] for column in texts)])

    def close(self) -> None:
        if isinstance(self._stream, BgzipWriter):
            self._stream.close()
        else:
            self._stream.flush()


def _as_text(column: Column, kind: pa.DataType) -> list[str]:
    """Returns a column as it is written in text; a float32 in as few digits as it needs, nothing for None."""
    if isinstance(column, np.ndarray):
        return shortest(column) if column.dtype == np.float32 else list(map(str, column))
    found: list[str] = pa.array(column, kind).cast(pa.string()).fill_null("").to_pylist()
    return found


class _ParquetRows:
    def __init__(self, stream: BinaryIO, columns: Mapping[str, pa.DataType], metadata: Mapping[bytes, bytes]) -> None:
        fields = [pa.field(name, kind) for name, kind in [*ALLELE_TYPES.items(), *columns.items()]]
        self._kinds = list(columns.values())
        self._schema = pa.schema(fields, metadata)
        self._groups = RowGroups(parquet_writer(stream, self._schema), ROW_GROUP_ROWS)

    def add(self, alleles: Sequence[VcfAllele], columns: Sequence[Column]) -> None:
        arrays = [pa.array(column, kind) for column, kind in zip(columns, self._kinds, strict=True)]
        self._groups.add(pa.Table.from_arrays([*allele_columns(alleles), *arrays], schema=self._schema))

    def close(self) -> None:
        self._groups.close()
