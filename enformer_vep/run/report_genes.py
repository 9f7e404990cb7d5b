"""Finds the genes of the alleles that a page lists, in one pass over the table of genes."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.io.gene_rows import GeneRows, GeneTable
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.report.contents import GeneColumns, NearGene, ShownAlleles
from enformer_vep.run.score_table import ScoreTable

ALLELES_PER_RECORD = 1 << 20
"""More than any record has, to make one number of a record and an allele."""


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
    statistic = identity.statistics[0]
    genes = GeneTable(path, statistic)
    keys = _keys(alleles.fields["record"], alleles.fields["allele"])
    order = np.argsort(keys)
    in_order = keys[order]
    nearest: list[NearGene | None] = [None] * len(keys)
    strongest: list[NearGene | None] = [None] * len(keys)
    wanted: dict[int, list[NearGene]] = {place: [] for place in detailed}
    for rows in genes.read():
        of_rows = _keys(rows.record, rows.allele)
        found = np.minimum(np.searchsorted(in_order, of_rows), len(in_order) - 1)
        for row in np.flatnonzero(in_order[found] == of_rows).tolist():
            place, gene = int(order[found[row]]), _gene(rows, row, genes.labels)
            before = nearest[place]
            if before is None or abs(gene.distance_bp) < abs(before.distance_bp):
                nearest[place] = gene
            before = strongest[place]
            if before is None or abs(gene.score) > abs(before.score):
                strongest[place] = gene
            if place in wanted:
                wanted[place].append(gene)
    of_detailed = [sorted(wanted[place], key=lambda gene: -abs(gene.score)) for place in detailed]
    return FoundGenes(GeneColumns(statistic, nearest, strongest), of_detailed)


def _path(table: ScoreTable) -> Path:
    path = OutputPaths(str(table.path), genes=True).genes
    assert path is not None
    if not path.is_file():
        raise InputError(f"no such file: {path}: it goes with {table.path}, and has the scores of its genes")
    return path


def _keys(record: Sequence[str | int] | npt.NDArray[np.int64], allele: object) -> npt.NDArray[np.int64]:
    return np.asarray(record, dtype=np.int64) * ALLELES_PER_RECORD + np.asarray(allele, dtype=np.int64)


def _gene(rows: GeneRows, row: int, labels: Sequence[str]) -> NearGene:
    column = int(np.abs(rows.scores[row]).argmax())
    score = float(rows.scores[row, column])
    return NearGene(rows.name[row], rows.strand[row], int(rows.distance_bp[row]), score, labels[column])
