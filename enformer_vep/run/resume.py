"""Decides whether a run may continue from finished parts, and which files it may replace."""

from pathlib import Path
from typing import Any

from enformer_vep.errors import InputError, OutputError
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.tracks import REQUIRED_COLUMNS
from enformer_vep.run.parts import WorkFolder
from enformer_vep.run.results import SKIPPED_COLUMNS
from enformer_vep.run.run_record import difference, is_run_record
from enformer_vep.run.settings import ScoreSettings


def check_outputs(settings: ScoreSettings, paths: OutputPaths) -> None:
    """Checks that a run's files can be written, and writes nothing.

    A run with --resume replaces files that an earlier run left, finished or not, and no others.

    Raises:
      OutputError: a file cannot be written, or exists and must not be replaced.
    """
    paths.check(overwrite=settings.overwrite or settings.resume)
    if settings.overwrite:
        return
    for path in paths.all:
        if path.exists() and not _is_ours(path, paths, settings):
            raise OutputError(
                f"cannot resume: {path} exists, but {_what_is_missing(path, paths)}: choose another output, or use "
                "--overwrite to replace the file"
            )


def _is_ours(path: Path, paths: OutputPaths, settings: ScoreSettings) -> bool:
    """Returns whether a run wrote a file, judged by its content, or for the table by the run record beside it."""
    if path in (paths.table, paths.run):
        return is_run_record(paths.run)
    columns = _columns(path)
    if path == paths.skipped:
        return columns == list(SKIPPED_COLUMNS)
    is_input = settings.track_table is not None and path.samefile(settings.track_table)
    return not is_input and set(REQUIRED_COLUMNS) <= set(columns)


def _what_is_missing(path: Path, paths: OutputPaths) -> str:
    if path != paths.table:
        return "it does not look like the file that enformer-vep writes there"
    if paths.run.exists():
        return f"{paths.run} is not a run record that shows that enformer-vep wrote it"
    return f"there is no {paths.run.name} beside it that shows that enformer-vep wrote it"


def _columns(path: Path) -> list[str]:
    """Returns the column names of tab-separated text; those of any other file are names that no run writes."""
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
    if work.finished() and not settings.overwrite and not settings.resume:
        raise OutputError(
            f"an unfinished run is in {work.path}: use --resume to continue it or --overwrite to discard it"
        )
    check_outputs(settings, paths)


def earlier_part_size(work: WorkFolder) -> int | None:
    """Returns the number of alleles in a part of the unfinished run; None if there is no unfinished run."""
    run = work.read_run() if work.finished() else None
    return None if run is None else int(run["part_size"])


def differences(earlier: dict[str, Any], run: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Returns the items in which a run differs from an earlier one, each with both values."""
    found = [difference(earlier.get(name), value, name) for name, value in run.items()]
    return [item for item in found if item]


def check_same(earlier: dict[str, Any], run: dict[str, Any], where: Path) -> None:
    """Refuses to continue a different run.

    Raises:
      InputError: an item differs; the message names it.
    """
    if found := differences(earlier, run):
        item, then, now = found[0]
        raise InputError(
            f"cannot resume: the run in {where} had {item} {then}, this one has {now}; use the same options and "
            "inputs, or --overwrite to start over"
        )
