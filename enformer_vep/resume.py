"""Which run may go on from the finished parts of which, and which files it may replace."""

from pathlib import Path
from typing import Any

from enformer_vep.errors import InputError, OutputError
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.parts import WorkFolder
from enformer_vep.io.results import SKIPPED_COLUMNS
from enformer_vep.io.run_record import difference, is_run_record
from enformer_vep.io.tracks import REQUIRED_COLUMNS
from enformer_vep.settings import ScoreSettings


def check_outputs(settings: ScoreSettings, paths: OutputPaths) -> None:
    """Checks that a run's files can be written, and writes nothing.

    A run with --resume replaces what an earlier run left, whole or in part, and nothing else.

    Raises:
      OutputError: they cannot be, or one exists that is not to be replaced.
    """
    paths.check(overwrite=settings.overwrite or settings.resume)
    if settings.overwrite:
        return
    for path in paths.all:
        if path.exists() and not _is_ours(path, paths, settings):
            raise OutputError(
                f"cannot resume: {path} exists, but {_what_is_missing(path, paths)}: name another output, or give "
                "--overwrite to replace it"
            )


def _is_ours(path: Path, paths: OutputPaths, settings: ScoreSettings) -> bool:
    """Says whether a run wrote a file, by what is in it; for the table, by the run record beside it."""
    if path in (paths.table, paths.run):
        return is_run_record(paths.run)
    columns = _columns(path)
    if path == paths.skipped:
        return columns == list(SKIPPED_COLUMNS)
    is_input = settings.track_table is not None and path.samefile(settings.track_table)
    return not is_input and set(REQUIRED_COLUMNS) <= set(columns)


def _what_is_missing(path: Path, paths: OutputPaths) -> str:
    if path != paths.table:
        return "it is not what enformer-vep writes there"
    if paths.run.exists():
        return f"{paths.run} is not the run record of enformer-vep that would vouch for it"
    return f"there is no {paths.run.name} beside it that says enformer-vep wrote it"


def _columns(path: Path) -> list[str]:
    """Returns the column names of tab-separated text; whatever else it is has none that we know."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return lines.readline(1 << 16).rstrip("\n").split("\t")
    except OSError:
        return []


def check_work(settings: ScoreSettings, paths: OutputPaths, work: WorkFolder) -> None:
    """Refuses to begin over an unfinished run.

    Raises:
      OutputError: there is one, or another run has since written the output.
    """
    if work.finished() and not settings.overwrite and not settings.resume:
        raise OutputError(f"an unfinished run is in {work.path}: --resume goes on from it, --overwrite begins anew")
    check_outputs(settings, paths)


def earlier_part_size(work: WorkFolder) -> int | None:
    """Returns the alleles of a part of the unfinished run, None if there is no such run."""
    run = work.read_run() if work.finished() else None
    return None if run is None else int(run["part_size"])


def differences(earlier: dict[str, Any], run: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Returns the items in which a run differs from an earlier one, with both values."""
    found = [difference(earlier.get(name), value, name) for name, value in run.items()]
    return [item for item in found if item]


def check_same(earlier: dict[str, Any], run: dict[str, Any], where: Path) -> None:
    """Refuses to go on with a run that is another one.

    Raises:
      InputError: an item differs; the message names it.
    """
    if found := differences(earlier, run):
        item, then, now = found[0]
        raise InputError(
            f"cannot resume: the run in {where} had {item} {then}, this one has {now}; use the same options "
            "again, or --overwrite to start over"
        )
