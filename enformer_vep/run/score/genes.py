"""Opens the annotation that a run scores genes of: reads it, and fits it to the genome and the tracks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from enformer_vep.errors import GeneError, TrackError
from enformer_vep.genome.genes import Gene, GeneIndex
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.genome.gtf import GtfGenes, read_genes
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.settings import GeneSettings
from enformer_vep.wording import listed, plural

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
    found = read_genes(settings.gtf, settings.transcripts)
    contigs = {contig: genome.resolve(contig) for contig in dict.fromkeys(gene.contig for gene in found.genes)}
    missing = [contig for contig, name in contigs.items() if name is None]
    if len(missing) == len(contigs):
        raise GeneError(
            f"{genome.path} has none of the contigs of the genes: {settings.gtf} has {listed(missing)}, the FASTA has "
            f"{listed(genome.contigs)}: use a GTF and a FASTA of the same assembly"
        )
    genes = [replace(gene, contig=name) for gene in found.genes if (name := contigs[gene.contig]) is not None]
    _check_positions(genes, settings.gtf, genome)
    _notify(genes, found, missing, settings, genome)
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
    genes: Sequence[Gene], found: GtfGenes, missing: Sequence[str], settings: GeneSettings, genome: Genome
) -> None:
    starts = sum(len(gene.tss) for gene in genes)
    logger.info("genes: %s with %s, from %s", plural(len(genes), "gene"), plural(starts, "start"), settings.gtf)
    if missing:
        num_left_out = len(found.genes) - len(genes)
        logger.info(
            "%s lacks %s of %s: %s; %s left out",
            genome.path,
            plural(len(missing), "contig"),
            settings.gtf,
            listed(missing),
            plural(num_left_out, "gene"),
        )
    if found.num_unstranded:
        logger.info("%s on no strand left out, as they have no start", plural(found.num_unstranded, "transcript"))


def choose_gene_tracks(choice: TrackChoice | None, known: TrackTable, predicted: TrackTable) -> GeneTracks:
    """Returns the tracks on which genes are scored: those of a choice that are predicted.

    Args:
      choice: what is wanted, None for CAGE.
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
            "genes are scored on CAGE tracks, but no track is known to be one: name the tracks with --track-table, or "
            "choose some with --gene-tracks"
        ) from error
    place = {index: number for number, index in enumerate(predicted.indices)}
    is_predicted = [index in place for index in wanted.indices]
    if not any(is_predicted):
        of_what = "CAGE" if choice is None else "--gene-tracks"
        raise GeneError(f"--tracks leaves out all {of_what} tracks, on which genes are scored: add some of them")
    table = wanted.table[is_predicted].reset_index(drop=True)
    chosen = replace(wanted, table=table)
    return GeneTracks(chosen, [place[index] for index in chosen.indices])
