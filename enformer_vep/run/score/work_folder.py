"""The folder beside a run's output that keeps its finished parts until the output is complete.

A part is the result of a fixed number of alleles. It is written under a temporary name, flushed to disk and renamed, so
that every part that exists is complete, however the program ended. The folder is locked while a run works in it; the
lock ends with the process that holds it, however the process ends.
"""

import errno
import fcntl
import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.run.run_record import RunPlan
from enformer_vep.run.score.parts import Part, PartCounts, read_counts, read_part, to_arrow
from enformer_vep.wording import cause

logger = logging.getLogger(__name__)

LOCK_NAME = "lock"
PLAN_NAME = "run.json"
INPUT_NAME = "input.vcf"
"""A copy of variants that came through a pipe, which can be read only once, or a list that was made."""

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""Errors of file systems that are mounted without locks, as on some clusters."""

_OWN_NAMES = re.compile(r"lock|run\.json|input\.vcf|part-\d+\.arrow|whole-.*|\..*\.tmp")


class WorkFolder:
    """OUT.parts, where a run keeps its finished parts. Used in a `with` block, which holds the lock.

    When the block ends, the folder is removed if it is no longer needed (`discard_at_exit`), or if no part is finished.
    """

    def __init__(self, path: Path) -> None:
        """Names the folder, without creating it."""
        self.path = path
        self._lock: int | None = None
        self._is_discarded = False

    def __enter__(self) -> "WorkFolder":
        """Creates the folder if it does not exist, and locks it.

        Raises:
          OutputError: another run is writing the same output, or the folder cannot be created.
        """
        try:
            self.path.mkdir(exist_ok=True)
            if foreign := [path.name for path in self.path.iterdir() if not _OWN_NAMES.fullmatch(path.name)]:
                raise OutputError(f"{self.path} contains {foreign[0]}, which does not belong to a run: move it away")
            self._lock = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o666)
            self._flock(self._lock)
        except BlockingIOError as error:
            os.close(self._lock or -1)
            raise OutputError(
                f"another run is writing this output: {self.path} is locked; wait until that run ends"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot create the work folder {self.path}: {error.strerror}") from error
        return self

    def _flock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            logger.warning("this file system has no locks: make sure that no other run writes to %s", self.path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_over = self._is_discarded or not self.finished()
        if is_over:
            with suppress(OSError):  # a missing folder or a left-over file does not affect the output
                self.clear()
                (self.path / LOCK_NAME).unlink()
        if self._lock is not None:
            os.close(self._lock)  # NFS keeps a removed file in the folder, under another name, until it is closed
        if is_over:
            with suppress(OSError):
                self.path.rmdir()

    def discard_at_exit(self) -> None:
        """Removes the folder, with its finished parts, when the block ends."""
        self._is_discarded = True

    def clear(self, keep: Sequence[str] = ()) -> None:
        """Removes the files of an earlier run, except those with these names."""
        for path in self.path.iterdir():
            if path.name in (LOCK_NAME, *keep):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def finished(self) -> set[int]:
        """Returns the numbers of the finished parts."""
        return {int(path.stem.removeprefix("part-")) for path in self.path.glob("part-*.arrow")}

    def read_plan(self) -> RunPlan | None:
        """Returns what `write_plan` wrote; None if it was not called.

        Raises:
          OutputError: it cannot be read.
        """
        path = self.path / PLAN_NAME
        try:
            return RunPlan.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} cannot be read: {cause(error)}; use --overwrite to start over") from error

    def write_plan(self, plan: RunPlan) -> None:
        """Writes the plan of the run, so that only the same run continues from these parts."""
        self._write_whole(self.path / PLAN_NAME, json.dumps(plan.to_dict(), indent=2).encode())

    def write_part(self, number: int, part: Part) -> None:
        """Writes a part, which appears only when it is complete.

        Raises:
          EnformerVepError: it cannot be written.
        """
        self._write_whole(self._part_path(number), to_arrow(part))

    def read_part(self, number: int) -> Part:
        """Reads a finished part.

        Raises:
          PartError: it cannot be read.
        """
        return read_part(self._part_path(number))

    def count(self, numbers: Iterable[int]) -> PartCounts:
        """Counts the alleles of finished parts, without reading their scores.

        Raises:
          PartError: one cannot be read.
        """
        return sum((read_counts(self._part_path(number)) for number in numbers), PartCounts())

    def _part_path(self, number: int) -> Path:
        return self.path / f"part-{number:07d}.arrow"

    def _write_whole(self, path: Path, content: bytes | pa.Buffer) -> None:
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
            folder = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise EnformerVepError(f"cannot write {path}: {error.strerror}") from error
