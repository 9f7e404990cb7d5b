"""The alleles of a page: the strongest of a table, found in one pass, how all effects are distributed, and their genes.

Genes are found in one pass over the table of genes, or near the alleles in a GTF.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import GeneError, InputError
from enformer_vep.genome.genes import GeneIndex
from enformer_vep.io.genome.contigs import common_name
from enformer_vep.io.genome.gtf import read_genes
from enformer_vep.io.tables.gene_table import GeneRows, GeneTable
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.score_rows import ScoredRows
from enformer_vep.io.tables.summary_table import TrackGroups
from enformer_vep.io.vcf.alleles import AlleleFields
from enformer_vep.report.contents import GeneColumns, Histogram, NearGene, ShownAlleles
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import listed

Float32s = npt.NDArray[np.float32]
Int64s = npt.NDArray[np.int64]

PER_DECADE = 5
FIRST_DECADE, NUM_DECADES = -6, 12
"""Scores are counted in classes from a millionth to a million; those beyond are in the first or last class."""

ALLELES_PER_RECORD = 1 << 20
"""More than any record has, to make one number of a record and an allele."""


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
        of_batch = _strongest(batch, groups, first)
        first += len(of_batch.rows)
        counted.add(of_batch.score)
        best = np.argsort(-of_batch.strength, kind="stable")[:num_detailed]
        detailed = np.concatenate([detailed, of_batch.rows[best]])
        detailed_scores = np.concatenate([detailed_scores, scores[best]])
        order = np.lexsort((detailed, -np.abs(detailed_scores).max(axis=1)))[:num_detailed]
        detailed, detailed_scores = detailed[order], detailed_scores[order]
        pieces.append(of_batch.strongest(num_alleles))
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
    of_groups = [strongest for _, _, strongest in groups.strongest(batch.scores[:, : groups.num_tracks])]
    track = np.stack([strongest.track for strongest in of_groups], axis=1)
    score = np.stack([strongest.score for strongest in of_groups], axis=1)
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
        """Counts the scores of some alleles: float32 [alleles, groups]."""
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


class FoundGenes(NamedTuple):
    """The genes of alleles: the nearest and strongest of each, and all of those that are shown in detail."""

    columns: GeneColumns
    of_detailed: list[list[NearGene]]


def find_genes(table: ScoreTable, alleles: ShownAlleles, detailed: Sequence[int]) -> FoundGenes | None:
    """Reads the genes of alleles.

    Args:
      table: the scores.
      alleles: the alleles that are listed.
      detailed: places of those of which all genes are wanted.

    Returns:
      None if no genes were scored.

    Raises:
      InputError: the table of genes is missing or damaged.
    """
    identity = table.record.identity.genes
    if identity is None:
        return None
    path = _path(table)
    statistic = identity.settings.gene_statistics[0].name
    genes = GeneTable(path, statistic)
    keys = _keys(alleles.fields["record"], alleles.fields["allele"])
    order = np.argsort(keys)
    in_order = keys[order]
    nearest: list[NearGene | None] = [None] * len(keys)
    strongest: list[NearGene | None] = [None] * len(keys)
    wanted: dict[int, list[NearGene]] = {place: [] for place in detailed}
    for rows in genes.read():
        of_rows = _keys(rows.record, rows.allele)
        at = np.minimum(np.searchsorted(in_order, of_rows), len(in_order) - 1)
        for row in np.flatnonzero(in_order[at] == of_rows).tolist():
            place, gene = int(order[at[row]]), _gene(rows, row, genes.labels)
            before = nearest[place]
            if before is None or abs(gene.distance_bp) < abs(before.distance_bp):
                nearest[place] = gene
            before = strongest[place]
            if before is None or _strength(gene) > _strength(before):
                strongest[place] = gene
            if place in wanted:
                wanted[place].append(gene)
    of_detailed = [sorted(wanted[place], key=_strength, reverse=True) for place in detailed]
    return FoundGenes(GeneColumns(nearest, strongest, statistic), of_detailed)


def nearest_genes(gtf: str, alleles: ShownAlleles) -> GeneColumns:
    """Returns the gene of a GTF that starts nearest to each allele; contigs go by any of their names.

    Raises:
      GeneError: the GTF cannot be read, or has none of the contigs of the alleles.
    """
    genes = GeneIndex(replace(gene, contig=common_name(gene.contig)) for gene in read_genes(gtf).genes)
    nearest: list[NearGene | None] = []
    for chrom, pos in zip(alleles.fields["chrom"], alleles.fields["pos"], strict=True):
        gene = genes.nearest(common_name(str(chrom)), int(pos) - 1)
        near = None if gene is None else NearGene(gene.name, gene.strand, gene.distance_bp(int(pos) - 1))
        nearest.append(near)
    if nearest and not any(nearest):
        contigs = dict.fromkeys(map(str, alleles.fields["chrom"]))
        raise GeneError(
            f"{gtf} has no gene on the contigs of the alleles, {listed(contigs)}: use a GTF of the same assembly"
        )
    return GeneColumns(nearest)


def _path(table: ScoreTable) -> Path:
    path = OutputPaths(str(table.path), genes=True).genes
    assert path is not None
    if not path.is_file():
        raise InputError(f"no such file: {path}: it goes with {table.path}, and has the scores of its genes")
    return path


def _strength(gene: NearGene) -> float:
    return abs(gene.score or 0.0)


def _keys(record: Sequence[str | int] | npt.NDArray[np.int64], allele: object) -> npt.NDArray[np.int64]:
    return np.asarray(record, dtype=np.int64) * ALLELES_PER_RECORD + np.asarray(allele, dtype=np.int64)


def _gene(rows: GeneRows, row: int, labels: Sequence[str]) -> NearGene:
    column = int(np.abs(rows.scores[row]).argmax())
    score = float(rows.scores[row, column])
    return NearGene(rows.name[row], rows.strand[row], int(rows.distance_bp[row]), score, labels[column])
