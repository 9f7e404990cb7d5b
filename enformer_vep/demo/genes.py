"""The demo's genes: the promoters of the made-up world, their GTF, and how well scores tell which gene is concerned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from enformer_vep.demo.motifs import FACTOR_BY_NAME
from enformer_vep.demo.recovery import share_below
from enformer_vep.demo.variants import SiteVariant
from enformer_vep.demo.world import CAGE_TRACKS, ENHANCER_REACH_BP, PROMOTER_FACTOR, Contig, cage_track
from enformer_vep.genome.genes import FORWARD, REVERSE, Gene

GENE_STATISTIC = "SADR"

MAX_APART_BP = 1_000
"""Promoters on one strand that are closer than this are starts of one gene."""

TRANSCRIPT_BP = 800
"""Length of every transcript, unless its contig ends before."""

LEAST_AUROC = 0.95
LEAST_SHARE_LOWERED = 0.95
"""The least that a working installation reaches with the demo model."""


def made_up_genes(contigs: Sequence[Contig]) -> list[Gene]:
    """Makes a gene of every promoter, or of several that are close together, in the direction of the TATA box.

    Its starts are the middles of the TATA boxes, around which the world's rules spread the counts of CAGE.
    """
    factor = FACTOR_BY_NAME[PROMOTER_FACTOR]
    sites: list[tuple[str, int, str, list[int]]] = []
    for contig in contigs:
        for strand, mismatches in zip((FORWARD, REVERSE), factor.mismatches(contig.codes), strict=True):
            starts = np.flatnonzero(mismatches == 0) + factor.length_bp // 2
            for group in np.split(starts, np.flatnonzero(np.diff(starts) > MAX_APART_BP) + 1):
                if len(group):
                    sites.append((contig.name, int(group[0]), strand, group.tolist()))
    rank = {contig.name: number for number, contig in enumerate(contigs)}
    sites.sort(key=lambda gene: (rank[gene[0]], gene[1], gene[2]))
    return [
        Gene(f"DEMO{number:05d}", f"GENE{number}", contig, strand, tuple(tss), len(tss))
        for number, (contig, _, strand, tss) in enumerate(sites, start=1)
    ]


def write_gtf(path: Path, genes: Sequence[Gene], contigs: Sequence[Contig], notice: str) -> None:
    """Writes genes and their transcripts as GENCODE does."""
    lengths = {contig.name: len(contig.codes) for contig in contigs}
    with path.open("w", encoding="ascii") as lines:
        lines.write(f"##description: genes of the enformer-vep demo, {notice}\n##format: gtf\n")
        for gene in genes:
            spans = [_transcript(gene, tss, lengths[gene.contig]) for tss in gene.tss]
            names = f'gene_id "{gene.id}"; gene_type "made_up"; gene_name "{gene.name}";'
            whole = min(span[0] for span in spans), max(span[1] for span in spans)
            lines.write(_line(gene, "gene", whole, names))
            for number, span in enumerate(spans, start=1):
                lines.write(
                    _line(gene, "transcript", span, f'{names} transcript_id "{gene.id}.{number}"; tag "basic";')
                )


def _transcript(gene: Gene, tss: int, length_bp: int) -> tuple[int, int]:
    """Returns the first and the last base of a transcript, 1-based."""
    if gene.strand == FORWARD:
        return tss + 1, min(tss + TRANSCRIPT_BP, length_bp)
    return max(tss + 2 - TRANSCRIPT_BP, 1), tss + 1


def _line(gene: Gene, feature: str, span: tuple[int, int], attributes: str) -> str:
    return f"{gene.contig}\tdemo\t{feature}\t{span[0]}\t{span[1]}\t.\t{gene.strand}\t.\t{attributes}\n"


@dataclass(frozen=True)
class GeneRecovery:
    """How well the scores of genes agree with the truth about variants that break a site of an enhancer.

    A gene is a target if the enhancer reaches it: by the world's rules, if it starts less than 40 kb away.

    Attributes:
      auroc: area under the ROC curve of the largest |SADR| of a gene, targets against other genes in reach of the
        model's window.
      num_targets: pairs of a variant and a target.
      num_lowered: those with a negative SADR in the CAGE track of the enhancer's cell type.
    """

    auroc: float
    num_targets: int
    num_lowered: int

    @property
    def is_good(self) -> bool:
        """Whether the scores tell nearly all targets, as the demo model has learned to."""
        return self.auroc >= LEAST_AUROC and self.num_lowered >= LEAST_SHARE_LOWERED * self.num_targets

    def __str__(self) -> str:
        return (
            f"  genes that a broken enhancer reaches, by |{GENE_STATISTIC}|    AUROC {self.auroc:.3f}\n"
            f"  it lowers them in its cell type                    {self.num_lowered} of {self.num_targets}"
        )


def gene_column(track: str) -> str:
    """The column of a gene's score on a track."""
    return f"{GENE_STATISTIC}:{track}"


def broken_enhancers(genes: pd.DataFrame, truths: Mapping[int, SiteVariant]) -> pd.DataFrame:
    """Returns the rows of variants that break a site of an enhancer, with the score in its cell type as `own`."""
    broken = {number: truth for number, truth in truths.items() if truth.kind == "enhancer_break"}
    rows: pd.DataFrame = genes[genes["record"].isin(broken)].reset_index(drop=True)
    columns = [gene_column(cage_track(broken[record].factor)) for record in rows["record"]]
    rows["own"] = [rows[column].iloc[row] for row, column in enumerate(columns)]
    rows["factor"] = [broken[record].factor for record in rows["record"]]
    return rows


def measure_gene_recovery(genes: pd.DataFrame, truths: Mapping[int, SiteVariant]) -> GeneRecovery:
    """Compares the scores of genes with the truth.

    Args:
      genes: the table of genes of a run with the demo model, with a column for each CAGE track.
      truths: the truth by the number of the VCF's record.
    """
    rows = broken_enhancers(genes, truths)
    is_target = (rows["distance"].abs() < ENHANCER_REACH_BP).to_numpy()
    strongest = rows[[gene_column(track) for track in CAGE_TRACKS]].abs().max(axis=1).to_numpy()
    shares = [share_below(score, strongest[~is_target]) for score in strongest[is_target]]
    return GeneRecovery(float(np.mean(shares)), int(is_target.sum()), int((rows["own"][is_target] < 0).sum()))
