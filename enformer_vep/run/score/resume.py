"""Decides whether a run may continue from finished parts, and which files it may replace."""

import logging
from pathlib import Path

from enformer_vep.errors import InputError, OutputError
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tracks.table import REQUIRED_COLUMNS
from enformer_vep.io.vcf.alleles import AlleleFields
from enformer_vep.run.run_record import RunPlan, RunRecord, is_run_record, read_run_record
from enformer_vep.run.score.parts import WorkFolder
from enformer_vep.run.score.results import SKIPPED_COLUMNS
from enformer_vep.run.settings import DEFAULT_PART_SIZE, OutputSettings, ScoreSettings
from enformer_vep.wording import option

logger = logging.getLogger(__name__)


def check_outputs(settings: ScoreSettings, paths: OutputPaths) -> None:
    """Checks that a run's files can be written, and writes nothing.

    A run with --resume replaces files that an earlier run left, finished or not, and no others.

    Raises:
      OutputError: a file cannot be written, or exists and must not be replaced.
    """
    paths.check(overwrite=settings.output.overwrite or settings.output.resume)
    if settings.output.overwrite:
        return
    for path in paths.all:
        if path.exists() and not _is_ours(path, paths, settings):
            raise OutputError(
                f"cannot resume: {path} exists, but {_what_is_missing(path, paths)}: choose another output, or use "
                f"{option('--overwrite')} to replace the file"
            )


def _is_ours(path: Path, paths: OutputPaths, settings: ScoreSettings) -> bool:
    """Returns whether a run wrote a file, judged by its content, or for the table by the run record beside it."""
    if path in (paths.table, paths.run) or (path == paths.genes and paths.is_parquet):
        return is_run_record(paths.run)
    columns = _columns(path)
    if path == paths.skipped:
        return columns == list(SKIPPED_COLUMNS)
    if path in (paths.summary, paths.genes):
        return columns[: len(AlleleFields._fields)] == list(AlleleFields._fields)
    is_input = settings.scoring.track_table is not None and path.samefile(settings.scoring.track_table)
    return not is_input and set(REQUIRED_COLUMNS) <= set(columns)


def _what_is_missing(path: Path, paths: OutputPaths) -> str:
    if path != paths.table:
        return "it does not look like the file that enformer-vep writes there"
    if paths.run.exists():
        return f"{paths.run} is not a run record that shows that enformer-vep wrote it"
    return f"there is no {paths.run.name} beside it that shows that enformer-vep wrote it"


def _columns(path: Path) -> list[str]:
    """Returns the column names of tab-separated text; any other file gives names that no run writes."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return lines.readline(1 << 16).rstrip("\n").split("\t")
    except OSError:
        return []


def check_work(settings: ScoreSettings, paths: OutputPaths, work: WorkFolder) -> None:
    """Refuses to start a new run where an unfinished one would be discarded.

    Raises:
      OutputError: there is an unfinished run, or another run has written the output in the meantime.
    """
    if work.finished() and not settings.output.overwrite and not settings.output.resume:
        raise OutputError(
            f"an unfinished run is in {work.path}: use {option('--resume')} to continue it or {option('--overwrite')} "
            "to discard it"
        )
    check_outputs(settings, paths)


def choose_part_size(output: OutputSettings, device_kind: str, work: WorkFolder) -> int:
    """Returns the number of alleles in a part: that of the unfinished run, if there is one to continue.

    Raises:
      OutputError: the plan of the unfinished run cannot be read.
    """
    plan = _earlier_plan(output, work)
    if plan is None:
        return output.part_size or DEFAULT_PART_SIZE[device_kind]
    if output.part_size not in (None, plan.part_size):
        logger.info(
            "--part-size %d is ignored: the unfinished run has parts of %d alleles", output.part_size, plan.part_size
        )
    return plan.part_size


def finished_record(plan: RunPlan, output: OutputSettings, paths: OutputPaths, work: WorkFolder) -> RunRecord | None:
    """Returns the record of a finished run whose files are all there, if it is the run that is to be resumed.

    This includes a run that died after its last file was in place, before its parts were removed.

    Raises:
      InputError: the files are those of another run, and must not be replaced.
    """
    if not (output.resume and paths.table.exists() and is_run_record(paths.run)):
        return None
    may_replace = bool(work.finished()) or output.overwrite
    try:
        record = read_run_record(paths.run)
    except InputError:
        if may_replace:
            return None
        raise
    if paths.is_whole() and not plan.differences(record):
        return record
    if not may_replace:
        _check_same(plan, record, paths.run)
    return None


def prepare_work(plan: RunPlan, output: OutputSettings, work: WorkFolder, *, keep: tuple[str, ...]) -> None:
    """Makes sure that the finished parts, if any are left, belong to a run.

    Args:
      plan: the run.
      output: whether an earlier run is continued or discarded.
      work: the folder of the parts.
      keep: names of files that are not cleared away.

    Raises:
      InputError: they belong to another run, and must not be discarded.
    """
    earlier = _earlier_plan(output, work)
    if earlier is not None and not (output.overwrite and plan.differences(earlier)):
        _check_same(plan, earlier, work.path)
        return
    work.clear(keep=keep)
    work.write_plan(plan)


def _earlier_plan(output: OutputSettings, work: WorkFolder) -> RunPlan | None:
    """Returns the plan of the unfinished run, None if it is not wanted; one that is unreadable may be overwritten."""
    if not (output.resume and work.finished()):
        return None
    try:
        return work.read_plan()
    except OutputError:
        if output.overwrite:
            return None
        raise


def _check_same(plan: RunPlan, earlier: RunPlan | RunRecord, where: Path) -> None:
    if differences := plan.differences(earlier):
        item, then, now = differences[0]
        raise InputError(
            f"cannot resume: the run in {where} had {item} {then}, this one has {now}; use the same options and "
            f"inputs, or {option('--overwrite')} to start over"
        )
