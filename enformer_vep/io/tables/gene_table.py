"""The table of genes: one row for each allele and gene in its reach, as Parquet or tab-separated text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.genome.genes import Gene
from enformer_vep.io.genome.gene_choices import GeneColumns
from enformer_vep.io.tables.formats import (
    ALLELE_TYPES,
    ROW_GROUP_ROWS,
    RowGroups,
    TableSettings,
    allele_columns,
    parquet_writer,
    shortest,
    write_line,
)
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.summary_table import FIELDS, summarize, summary_columns
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele

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
    """How genes are written.

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
    def score_types(self) -> list[tuple[str, pa.DataType]]:
        """Names and Arrow's types of the columns after the gene's."""
        of_scores = TableSettings(self.statistics, self.tracks)
        if self.columns == "tracks":
            return [(name, pa.float32()) for name in of_scores.columns]
        names = summary_columns(of_scores)
        kinds = [*FIELDS.values()] * (len(names) // len(FIELDS))
        return list(zip(names, kinds, strict=True))


class GeneTableFile(Protocol):
    """An open table of genes."""

    def write(self, alleles: Sequence[VcfAllele], genes: Sequence[GeneScores]) -> None:
        """Adds the genes of alleles, of which there is at least one."""
        ...

    def close(self) -> None:
        """Writes the rest."""
        ...


def open_gene_table(
    stream: BinaryIO, paths: OutputPaths, settings: GeneTableSettings, metadata: Mapping[bytes, bytes]
) -> GeneTableFile:
    """Starts a table of genes: Parquet beside Parquet, and plain text beside text.

    Args:
      stream: where it is written.
      paths: the names of the run's files.
      settings: how genes are written.
      metadata: what is written with it if its format has a place for it.
    """
    return (_ParquetGenes if paths.is_parquet else _TextGenes)(stream, settings, metadata)


def _columns(
    settings: GeneTableSettings, rows: Sequence[tuple[VcfAllele, int]], scores: npt.NDArray[np.float32]
) -> list[Any]:
    """Returns the columns after the allele's for some rows, each an allele and its gene's number."""
    described = [_described(allele, settings.genes[number]) for allele, number in rows]
    found: list[Any] = [list(column) for column in zip(*described, strict=True)]
    if settings.columns == "tracks":
        return found + list(np.ascontiguousarray(scores.T))
    return found + summarize(TableSettings(settings.statistics, settings.tracks), scores)


def _described(allele: VcfAllele, gene: Gene) -> tuple[str, str, str, int, int, int]:
    start = allele.variant.start
    tss = gene.nearest_tss(start) + 1
    return gene.id, gene.name, gene.strand, tss, gene.distance_bp(start), gene.num_transcripts


class _TextGenes:
    def __init__(self, stream: BinaryIO, settings: GeneTableSettings, metadata: Mapping[bytes, bytes]) -> None:
        self._stream = stream
        self._settings = settings
        names = [name for name, _ in settings.score_types]
        write_line(stream, [*AlleleFields._fields, *GENE_FIELDS, *names])

    def write(self, alleles: Sequence[VcfAllele], genes: Sequence[GeneScores]) -> None:
        rows, scores = _rows(alleles, genes)
        if not rows:
            return
        columns = [_to_text(column) for column in _columns(self._settings, rows, scores)]
        for index, (allele, _) in enumerate(rows):
            write_line(self._stream, [*map(str, allele.fields), *(column[index] for column in columns)])

    def close(self) -> None:
        self._stream.flush()


class _ParquetGenes:
    """Writes row groups of one size, whatever the sizes of the parts."""

    def __init__(self, stream: BinaryIO, settings: GeneTableSettings, metadata: Mapping[bytes, bytes]) -> None:
        self._settings = settings
        fields = [*ALLELE_TYPES.items(), *GENE_FIELDS.items(), *settings.score_types]
        self._schema = pa.schema([pa.field(name, kind) for name, kind in fields], metadata)
        self._groups = RowGroups(parquet_writer(stream, self._schema), ROW_GROUP_ROWS)

    def write(self, alleles: Sequence[VcfAllele], genes: Sequence[GeneScores]) -> None:
        rows, scores = _rows(alleles, genes)
        if rows:
            self._groups.add(self._table(rows, scores))

    def close(self) -> None:
        self._groups.close()

    def _table(self, rows: Sequence[tuple[VcfAllele, int]], scores: npt.NDArray[np.float32]) -> pa.Table:
        kinds = [field.type for field in self._schema][len(ALLELE_TYPES) :]
        values = _columns(self._settings, rows, scores)
        columns = [pa.array(column, kind) for column, kind in zip(values, kinds, strict=True)]
        return pa.Table.from_arrays([*allele_columns([row[0] for row in rows]), *columns], schema=self._schema)


def _rows(
    alleles: Sequence[VcfAllele], genes: Sequence[GeneScores]
) -> tuple[list[tuple[VcfAllele, int]], npt.NDArray[np.float32]]:
    rows = [(allele, number) for allele, found in zip(alleles, genes, strict=True) for number in found.numbers]
    with_genes = [found.scores for found in genes if found.numbers]
    return rows, np.concatenate(with_genes) if with_genes else np.empty((0, 0), dtype=np.float32)


def _to_text(column: Any) -> list[str]:
    if isinstance(column, np.ndarray) and column.dtype == np.float32:
        return shortest(column)
    return [str(value) for value in column]


def summarize_genes(
    settings: GeneTableSettings, alleles: Sequence[VcfAllele], genes: Iterable[GeneScores]
) -> list[list[Any]]:
    """Returns what the summary of alleles says of their genes, a column for each of GENE_SUMMARY_FIELDS.

    The strongest gene is that of the largest score in magnitude, of the first statistic, on any of the tracks; the
    nearest has the nearest start of all that are in reach. Of equal ones, the first along the contig counts.
    """
    num_tracks = len(settings.tracks.identifiers)
    rows: list[tuple[str | None, float | None, str | None, int | None]] = []
    for allele, found in zip(alleles, genes, strict=True):
        if not found.numbers:
            rows.append((None, None, None, None))
            continue
        first = found.scores[:, :num_tracks]
        row, track = np.unravel_index(np.abs(first).argmax(), first.shape)
        distances_bp = [settings.genes[number].distance_bp(allele.variant.start) for number in found.numbers]
        nearest = min(range(len(distances_bp)), key=lambda index: abs(distances_bp[index]))
        names = [settings.genes[found.numbers[index]].name for index in (int(row), nearest)]
        rows.append((names[0], float(first[row, track]), names[1], distances_bp[nearest]))
    return [list(column) for column in zip(*rows, strict=True)]
