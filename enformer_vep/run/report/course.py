"""The course of `report`, from a finished run to a page."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enformer_vep.errors import InputError
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.io.tables.summary_table import TrackGroups
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.report.contents import Contents, Counts, Detailed, Logo, Profile, Tracks
from enformer_vep.report.page import render
from enformer_vep.run.progress import StopSignals
from enformer_vep.run.report.alleles import StrongestAlleles, find_genes, find_strongest, nearest_genes
from enformer_vep.run.report.facts import input_paths, read_course, read_skipped, run_facts, track_texts
from enformer_vep.run.report.logos import Shown, find_logos
from enformer_vep.run.report.profiles import predict_profiles
from enformer_vep.run.report.settings import ReportSettings
from enformer_vep.run.score.summary import leading_statistic
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import listed, option, plural, sized

logger = logging.getLogger(__name__)

MAX_ALLELES = 10_000
"""Alleles that a page lists."""

MAX_BYTES = 10_000_000
"""A page with so many alleles is smaller."""


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
    columns = None if genes is None else genes.columns
    if settings.gtf is not None and genes is None:
        columns = nearest_genes(settings.gtf, strongest.alleles)
    elif settings.gtf is not None and settings.profiles is None:
        raise InputError(
            f"{table.path} has genes of its own, so that {option('-g')} has no effect: remove it, or draw the genes "
            f"below profiles with {option('-f')} and {option('-m')}"
        )
    logos = _logos(table, strongest, settings)
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
            Detailed(
                place,
                scores,
                near,
                profile if isinstance(profile, Profile) else None,
                "" if isinstance(profile, Profile) else profile,
                of_one,
            )
            for place, scores, near, profile, of_one in zip(
                strongest.detailed, strongest.scores, of_detailed, profiles, logos, strict=True
            )
        ],
        genes=columns,
        remarks=_remarks(table, strongest, logos, settings),
    )


def _statistic(table: ScoreTable, wanted: str | None) -> str:
    names = table.record.identity.scoring.names
    if wanted is None:
        return leading_statistic(names)
    if wanted not in names:
        raise InputError(f"{table.path} has no scores {wanted}: expected {listed(names, len(names))}")
    return wanted


def _tracks(table: ScoreTable) -> Tracks:
    descriptions, biosamples = (track_texts(table, name) for name in ("description", "biosample"))
    return Tracks(table.tracks.identifiers, descriptions, table.tracks.groups, biosamples)


def _profiles(table: ScoreTable, strongest: StrongestAlleles, settings: ReportSettings) -> Sequence[Profile | str]:
    """Returns the profile of each detailed allele on its strongest track of each group, the strongest track first."""
    if settings.profiles is None or not strongest.detailed:
        return [""] * len(strongest.detailed)
    tracks = []
    for place in strongest.detailed:
        order = np.argsort(-np.abs(strongest.alleles.score[place]), kind="stable")
        tracks.append(strongest.alleles.track[place, order].tolist())
    return predict_profiles(table, _detailed(strongest), tracks, settings.profiles, settings.gtf, quiet=settings.quiet)


def _logos(table: ScoreTable, strongest: StrongestAlleles, settings: ReportSettings) -> list[list[Logo]]:
    shown = [
        Shown(allele.variant, scores) for allele, scores in zip(_detailed(strongest), strongest.scores, strict=True)
    ]
    return find_logos(table, shown, settings.saturations, settings.contributions)


def _detailed(strongest: StrongestAlleles) -> list[VcfAllele]:
    columns = [strongest.alleles.fields[name] for name in AlleleFields._fields]
    fields = [AlleleFields(*(column[place] for column in columns)) for place in strongest.detailed]  # type: ignore[arg-type]
    return [VcfAllele.from_fields(of_allele) for of_allele in fields]


def _remarks(
    table: ScoreTable, strongest: StrongestAlleles, logos: Sequence[Sequence[Logo]], settings: ReportSettings
) -> list[str]:
    remarks = []
    if (settings.saturations or settings.contributions) and not any(logos):
        paths = listed(map(str, (*settings.saturations, *settings.contributions)))
        remarks.append(f"No logo is shown: none of the alleles in detail lies within the bases of {paths}.")
    if table.tracks.is_unnamed or not any(table.tracks.table["description"]):
        remarks.append("The tracks have no names, so that assays and tissues are not known: score with --track-table.")
    if strongest.num_infinite:
        remarks.append(
            f"Scores of {plural(strongest.num_infinite, 'allele')} are too large for the numbers that they were "
            "written as, and are shown as 65,504."
        )
    return remarks
