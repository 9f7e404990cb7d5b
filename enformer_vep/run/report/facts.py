"""The facts of a page about the run: how its scores were computed, and which alleles were skipped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from enformer_vep.errors import InputError
from enformer_vep.report.contents import Fact, SkippedAllele, SkippedReason
from enformer_vep.run.identities import FileIdentity
from enformer_vep.run.run_record import MergeCourse, RunCourse, RunRecord, read_run_record
from enformer_vep.run.score.results import SKIPPED_COLUMNS
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import cause, plural

NUM_EXAMPLES = 20
"""Skipped alleles of a reason that the page lists."""

_DIGEST_CHARACTERS = 12


def read_course(table: ScoreTable) -> RunCourse | MergeCourse:
    """Reads how the run of a table went.

    Raises:
      InputError: the record beside the table is missing, or is that of another run.
    """
    path = table.paths.run
    if not path.is_file():
        raise InputError(f"no such file: {path}: it goes with {table.path}, and says how it was made")
    record = read_run_record(path)
    if record.identity != table.record.identity or record.course is None:
        raise InputError(f"{path} is the record of another run than {table.path}: keep the files of a run together")
    return record.course


def track_texts(table: ScoreTable, column: str) -> list[str]:
    """Returns a column of the track table as a page shows it.

    The page begins with the notice of a model that must not be mistaken for another; the texts need not repeat it.
    """
    notice = table.record.identity.notice
    repeated = "" if notice is None else f" ({notice})"
    return [str(text).removesuffix(repeated) for text in table.tracks.table[column]]


def input_paths(course: RunCourse | MergeCourse) -> Mapping[str, str]:
    """Returns the paths of a run's inputs; of merged shards, those of the first."""
    if isinstance(course, RunCourse):
        return course.paths
    paths: Mapping[str, str] = course.merged_from[0].get("paths", {})
    return paths


def run_facts(record: RunRecord, course: RunCourse | MergeCourse) -> list[Fact]:
    """Returns the facts of the run, in the order of the page."""
    identity, paths = record.identity, input_paths(course)
    model, scoring, compute = identity.model, identity.scoring, identity.compute
    length_bp = model.config.get("sequence_length_bp")
    known = "the published Enformer" if model.is_published else "not the published Enformer"
    shifts = ", ".join(f"{shift:+d}" if shift else "0" for shift in scoring.views.shifts)
    facts = [
        Fact("Variants", _file(paths.get("vcf"), identity.vcf)),
        Fact("Genome", _file(paths.get("fasta"), identity.fasta)),
        Fact("Weights", f"{model.name}: {known} (tensors {model.tensors_sha256[:_DIGEST_CHARACTERS]})"),
        Fact("Tracks", f"{identity.tracks.num_tracks:,} of the {scoring.head} head"),
        Fact("Statistics", ", ".join(scoring.names)),
        Fact("Window", f"{scoring.placement}" if length_bp is None else f"{length_bp:,} bp, {scoring.placement}"),
        Fact("Bins", str(scoring.bins)),
        Fact("Strands", "both, averaged" if scoring.views.reverse_complement else "forward"),
        Fact("Shifts (bp)", shifts),
        Fact("Alleles that change the length", scoring.views.indels.value),
        Fact("Precision", f"{compute.precision}, {compute.engine} engine, on {identity.device}"),
    ]
    if record.shard is not None:
        facts.append(Fact("Shard", f"{record.shard.number} of {record.shard.of}"))
    if identity.background is not None:
        facts.append(Fact("Background", _file(paths.get("background"), identity.background)))
    if (genes := identity.genes) is not None:
        facts.append(Fact("Genes", f"{_file(paths.get('gtf'), genes.gtf)}, {genes.settings.transcripts}"))
    facts.append(Fact("Versions", ", ".join(f"{name} {version}" for name, version in identity.versions.items())))
    if isinstance(course, RunCourse):
        facts.append(Fact("Started", course.started))
    else:
        facts.append(Fact("Merged from", plural(len(course.merged_from), "shard")))
    return [*facts, Fact("Command", course.command)]


def _file(path: str | None, identity: FileIdentity) -> str:
    return f"{Path(path).name if path else 'unnamed'} (sha256 {identity.digest[:_DIGEST_CHARACTERS]})"


@dataclass
class _Skipped:
    count: int = 0
    examples: list[SkippedAllele] = field(default_factory=list)


def read_skipped(table: ScoreTable) -> list[SkippedReason]:
    """Reads which alleles were skipped; the most frequent reason comes first.

    Raises:
      InputError: the list beside the table is missing or damaged, or does not fit the run record.
    """
    path, by_reason = table.paths.skipped, dict[str, _Skipped]()
    for values in _lines(path, table):
        of_reason = by_reason.setdefault(values["reason"], _Skipped())
        of_reason.count += 1
        if of_reason.count <= NUM_EXAMPLES:
            place, change = f"{values['chrom']}:{values['pos']}", f"{values['ref']}>{values['alt']}"
            of_reason.examples.append(SkippedAllele(place, values["id"], change, values["detail"]))
    counts = {reason: of_reason.count for reason, of_reason in by_reason.items()}
    if counts != table.record.counts.skipped_by_reason:
        raise InputError(f"{path} has other alleles than the run record of {table.path} says: use it as it was written")
    return [
        SkippedReason(reason, of_reason.count, tuple(of_reason.examples))
        for reason, of_reason in sorted(by_reason.items(), key=lambda item: (-item[1].count, item[0]))
    ]


def _lines(path: Path, table: ScoreTable) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            if next(lines, "").rstrip("\n").split("\t") != list(SKIPPED_COLUMNS):
                raise InputError(
                    f"{path} is not a list of skipped alleles: expected columns {' '.join(SKIPPED_COLUMNS)}"
                )
            for number, line in enumerate(lines, 2):
                values = line.rstrip("\n").split("\t")
                if len(values) != len(SKIPPED_COLUMNS):
                    raise InputError(
                        f"{path} line {number}: expected {len(SKIPPED_COLUMNS)} columns, found {len(values)}"
                    )
                yield dict(zip(SKIPPED_COLUMNS, values, strict=True))
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}: it goes with {table.path}, and lists what was skipped") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {cause(error)}") from error
