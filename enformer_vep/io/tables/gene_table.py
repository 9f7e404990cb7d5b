"""The table of genes, Parquet or tab-separated text: a row for each allele and gene in its reach; written and read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import InputError
from enformer_vep.genome.genes import Gene
from enformer_vep.io.genome.gene_choices import GeneColumns
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_reader import check_columns, column_names, read_columns, reading
from enformer_vep.io.tables.row_writer import (
    ALLELE_TYPES,
    ParquetRows,
    RowWriter,
    TableColumns,
    TextRows,
    allele_fields,
)
from enformer_vep.io.tables.summary_table import summarize, summary_types
from enformer_vep.io.tracks.labels import GROUPS
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import VcfAllele

BATCH_ROWS = 50_000
NUMBERS = ("record", "allele", "distance")
TEXTS = ("gene_name", "strand")

GENE_FIELDS: Mapping[str, pa.DataType] = MappingProxyType(
    {
        "gene_id": pa.string(),
        "gene_name": pa.string(),
        "strand": pa.string(),
        "tss": pa.int64(),
        "distance": pa.int64(),
        "num_transcripts": pa.int32(),
    }
)
"""The columns between the allele's and the scores, with Arrow's types."""

GENE_SUMMARY_FIELDS: Mapping[str, pa.DataType] = MappingProxyType(
    {
        "gene:strongest": pa.string(),
        "gene:strongest_score": pa.float32(),
        "gene:nearest": pa.string(),
        "gene:nearest_distance": pa.int64(),
    }
)
"""What the summary of an allele says of its genes; all are missing if none is in its reach."""


class GeneScores(NamedTuple):
    """The genes in reach of an allele.

    Attributes:
      numbers: the genes' places among all genes, in ascending order.
      scores: float32 [genes, statistics * tracks], statistics outermost.
    """

    numbers: tuple[int, ...]
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class GeneTableSettings:
    """The settings of a table of genes.

    Attributes:
      genes: all genes; a gene's number is its place among them.
      statistics: names of the statistics.
      tracks: the tracks on which genes are scored.
      columns: whether scores are summarised by group of tracks, or written track by track.
    """

    genes: Sequence[Gene]
    statistics: Sequence[str]
    tracks: TrackTable
    columns: GeneColumns = "summary"

    @property
    def table(self) -> TableSettings:
        """The settings of a table of scores with these statistics and tracks."""
        return TableSettings(self.statistics, self.tracks)


class GeneTableFile:
    """An open table of genes."""

    def __init__(self, rows: RowWriter, settings: GeneTableSettings) -> None:
        """Keeps open rows, whose columns are those of an allele, its gene and the scores."""
        self._rows = rows
        self._settings = settings
        self.close = rows.close

    def write(self, alleles: Sequence[VcfAllele], genes: Sequence[GeneScores]) -> None:
        """Adds the genes of alleles, of which there is at least one."""
        settings = self._settings
        rows = [
            (allele, settings.genes[number]) for allele, of in zip(alleles, genes, strict=True) for number in of.numbers
        ]
        if not rows:
            return
        scores = np.concatenate([of.scores for of in genes if of.numbers])
        described = map(list, zip(*(_described(allele, gene) for allele, gene in rows), strict=True))
        fields = [*allele_fields([allele for allele, _ in rows]), *described]
        if settings.columns == "tracks":
            self._rows.write(fields, *settings.table.split(scores, None))
        else:
            self._rows.write([*fields, *summarize(settings.table, scores)])


def open_gene_table(
    stream: BinaryIO, paths: OutputPaths, settings: GeneTableSettings, metadata: Mapping[bytes, bytes]
) -> GeneTableFile:
    """Starts a table of genes: Parquet beside Parquet, and plain text beside text.

    Args:
      stream: the open file.
      paths: the names of the run's files.
      settings: how genes are written.
      metadata: written with the table if its format has a place for it.
    """
    fields = {**ALLELE_TYPES, **GENE_FIELDS}
    if settings.columns == "tracks":
        columns = TableColumns(fields, settings.table.table_columns.values)
    else:
        columns = TableColumns({**fields, **summary_types(settings.table)})
    rows = ParquetRows(stream, columns, metadata) if paths.is_parquet else TextRows(stream, columns)
    return GeneTableFile(rows, settings)


def _described(allele: VcfAllele, gene: Gene) -> tuple[str, str, str, int, int, int]:
    start = allele.variant.start
    tss = gene.nearest_tss(start) + 1
    return gene.id, gene.name, gene.strand, tss, gene.distance_bp(start), gene.num_transcripts


def summarize_genes(
    settings: GeneTableSettings, alleles: Sequence[VcfAllele], genes: Iterable[GeneScores]
) -> list[list[Any]]:
    """Returns the columns of genes in the summary of alleles, one for each of GENE_SUMMARY_FIELDS.

    The strongest gene is that of the largest score in magnitude, of the first statistic, on any of the tracks; the
    nearest has the nearest start of all that are in reach. Of equal ones, the first along the contig counts.
    """
    num_tracks = len(settings.tracks.identifiers)
    rows: list[tuple[str | None, float | None, str | None, int | None]] = []
    for allele, in_reach in zip(alleles, genes, strict=True):
        if not in_reach.numbers:
            rows.append((None, None, None, None))
            continue
        first = in_reach.scores[:, :num_tracks]
        row, track = np.unravel_index(np.abs(first).argmax(), first.shape)
        distances_bp = [settings.genes[number].distance_bp(allele.variant.start) for number in in_reach.numbers]
        nearest = min(range(len(distances_bp)), key=lambda index: abs(distances_bp[index]))
        names = [settings.genes[in_reach.numbers[index]].name for index in (int(row), nearest)]
        rows.append((names[0], float(first[row, track]), names[1], distances_bp[nearest]))
    return [list(column) for column in zip(*rows, strict=True)]


class GeneRows(NamedTuple):
    """Some consecutive rows, each an allele and a gene in its reach.

    Attributes:
      record: int64 [rows], the allele's record.
      allele: int64 [rows], its number in the record.
      distance_bp: int64 [rows], from the nearest start, negative upstream.
      name: the genes' symbols.
      strand: '+' or '-'.
      scores: float32 [rows, labels].
    """

    record: npt.NDArray[np.int64]
    allele: npt.NDArray[np.int64]
    distance_bp: npt.NDArray[np.int64]
    name: list[str]
    strand: list[str]
    scores: npt.NDArray[np.float32]


class GeneTable:
    """The table of genes of a run.

    Attributes:
      labels: the tracks, or groups of tracks, of the scores of one statistic.
    """

    def __init__(self, path: Path, statistic: str) -> None:
        """Reads the names of the columns.

        Args:
          path: the table.
          statistic: the statistic that is read.

        Raises:
          InputError: the table cannot be read, or has no such scores.
        """
        self._path = path
        with reading(path):
            names = column_names(path)
        of_tracks = [name for name in names if name.startswith(f"{statistic}:")]
        of_groups = {f"{statistic}:{group}:score": group for group in GROUPS}
        summarized = {name: of_groups[name] for name in of_tracks if name in of_groups}
        # Of a summary, the columns are STAT:GROUP:FIELD; otherwise STAT:IDENTIFIER.
        self._columns = summarized or {name: name.removeprefix(f"{statistic}:") for name in of_tracks}
        check_columns(path, names, [*NUMBERS, *TEXTS])
        if not self._columns:
            raise InputError(f"{path} has no scores {statistic}, which its run record names")
        self.labels: Sequence[str] = list(self._columns.values())

    def read(self) -> Iterator[GeneRows]:
        """Reads the table once.

        Yields:
          Consecutive rows: all of the table's, in order.

        Raises:
          InputError: the table cannot be read.
        """
        with reading(self._path), ExitStack() as stack:
            types = dict.fromkeys(NUMBERS, pa.int64()) | dict.fromkeys(TEXTS, pa.binary())
            types |= dict.fromkeys(self._columns, pa.float32())
            for batch in read_columns(self._path, types, BATCH_ROWS, stack):
                record, allele, distance = (batch[name].to_numpy(zero_copy_only=False) for name in NUMBERS)
                scores = [batch[name].to_numpy(zero_copy_only=False) for name in self._columns]
                name, strand = ([_text(value) for value in batch[name].to_pylist()] for name in TEXTS)
                yield GeneRows(record, allele, distance, name, strand, np.stack(scores, axis=1).astype(np.float32))


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
