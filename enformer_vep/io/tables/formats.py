"""The formats of the scores: Parquet or tab-separated text, in one of three layouts, as float32 or float16.

Layouts: `wide` has one row per allele and one column per statistic and track; `list` has one row per allele and one
list per statistic; `long` has one row per allele and track and one column per statistic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np

from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.io.tables import row_writer
from enformer_vep.io.tables.outputs import Dtype, Layout, OutputPaths, SummaryKind
from enformer_vep.io.tables.row_writer import (
    ALLELE_TYPES,
    Float32s,
    RowWriter,
    TableColumns,
    Values,
    allele_fields,
    open_rows,
)
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import VcfAllele

PERCENTILE_SUFFIX = "_percentile"
"""The suffix of the columns of a statistic's percentiles."""


@dataclass(frozen=True)
class TableSettings:
    """The settings of a table of scores.

    Attributes:
      statistics: names of the statistics.
      tracks: the tracks.
      layout: what a row and a column are.
      dtype: the number format of the scores; one that does not fit into a float16 becomes infinite.
      summary: whether there is a summary, beside the table or instead of it.
      has_percentiles: whether the percentiles of each statistic follow its scores; they are always float32.
      saturated: the bases whose changes the alleles are, if they are those of a saturation.
    """

    statistics: Sequence[str]
    tracks: TrackTable
    layout: Layout = "wide"
    dtype: Dtype = "float32"
    summary: SummaryKind = "none"
    has_percentiles: bool = False
    saturated: SaturatedBases | None = None

    @property
    def num_scores(self) -> int:
        """Number of scores of an allele."""
        return len(self.statistics) * len(self.tracks.identifiers)

    @property
    def columns(self) -> list[str]:
        """Names of the columns after the allele's, statistics outermost."""
        return self.table_columns.schema().names[len(ALLELE_TYPES) :]  # type: ignore[no-any-return]

    @property
    def values(self) -> list[tuple[str, Dtype]]:
        """The columns of an allele and track, with their number formats: each statistic, and its percentile."""
        if not self.has_percentiles:
            return [(statistic, self.dtype) for statistic in self.statistics]
        return [
            value
            for statistic in self.statistics
            for value in ((statistic, self.dtype), (f"{statistic}{PERCENTILE_SUFFIX}", "float32"))
        ]

    @property
    def table_columns(self) -> TableColumns:
        """The columns of the table."""
        tracks = self.tracks.identifiers
        values = [
            Values([f"{name}:{track}" for track in tracks] if self.layout == "wide" else [name], dtype)
            for name, dtype in self.values
        ]
        return TableColumns(ALLELE_TYPES, values, self.layout, tracks)

    def split(self, scores: Float32s, percentiles: Float32s | None) -> list[Float32s]:
        """Returns float32 [alleles, tracks] of each of `values`, given [alleles, statistics * tracks] of both."""
        num = len(self.statistics)
        of_scores = np.split(scores, num, axis=1)
        if percentiles is None:
            return of_scores
        return [values for pair in zip(of_scores, np.split(percentiles, num, axis=1), strict=True) for values in pair]


class TableFile(Protocol):
    """An open table."""

    def write(self, alleles: Sequence[VcfAllele], scores: Float32s, percentiles: Float32s | None = None) -> None:
        """Adds alleles.

        Args:
          alleles: the alleles.
          scores: float32 [alleles, statistics * tracks].
          percentiles: the same of their percentiles; None if the table has none.
        """
        ...

    def close(self) -> None:
        """Writes the rest."""
        ...


def open_table(
    stream: BinaryIO,
    paths: OutputPaths,
    settings: TableSettings,
    metadata: Mapping[bytes, bytes],
    *,
    num_alleles: int | None = None,
) -> TableFile:
    """Starts a table in the format of its name.

    Args:
      stream: the open file.
      paths: its name.
      settings: how scores are written.
      metadata: written with the table if its format has a place for it.
      num_alleles: number of alleles that will be written, None if unknown; fewer than a row group need less memory.
    """
    rows = open_rows(
        stream,
        settings.table_columns,
        paths,
        metadata,
        group_rows=alleles_per_group(settings.layout, len(settings.tracks.identifiers)),
        num_rows=num_alleles,
    )
    return _ScoreFile(rows, settings)


class _ScoreFile:
    def __init__(self, rows: RowWriter, settings: TableSettings) -> None:
        self._rows = rows
        self._settings = settings
        self.close = rows.close

    def write(self, alleles: Sequence[VcfAllele], scores: Float32s, percentiles: Float32s | None = None) -> None:
        self._rows.write(allele_fields(alleles), *self._settings.split(scores, percentiles))


def alleles_per_group(layout: str, num_tracks: int) -> int:
    """Returns the alleles of a Parquet row group: of ROW_GROUP_ROWS lines, in a long table rounded up to alleles."""
    return -(-row_writer.ROW_GROUP_ROWS // num_tracks) if layout == "long" else row_writer.ROW_GROUP_ROWS
