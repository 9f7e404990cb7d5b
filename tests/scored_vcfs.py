"""Made-up scores of real VCF files: outputs of `score` without a model."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from enformer_vep.errors import SkipReason
from enformer_vep.genome.genes import Gene
from enformer_vep.genome.variant import check_alleles
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.gene_table import GeneScores, GeneTableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.reader import VcfReader
from enformer_vep.run.identities import FileIdentity, TracksIdentity, identify_file
from enformer_vep.run.run_record import Counts, GenesIdentity, RunRecord, ShardRecord
from enformer_vep.run.score.parts import Part, SkippedAllele
from enformer_vep.run.score.results import ResultWriter, WholeFiles
from enformer_vep.run.settings import GeneSettings, Shard
from enformer_vep.scoring import parse_statistics
from tests.run_records import COURSE
from tests.score_tables import identity_of, random_scores
from tests.support import named_tracks

TRACKS = named_tracks(
    {
        "ENC1": "DNASE:cell a",
        "ENC2": "CHIP:H3K4me3:cell a",
        "CNhs1": "CAGE:brain, adult",
        "ENC|4;=, é": 'DNASE:a | b; "quoted" c=d, é \\ 100%',
        "CNhs2": "CAGE:liver",
    }
)
"""Five tracks in three groups, one of them with a name of every letter that INFO cannot have."""

GENES = [
    Gene(id="G1", name="ABC", contig="chr1", strand="+", tss=(100,), num_transcripts=1),
    Gene(id="G2", name="a b;c=d|é", contig="chr1", strand="-", tss=(900,), num_transcripts=2),
]

MAX_ALLELE_BP = 98_304


def read_alleles(vcf: str) -> tuple[list[VcfAllele], list[SkippedAllele]]:
    """Reads the alleles that could be scored on some genome, and those that could not on any."""
    scored, skipped = [], []
    with closing(VcfReader(vcf)) as reader:
        for allele in reader:
            problem = (SkipReason.MALFORMED_RECORD, allele.malformed) if allele.malformed else None
            problem = problem or check_alleles(allele.variant, MAX_ALLELE_BP)
            if problem:
                skipped.append(SkippedAllele(allele, *problem))
            else:
                scored.append(allele)
    return scored, skipped


def score(
    vcf: str,
    out: Path,
    *,
    tracks: TrackTable = TRACKS,
    statistics: tuple[str, ...] = ("SAD", "SAR"),
    left_out: Sequence[int] = (),
    shard: Shard | None = None,
    has_percentiles: bool = False,
    gene_columns: str | None = None,
    **identity: Any,
) -> Path:
    """Writes what `score` would write for a VCF, with random scores.

    Args:
      vcf: the VCF.
      out: the table's name.
      tracks: the tracks.
      statistics: the statistics.
      left_out: numbers of records that are in neither list.
      shard: the share of the alleles that is scored, with the scores that a single run gives them; None for all.
      has_percentiles: whether each score has a percentile: a thousandth of it, and NaN if it is from -1 to 1.
      gene_columns: the columns of the table of genes, None for no genes.
      **identity: other items of the run's identity: layout, dtype, summary, selection and so on.

    Returns:
      The table's name.
    """
    scored, skipped = read_alleles(vcf)
    scored = [allele for allele in scored if allele.record not in left_out]
    skipped = [each for each in skipped if each.allele.record not in left_out]
    scores = random_scores(len(scored), len(statistics) * len(tracks.identifiers))
    places = sorted((each.record, each.allele) for each in [*scored, *(one.allele for one in skipped)])
    share = (0, len(places)) if shard is None else shard.share(len(places))
    mine = set(places[slice(*share)])
    scores = scores[[(each.record, each.allele) in mine for each in scored]]
    scored = [each for each in scored if (each.record, each.allele) in mine]
    skipped = [each for each in skipped if (each.allele.record, each.allele.allele) in mine]
    if has_percentiles:
        identity["background"] = FileIdentity(1, sha256="b")
    genes = None
    if gene_columns is not None:
        genes = GeneTableSettings(GENES, ("SAR", "SAD"), tracks, gene_columns)  # type: ignore[arg-type]
        chosen = GeneSettings(gene_statistics=parse_statistics("SAR,SAD"), gene_columns=gene_columns)  # type: ignore[arg-type]
        identity["genes"] = GenesIdentity(FileIdentity(1, sha256="g"), TracksIdentity.of(tracks), chosen)
    made = identity_of(tracks, vcf=identify_file(vcf), statistics=statistics, **identity)
    of_genes = None if genes is None else gene_scores(scored, scores)
    num_rows = None if of_genes is None else sum(len(each.numbers) for each in of_genes)
    counts = Counts(0, 0, len(scored) + len(skipped), len(scored), len(skipped), {}, 0, num_rows)
    record = RunRecord(
        made, None if shard is None else ShardRecord(shard.number, shard.of, *share, len(places)), counts
    )
    paths = OutputPaths(str(out), summary=made.output.summary, genes=genes is not None)
    settings = TableSettings(
        statistics,
        tracks,
        made.output.layout,
        made.output.dtype,
        made.output.summary,
        has_percentiles,
    )
    paths.work.mkdir()
    with WholeFiles(paths) as files:
        percentiles: Any = (lambda _, values: thousandths(values)) if has_percentiles else None
        writer = ResultWriter(files, paths, settings, record, genes, percentiles)
        writer.write(Part(scored, scores, skipped, of_genes))
        writer.finish(replace(record, course=COURSE))
    paths.work.rmdir()
    return out


def thousandths(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) <= 1, np.nan, values / np.float32(1000)).astype(np.float32)


def gene_scores(alleles: Sequence[VcfAllele], scores: np.ndarray) -> list[GeneScores]:
    """In turns none, the first, both, and the second of GENES, whose scores are made of those of the allele."""
    found = []
    for row, allele in enumerate(alleles):
        numbers = ((), (0,), (0, 1), (1,))[allele.record % 4]
        found.append(GeneScores(numbers, np.array([scores[row] * (1 + number) for number in numbers], np.float32)))
    return found
