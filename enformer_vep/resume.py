"""Which run may go on from the finished parts of which."""

from pathlib import Path
from typing import Any

from enformer_vep.errors import InputError, OutputError
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.parts import WorkFolder
from enformer_vep.io.run_record import difference
from enformer_vep.settings import ScoreSettings


def check_work(settings: ScoreSettings, paths: OutputPaths, work: WorkFolder) -> None:
    """Refuses to begin over an unfinished run, and to resume what is none.

    Raises:
      OutputError: so it is.
    """
    if settings.overwrite:
        return
    if work.finished() and not settings.resume:
        raise OutputError(f"an unfinished run is in {work.path}: --resume goes on from it, --overwrite begins anew")
    found = [path for path in paths.all if path.exists()]
    if settings.resume and found and not work.finished() and not paths.is_whole():
        raise OutputError(f"{found[0]} exists, and there is no run to resume: name another output, or give --overwrite")


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
            f"cannot resume: the run in {where} had {item} {then}, this one has {now}; run it as then, or --overwrite "
            "begins anew"
        )
