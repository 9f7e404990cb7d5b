"""Finds the genes of the alleles that a page lists: in one pass over the table of genes, or near them in a GTF."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import GeneError, InputError
from enformer_vep.genome.genes import GeneIndex
from enformer_vep.io.genome.contigs import common_name
from enformer_vep.io.genome.gtf import read_genes
from enformer_vep.io.tables.gene_table import GeneRows, GeneTable
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.report.contents import GeneColumns, NearGene, ShownAlleles
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import listed

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
        found = np.minimum(np.searchsorted(in_order, of_rows), len(in_order) - 1)
        for row in np.flatnonzero(in_order[found] == of_rows).tolist():
            place, gene = int(order[found[row]]), _gene(rows, row, genes.labels)
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
