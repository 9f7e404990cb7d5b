"""From a finished run to a page: the one module that knows every stage of `report`."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enformer_vep.errors import InputError
from enformer_vep.io.alleles import AlleleFields, VcfAllele
from enformer_vep.io.summary_table import TrackGroups
from enformer_vep.io.whole_file import check_writable, whole_file
from enformer_vep.report.contents import Contents, Counts, Detailed, Profile, Tracks
from enformer_vep.report.page import render
from enformer_vep.run.report_alleles import StrongestAlleles, find_strongest
from enformer_vep.run.report_facts import input_paths, read_course, read_skipped, run_facts
from enformer_vep.run.report_genes import find_genes
from enformer_vep.run.report_profiles import predict_profiles
from enformer_vep.run.report_settings import ReportSettings
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.run.signals import StopSignals
from enformer_vep.run.strongest import leading_statistic
from enformer_vep.wording import listed, plural, sized

logger = logging.getLogger(__name__)

MAX_ALLELES = 10_000
"""Alleles that a page lists."""

MAX_BYTES = 10_000_000
"""What a page with so many alleles stays below."""


@dataclass(frozen=True)
class ReportSummary:
    """What was written: alleles that the page lists, its size, and where it is."""

    num_alleles: int
    num_bytes: int
    path: Path

    def __str__(self) -> str:
        return f"wrote a page of {plural(self.num_alleles, 'allele')}, {sized(self.num_bytes)}: {self.path}"


def make_report(settings: ReportSettings) -> ReportSummary:
    """Makes a page of a finished run.

    Raises:
      InputError: the scores, or what goes with them, cannot be used.
      EnformerVepError: the page cannot be written.
    """
    path = Path(settings.out)
    check_writable(path, overwrite=settings.overwrite)
    table = ScoreTable.find(settings.scores)
    with StopSignals():
        page = render(_contents(table, settings))
        if len(page) > MAX_BYTES:
            logger.warning("the page has %s: with a smaller --top it opens faster", sized(len(page)))
        with whole_file(path) as stream:
            stream.write(page)
    return ReportSummary(min(table.num_alleles, MAX_ALLELES), len(page), path)


def _contents(table: ScoreTable, settings: ReportSettings) -> Contents:
    record, statistic = table.record, _statistic(table, settings.statistic)
    course, skipped = read_course(table), read_skipped(table)
    strongest = find_strongest(table, statistic, MAX_ALLELES, settings.top)
    genes = find_genes(table, strongest.alleles, strongest.detailed)
    vcf = input_paths(course).get("vcf")
    of_detailed = [[] for _ in strongest.detailed] if genes is None else genes.of_detailed
    profiles = _profiles(table, strongest, settings)
    return Contents(
        name=Path(vcf).name if vcf else table.path.name,
        notice=record.identity.notice,
        facts=run_facts(record, course),
        counts=Counts(record.counts.alleles_read, record.counts.alleles_scored, record.counts.alleles_skipped),
        skipped=skipped,
        statistic=statistic,
        tracks=_tracks(table),
        groups=tuple(TrackGroups.of(table.tracks.groups).members),
        alleles=strongest.alleles,
        histogram=strongest.histogram,
        detailed=[
            Detailed(place, scores, near, *([profile, ""] if isinstance(profile, Profile) else [None, profile]))
            for place, scores, near, profile in zip(
                strongest.detailed, strongest.scores, of_detailed, profiles, strict=True
            )
        ],
        genes=None if genes is None else genes.columns,
        remarks=_remarks(table, strongest),
    )


def _statistic(table: ScoreTable, wanted: str | None) -> str:
    names = table.record.identity.statistics
    if wanted is None:
        return leading_statistic(names)
    if wanted not in names:
        raise InputError(f"{table.path} has no scores {wanted}: expected {listed(names, len(names))}")
    return wanted


def _tracks(table: ScoreTable) -> Tracks:
    columns, notice = table.tracks.table, table.record.identity.notice
    # The page begins with the notice of a model that must not be mistaken for another; names need not repeat it.
    repeated = "" if notice is None else f" ({notice})"
    descriptions, biosamples = (
        [text.removesuffix(repeated) for text in columns[name]] for name in ("description", "biosample")
    )
    return Tracks(table.tracks.identifiers, descriptions, table.tracks.groups, biosamples)


def _profiles(table: ScoreTable, strongest: StrongestAlleles, settings: ReportSettings) -> Sequence[Profile | str]:
    """Returns the profile of each detailed allele on its strongest track of each group, the strongest track first."""
    if settings.profiles is None or not strongest.detailed:
        return [""] * len(strongest.detailed)
    alleles, tracks = [], []
    for place in strongest.detailed:
        fields = [strongest.alleles.fields[name][place] for name in AlleleFields._fields]
        alleles.append(VcfAllele.from_fields(AlleleFields(*fields)))  # type: ignore[arg-type]
        order = np.argsort(-np.abs(strongest.alleles.score[place]), kind="stable")
        tracks.append(strongest.alleles.track[place, order].tolist())
    return predict_profiles(table, alleles, tracks, settings.profiles, quiet=settings.quiet)


def _remarks(table: ScoreTable, strongest: StrongestAlleles) -> list[str]:
    found = []
    if table.tracks.is_unnamed or not any(table.tracks.table["description"]):
        found.append("The tracks have no names, so that assays and tissues are not known: score with --track-table.")
    if strongest.num_infinite:
        found.append(
            f"Scores of {plural(strongest.num_infinite, 'allele')} are too large for the numbers that they were "
            "written as, and are shown as 65,504."
        )
    return found
