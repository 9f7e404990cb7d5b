"""Opens the annotation that a run scores genes of, fits it to the genome and the tracks, and says what genes cost."""

import logging
import sys
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain

from enformer_vep.errors import GeneError, TrackError
from enformer_vep.genome.genes import Gene, GeneIndex
from enformer_vep.genome.variant import check_alleles
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.genome.gtf import GtfGenes, read_genes
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.score.gene_scorer import GeneScorer
from enformer_vep.run.score.inputs import RunInputs
from enformer_vep.run.settings import GeneSettings
from enformer_vep.wording import listed, option, plural

logger = logging.getLogger(__name__)

DEFAULT_TRACKS = "assay:CAGE"


@dataclass(frozen=True)
class GeneTracks:
    """The tracks on which genes are scored.

    Attributes:
      table: the tracks, in the order wanted.
      places: where each stands among the tracks that the run predicts.
    """

    table: TrackTable
    places: list[int]


def open_genes(settings: GeneSettings, genome: Genome) -> GeneIndex | None:
    """Reads the genes of a run, and names their contigs as the FASTA does.

    Contigs that the FASTA lacks are left out, with one notice.

    Args:
      settings: the annotation, if any, and the transcripts that count.
      genome: the FASTA.

    Raises:
      GeneError: the annotation cannot be read, or belongs to another assembly.
    """
    if settings.gtf is None:
        return None
    annotated = read_genes(settings.gtf, settings.transcripts)
    contigs = {contig: genome.resolve(contig) for contig in dict.fromkeys(gene.contig for gene in annotated.genes)}
    missing = [contig for contig, name in contigs.items() if name is None]
    if len(missing) == len(contigs):
        raise GeneError(
            f"{genome.path} has none of the contigs of the genes: {settings.gtf} has {listed(missing)}, the FASTA has "
            f"{listed(genome.contigs)}: use a GTF and a FASTA of the same assembly"
        )
    genes = [replace(gene, contig=name) for gene in annotated.genes if (name := contigs[gene.contig]) is not None]
    _check_positions(genes, settings.gtf, genome)
    _notify(genes, annotated, missing, settings, genome)
    return GeneIndex(genes)


def _check_positions(genes: Sequence[Gene], path: str, genome: Genome) -> None:
    for gene in genes:
        length_bp = genome.contigs[gene.contig]
        if gene.tss[-1] >= length_bp:
            raise GeneError(
                f"a transcript of {gene.name} in {path} starts at {gene.contig}:{gene.tss[-1] + 1}, beyond the "
                f"{length_bp:,} bp that {genome.path} has there: use a GTF and a FASTA of the same assembly"
            )


def _notify(
    genes: Sequence[Gene], annotated: GtfGenes, missing: Sequence[str], settings: GeneSettings, genome: Genome
) -> None:
    starts = sum(len(gene.tss) for gene in genes)
    logger.info("genes: %s with %s, from %s", plural(len(genes), "gene"), plural(starts, "start"), settings.gtf)
    if missing:
        num_left_out = len(annotated.genes) - len(genes)
        logger.info(
            "%s lacks %s of %s: %s; %s left out",
            genome.path,
            plural(len(missing), "contig"),
            settings.gtf,
            listed(missing),
            plural(num_left_out, "gene"),
        )
    if annotated.num_unstranded:
        logger.info("%s on no strand left out, as they have no start", plural(annotated.num_unstranded, "transcript"))


def choose_gene_tracks(choice: TrackChoice | None, known: TrackTable, predicted: TrackTable) -> GeneTracks:
    """Returns the tracks on which genes are scored: those of a choice that are predicted.

    Args:
      choice: the wanted tracks, None for CAGE.
      known: all tracks of the head.
      predicted: those that the run predicts.

    Raises:
      TrackError: an entry of the choice is not a track of the head.
      GeneError: none of them is predicted.
    """
    try:
        wanted = known.select(TrackChoice.parse(DEFAULT_TRACKS) if choice is None else choice)
    except TrackError as error:
        if choice is not None:
            raise
        raise GeneError(
            "genes are scored on CAGE tracks, but no track is known to be one: name the tracks with "
            f"{option('--track-table')}, or choose some with {option('--gene-tracks')}"
        ) from error
    place = {index: number for number, index in enumerate(predicted.indices)}
    is_predicted = [index in place for index in wanted.indices]
    if not any(is_predicted):
        of_what = "CAGE" if choice is None else option("--gene-tracks")
        raise GeneError(
            f"{option('--tracks')} leaves out all {of_what} tracks, on which genes are scored: add some of them"
        )
    table = wanted.table[is_predicted].reset_index(drop=True)
    chosen = replace(wanted, table=table)
    return GeneTracks(chosen, [place[index] for index in chosen.indices])


def state_cost(genes: GeneScorer, inputs: RunInputs, part_size: int, finished: Collection[int]) -> None:
    """Logs how many passes of the model the genes of a run take. The variants are read once more to count them.

    Alleles that do not fit the genome are counted too: only the run itself compares them with it.

    Args:
      genes: finds the genes in reach.
      inputs: the variants and the genome.
      part_size: alleles of a part.
      finished: numbers of the parts that need not be run.
    """
    num_alleles = num_pairs = 0
    numbers: set[int] = set()
    with closing(inputs.parts(part_size, finished)) as parts:
        for allele in chain.from_iterable(parts):
            contig = inputs.genome.resolve(allele.variant.chrom)
            if allele.malformed or contig is None or check_alleles(allele.variant, sys.maxsize):
                continue
            in_reach = genes.around(allele.variant, contig)
            numbers.update(in_reach)
            num_alleles += bool(in_reach)
            num_pairs += len(in_reach)
    logger.info(
        "genes: %s in the windows of %s make %s: each takes a pass of its own, and each gene at least one for its "
        "reference, besides the passes of the alleles' own windows",
        plural(num_alleles, "allele"),
        plural(len(numbers), "gene"),
        plural(num_pairs, "pair"),
    )
