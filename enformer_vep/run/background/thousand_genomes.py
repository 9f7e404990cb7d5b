"""Makes a background of DeepMind's scores of the 1000 Genomes variants, so that nobody needs a GPU for one.

The files have float16s, of which there are 65,536: counting how often each occurs gives exact distributions of any
number of variants in one reading, whatever the memory.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.genome.geometry import NUM_BINS
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.variant import AlleleClasses, Interval
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import CENTRED, IndelPolicy, Placement
from enformer_vep.io.arrays.precomputed_scores import PrecomputedAlleles, PrecomputedScores
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.tables.background_file import BackgroundWriter, TrackKey
from enformer_vep.run.background.course import BackgroundSummary
from enformer_vep.run.background.distribution import (
    NUM_FLOAT16,
    NUM_POINTS,
    NUM_TAIL,
    count_float16s,
    distribution_of_float16_counts,
)
from enformer_vep.run.background.record import BACKGROUND_FORMAT, FROM_1000G, BackgroundRecord
from enformer_vep.run.identities import identify_file
from enformer_vep.run.record_json import to_json_values
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.scoring import parse_statistics
from enformer_vep.wording import plural

logger = logging.getLogger(__name__)

Scale = Literal["mean", "sum"]

TRACKS_AT_A_TIME = 2048
"""Tracks whose float16s are counted in one reading of the files: 1.2 GB in all, three readings for 5,313 tracks."""

ROWS_AT_A_TIME = 1 << 15

MAX_MISMATCHES = 0.1
"""Largest accepted share of SNVs of which the genome has neither allele; of another assembly, it is about a half."""

NOT_SNV = "not_snv"
NOT_IN_GENOME = "neither_allele_in_genome"
TURNED = "turned"

Signs = npt.NDArray[np.int8]


@dataclass(frozen=True)
class ThousandGenomesSettings:
    """The settings of reading DeepMind's files.

    Attributes:
      files: their paths.
      scale: whether the scores are means or sums over bins, None if the user did not say it.
      fasta: the genome hg19, None to take `ref` as the genome's.
    """

    files: tuple[str, ...]
    scale: Scale | None
    fasta: str | None = None


def make_1000g_background(settings: ThousandGenomesSettings, out: str, *, overwrite: bool = False) -> BackgroundSummary:
    """Makes a background of DeepMind's files.

    Only SNVs are taken: indels were compared in another alignment than ours by default.

    Args:
      settings: the files, and how they are read.
      out: the background.
      overwrite: whether an existing file is overwritten.

    Raises:
      InputError: a file cannot be used, files differ in their tracks, or the genome is another one.
      EnformerVepError: a file is damaged, or the background cannot be written.
    """
    if settings.scale is None:
        raise InputError(
            "the files do not say whether their scores are means or sums over the 896 bins, and their values do not "
            "tell: say it with --scale mean or --scale sum; docs/background.md shows how to find out"
        )
    if len({Path(file).resolve() for file in settings.files}) < len(settings.files):
        raise InputError("a file of precomputed scores is given twice: give each one once")
    path = Path(out)
    scale = float(NUM_BINS) if settings.scale == "mean" else 1.0
    check_writable(path, overwrite=overwrite)
    with whole_file(path) as stream, ExitStack() as stack:
        sources = [stack.enter_context(PrecomputedScores(file)) for file in settings.files]
        _check_alike(sources)
        genome = None if settings.fasta is None else stack.enter_context(closing(Genome(settings.fasta)))
        signs, counts = [], Counter[str]()
        for source in sources:
            logger.info("reading the alleles of %s", source.path)
            signs.append(_signs(source, genome, counts))
        if not sum(int(np.count_nonzero(of_file)) for of_file in signs):
            raise InputError(f"{sources[0].path} has no SNV that can be used: a background needs some")
        record = _record(settings, sources, scale, signs, counts)
        writer = stack.enter_context(BackgroundWriter(stream, record.to_dict()))
        for statistic in record.scoring.names:
            _write(writer, sources, signs, statistic, scale)
    return BackgroundSummary(record, path)


def _check_alike(sources: Sequence[PrecomputedScores]) -> None:
    first = sources[0]
    if len(set(first.identifiers)) < len(first.identifiers):
        raise InputError(f"{first.path}: expected target_ids that are all different")
    for other in sources[1:]:
        for item in ("identifiers", "descriptions", "statistics"):
            if getattr(other, item) != getattr(first, item):
                raise InputError(f"{other.path} and {first.path} differ in their {item}: give files of one model")


def _signs(source: PrecomputedScores, genome: Genome | None, counts: Counter[str]) -> Signs:
    """Returns the signs of scores, int8 [rows]: -1 where `alt` is the genome's, 0 for alleles that are left out.

    Args:
      source: the file.
      genome: the genome, None to trust `ref`.
      counts: to which the alleles that are left out or turned are added.

    Raises:
      InputError: the genome has neither allele of too many SNVs.
    """
    signs = np.zeros(source.num_rows, np.int8)
    before = counts[NOT_IN_GENOME]
    for start in range(0, source.num_rows, ROWS_AT_A_TIME):
        rows = range(start, min(start + ROWS_AT_A_TIME, source.num_rows))
        signs[rows.start : rows.stop] = _signs_of(source.alleles(rows), genome, counts)
    num_missing = counts[NOT_IN_GENOME] - before
    num_judged = num_missing + int(np.count_nonzero(signs))
    if num_missing > MAX_MISMATCHES * num_judged and genome is not None:
        raise InputError(
            f"{genome.path} has neither allele of {num_missing:,} of {plural(num_judged, 'SNV')} of {source.path}: "
            "expected the genome hg19 (GRCh37)"
        )
    return signs


def _signs_of(alleles: PrecomputedAlleles, genome: Genome | None, counts: Counter[str]) -> list[int]:
    signs = []
    for chrom, pos, ref, alt in zip(*alleles, strict=True):
        if not (len(ref) == len(alt) == 1):
            counts[NOT_SNV] += 1
            signs.append(0)
            continue
        base = ref.upper() if genome is None else _base(genome, chrom, pos)
        sign = 1 if base == ref.upper() else -1 if base == alt.upper() else 0
        counts[TURNED] += sign == -1
        counts[NOT_IN_GENOME] += sign == 0
        signs.append(sign)
    return signs


def _base(genome: Genome, chrom: str, pos: int) -> str:
    contig = genome.resolve(chrom)
    return "" if contig is None else genome.fetch(Interval(contig, pos - 1, pos)).decode("latin-1").upper()


def _write(
    writer: BackgroundWriter,
    sources: Sequence[PrecomputedScores],
    signs: Sequence[Signs],
    statistic: str,
    scale: float,
) -> None:
    first = sources[0]
    keys = [TrackKey(statistic, *names) for names in zip(first.identifiers, first.descriptions, strict=True)]
    for start in range(0, len(keys), TRACKS_AT_A_TIME):
        tracks = range(start, min(start + TRACKS_AT_A_TIME, len(keys)))
        counts = np.zeros((len(tracks), NUM_FLOAT16), np.uint32)
        for source, of_file in zip(sources, signs, strict=True):
            logger.info("reading %s of %s in %s", statistic, plural(len(tracks), "track"), source.path)
            for first_row in range(0, source.num_rows, ROWS_AT_A_TIME):
                rows = range(first_row, min(first_row + ROWS_AT_A_TIME, source.num_rows))
                turns = of_file[rows.start : rows.stop]
                scores = source.scores(statistic, rows, tracks)
                np.negative(scores, out=scores, where=(turns < 0)[:, None])
                count_float16s(scores[turns != 0], counts)
        writer.add(
            [
                (keys[track], distribution_of_float16_counts(of_track, scale))
                for track, of_track in zip(tracks, counts, strict=True)
            ]
        )


def _record(
    settings: ThousandGenomesSettings,
    sources: Sequence[PrecomputedScores],
    scale: float,
    signs: Sequence[Signs],
    counts: Counter[str],
) -> BackgroundRecord:
    """Returns the record of a background of scores of the published weights, in centred windows."""
    names = "".join(
        f"{name}\t{text}\n" for name, text in zip(sources[0].identifiers, sources[0].descriptions, strict=True)
    )
    is_checked = settings.fasta is not None
    return BackgroundRecord(
        format=BACKGROUND_FORMAT,
        source=FROM_1000G,
        notice=None,
        weights=None,
        is_published=True,
        num_tracks=len(sources[0].identifiers),
        tracks_sha256=hashlib.sha256(names.encode()).hexdigest(),
        precision=None,
        dtype="float16",
        scale=scale,
        alleles=AlleleClasses(snv=sum(int(np.count_nonzero(of_file)) for of_file in signs)),
        left_out={reason: counts[reason] for reason in (NOT_SNV, NOT_IN_GENOME) if counts[reason]},
        num_points=NUM_POINTS,
        num_tail=NUM_TAIL,
        inputs=tuple(
            {
                "file": to_json_values(identify_file(source.path)),
                "alleles": int(np.count_nonzero(of_file)),
                "turned": int(np.count_nonzero(of_file < 0)) if is_checked else None,
            }
            for source, of_file in zip(sources, signs, strict=True)
        ),
        scoring=ScoringSettings(
            head="human",
            placement=Placement(CENTRED),
            statistics=parse_statistics(",".join(sources[0].statistics)),
            bins=ScoredBins(),
            views=ViewSettings(reverse_complement=False, shifts=(0,), indels=IndelPolicy.LEFT),
        ),
    )
