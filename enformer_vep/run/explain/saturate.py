"""Saturation of regions: makes the list of all changes there, which is then scored like any list of variants."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from enformer_vep.errors import InputError, OutputError
from enformer_vep.genome.codes import encode
from enformer_vep.genome.saturation import LETTERS, UNKNOWN, SaturatedBases
from enformer_vep.genome.tiling import covering_bins
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.windows import CENTRED, GRID, SHARED
from enformer_vep.io.arrays.zarr_folder import check_zarr_support
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.tables.outputs import SATURATION_SUFFIXES, STANDARD_OUTPUT, OutputPaths
from enformer_vep.run.arguments import find_regions, parse_regions
from enformer_vep.run.explain.settings import MAX_BASES, SaturateSettings
from enformer_vep.run.progress import duration
from enformer_vep.run.score.course import score_vcf
from enformer_vep.run.score.summary import ScoreSummary
from enformer_vep.run.session import Session
from enformer_vep.run.settings import ScoreSettings
from enformer_vep.wording import listed, option, plural

logger = logging.getLogger(__name__)

SECONDS_PER_ALLELE: Mapping[str, float] = MappingProxyType({SHARED: 2.2, GRID: 2.8, CENTRED: 7.0})
"""Roughly what an allele takes the official model on two CPU cores, by placement: docs/performance.md."""

SECONDS_OF_FULL_ENGINE = 22.0

PREDICTIONS = ("REF", "ALT")
"""Statistics of one allele alone."""


@dataclass(frozen=True)
class Cost:
    """The cost of a run: its alleles, and the seconds that they take the official model on two CPU cores."""

    num_alleles: int
    seconds: float

    @classmethod
    def of(cls, num_alleles: int, settings: ScoreSettings) -> "Cost":
        """Estimates the cost of a run's share of the alleles."""
        if settings.inputs.shard is not None:
            first, end = settings.inputs.shard.share(num_alleles)
            num_alleles = end - first
        views, is_full = settings.scoring.views, settings.compute.engine == "full"
        num_passes = len(views.shifts) * (1 + views.reverse_complement)
        of_one = SECONDS_OF_FULL_ENGINE if is_full else SECONDS_PER_ALLELE[settings.scoring.placement.name]
        return cls(num_alleles, num_alleles * num_passes * of_one)

    def __str__(self) -> str:
        took = duration(self.seconds)
        return f"{plural(self.num_alleles, 'allele')}, which take the official model about {took} on two CPU cores"


def saturate_regions(saturation: SaturateSettings, settings: ScoreSettings) -> ScoreSummary:
    """Scores every change of the bases of some regions, and writes the effects.

    Args:
      saturation: the regions, and which changes are made.
      settings: how they are scored, and what is written; the variants that it names are not read.

    Raises:
      InputError: the settings or an input cannot be used, or the run would take more alleles than are allowed.
      EnformerVepError: the run failed, or was stopped. Finished parts are kept.
    """
    _check_statistic(settings)
    _check_output(settings)
    named = parse_regions(saturation.regions)
    what = listed(region.text for region in named)
    inputs = settings.inputs
    with Session(settings.scoring, settings.compute, inputs.fasta, inputs.cache) as session:
        regions = find_regions(named, session.genome)
        num_bases = sum(span.length for span in _spans(regions))
        if num_bases > MAX_BASES:  # too many to be looked at
            raise _too_much(what, num_bases, Cost.of(3 * num_bases, settings), saturation)
        bases = find_bases(regions, session.genome, saturation.max_deletion_bp)
        _check_cost(bases, what, saturation, settings)
        return score_vcf(replace(settings, inputs=replace(inputs, vcf=what, saturated=bases)), session=session)


def find_bases(regions: Sequence[Interval], genome: Genome, max_deletion_bp: int = 0) -> SaturatedBases:
    """Reads the bases of regions.

    Args:
      regions: on the contigs of the genome; they may overlap.
      genome: the genome.
      max_deletion_bp: the longest deletions, 0 for none.
    """
    spans = _spans(regions)
    wider = [Interval(span.contig, span.start - 1, span.end + 1) for span in spans]
    return SaturatedBases(
        genome.contigs,
        tuple(regions),
        tuple(spans),
        tuple(_letters(genome.fetch(span)) for span in wider),
        max_deletion_bp,
    )


def _spans(regions: Sequence[Interval]) -> list[Interval]:
    """Returns the bases of regions once each, in the order of their contigs' names and of positions."""
    return [Interval(span.contig, span.first, span.stop) for span in covering_bins(regions, 1)]


def _letters(sequence: bytes) -> str:
    """Returns a sequence in upper case, in which everything but A, C, G and T is N."""
    return "".join((LETTERS + UNKNOWN)[code] for code in encode(sequence))


def _check_statistic(settings: ScoreSettings) -> None:
    """Refuses predictions, whose value for the genome's own letter is not 0."""
    for name in settings.scoring.names:
        if name in PREDICTIONS:
            raise InputError(
                f"{option('--stat', name)} is a prediction, not the effect of a change: choose another, such as SAD"
            )


def _check_output(settings: ScoreSettings) -> None:
    output = settings.output
    out = output.out or ""
    if out == STANDARD_OUTPUT:
        raise OutputError(f"a saturation cannot be written to standard output: name a file with {option('-o')}")
    paths = OutputPaths(out, suffixes=SATURATION_SUFFIXES)
    if settings.inputs.shard is not None and not paths.is_parquet:
        raise OutputError(
            f"{option('--shard')} cannot write {out}: write a table with {option('-o')} OUT.parquet, join the shards "
            f"with 'merge', and make arrays of the result with 'derive {option('--effects')}'"
        )
    if paths.is_folder:
        check_zarr_support()
    paths.check(overwrite=output.overwrite or output.resume)


def _check_cost(bases: SaturatedBases, what: str, saturation: SaturateSettings, settings: ScoreSettings) -> None:
    """Logs the cost of the run, or refuses it.

    Raises:
      InputError: there is nothing to change, or too much.
    """
    if bases.num_unknown == bases.num_bases:
        raise InputError(f"{what} has no base but N, which cannot be changed: choose other regions")
    cost = Cost.of(bases.num_substitutions + bases.num_deletions, settings)
    if cost.num_alleles > saturation.max_alleles:
        raise _too_much(what, bases.num_bases, cost, saturation)
    logger.info("%s (%s bp): %s", what, f"{bases.num_bases:,}", cost)
    if bases.num_unknown:
        logger.info("%s of them are N, which have no substitutions", f"{bases.num_unknown:,}")
    if bases.num_deletions_left_out:
        logger.info(
            "%s left out: they would delete N, or have N on both sides",
            plural(bases.num_deletions_left_out, "deletion"),
        )


def _too_much(what: str, num_bases: int, cost: Cost, saturation: SaturateSettings) -> InputError:
    most = f"expected at most {saturation.max_alleles:,} alleles"
    remedy = f"choose smaller regions, share the work with {option('--shard')}, or raise {option('--max-alleles')}"
    if num_bases > MAX_BASES:
        most, remedy = f"expected at most {MAX_BASES:,} bp", "choose smaller regions"
    return InputError(f"{what} ({num_bases:,} bp) takes {cost}: {most}; {remedy}")
