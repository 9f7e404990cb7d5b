"""The finished parts of a run, kept in a folder beside its output until the output is complete.

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
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc

from enformer_vep.errors import EnformerVepError, OutputError, PartError, SkipReason
from enformer_vep.io.alleles import AlleleFields, VcfAllele

logger = logging.getLogger(__name__)

LOCK_NAME = "lock"
RUN_NAME = "run.json"
INPUT_NAME = "input.vcf"
"""A copy of variants that came through a pipe, which can be read only once."""

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""Errors of file systems that are mounted without locks, as on some clusters."""

_OWN_NAMES = re.compile(r"lock|run\.json|input\.vcf|part-\d+\.arrow|whole-.*|\..*\.tmp")

_COLUMN_TYPES = {
    name: pa.binary() if kind is str else pa.int64() for name, kind in AlleleFields.__annotations__.items()
}
_SKIPPED_METADATA = b"enformer_vep.skipped"
_COUNTS_METADATA = b"enformer_vep.counts"

FLOAT16_OVERFLOW = 65520
"""The smallest value that a float16 rounds to infinity."""


@dataclass(frozen=True)
class SkippedAllele:
    """An allele that was not scored, and why."""

    allele: VcfAllele
    reason: SkipReason
    detail: str


@dataclass(frozen=True)
class Part:
    """The result of some consecutive alleles of the input.

    Attributes:
      alleles: the scored ones, in input order.
      scores: float32 [alleles, statistics * tracks].
      skipped: the others, in input order.
    """

    alleles: list[VcfAllele]
    scores: npt.NDArray[np.float32]
    skipped: list[SkippedAllele]


@dataclass
class PartCounts:
    """What became of the alleles of some parts.

    Attributes:
      num_scored: alleles scored.
      num_skipped: alleles skipped, by reason.
      num_float16_overflows: scores that do not fit a float16.
    """

    num_scored: int = 0
    num_skipped: Counter[SkipReason] = field(default_factory=Counter)
    num_float16_overflows: int = 0

    @property
    def num_alleles(self) -> int:
        """Alleles scored or skipped."""
        return self.num_scored + self.num_skipped.total()

    def __add__(self, other: "PartCounts") -> "PartCounts":
        return PartCounts(
            self.num_scored + other.num_scored,
            self.num_skipped + other.num_skipped,
            self.num_float16_overflows + other.num_float16_overflows,
        )


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
        if self._is_discarded or not self.finished():
            with suppress(OSError):  # a missing folder or a left-over file does not affect the output
                self.clear()
                (self.path / LOCK_NAME).unlink()
                self.path.rmdir()
        if self._lock is not None:
            os.close(self._lock)

    def discard_at_exit(self) -> None:
        """Removes the folder, with its finished parts, when the block ends."""
        self._is_discarded = True

    def clear(self, keep: Sequence[str] = ()) -> None:
        """Removes the files of an earlier run, except those with these names."""
        for path in self.path.iterdir():
            if path.name not in (LOCK_NAME, *keep):
                path.unlink()

    def finished(self) -> set[int]:
        """Returns the numbers of the finished parts."""
        return {int(path.stem.removeprefix("part-")) for path in self.path.glob("part-*.arrow")}

    def read_run(self) -> dict[str, Any] | None:
        """Returns what `write_run` wrote; None if it was not called."""
        try:
            run: dict[str, Any] = json.loads((self.path / RUN_NAME).read_text(encoding="utf-8"))
            if not isinstance(run, dict) or not isinstance(run.get("part_size"), int):
                raise ValueError("no part size")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.path / RUN_NAME} cannot be read: use --overwrite to start over") from error
        return run

    def write_run(self, run: dict[str, Any]) -> None:
        """Writes the identity of the run and its `part_size`, so that only the same run continues from these parts."""
        self._write_whole(self.path / RUN_NAME, json.dumps(run, indent=2).encode())

    def write_part(self, number: int, part: Part) -> None:
        """Writes a part, which appears only when it is complete.

        Raises:
          EnformerVepError: it cannot be written.
        """
        num_columns = part.scores.shape[1]
        scores = pa.FixedSizeListArray.from_arrays(pa.array(part.scores.reshape(-1)), num_columns)
        rows = [allele.fields for allele in part.alleles]
        columns: dict[str, pa.Array] = {
            name: pa.array([_to_bytes(value) for value in values], kind)
            for (name, kind), values in zip(
                _COLUMN_TYPES.items(), zip(*rows, strict=True) if rows else [()] * len(_COLUMN_TYPES), strict=True
            )
        }
        skipped = json.dumps([[*s.allele.fields, s.reason.value, s.detail] for s in part.skipped])
        metadata = {_SKIPPED_METADATA: skipped, _COUNTS_METADATA: json.dumps(_counts(part))}
        table = pa.table({**columns, "scores": scores}).replace_schema_metadata(metadata)
        sink = pa.BufferOutputStream()
        with pyarrow.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        self._write_whole(self._part_path(number), sink.getvalue())

    def read_part(self, number: int) -> Part:
        """Reads a finished part.

        Raises:
          PartError: it cannot be read.
        """
        path = self._part_path(number)
        try:
            with pa.memory_map(str(path)) as source:
                table = pyarrow.ipc.open_file(source).read_all()
                columns = [map(_to_text, table[name].to_pylist()) for name in AlleleFields._fields]
                lists = table["scores"].combine_chunks()
                scores = lists.flatten().to_numpy().reshape(len(table), lists.type.list_size).copy()
            alleles = [_allele(values) for values in zip(*columns, strict=True)]
            skipped = [
                SkippedAllele(_allele(values), SkipReason(reason), detail)
                for *values, reason, detail in json.loads(table.schema.metadata[_SKIPPED_METADATA])
            ]
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise _unreadable(path) from error
        return Part(alleles, scores, skipped)

    def count(self, numbers: Iterable[int]) -> PartCounts:
        """Counts the alleles of finished parts, without reading their scores.

        Raises:
          PartError: one cannot be read.
        """
        found = PartCounts()
        for number in numbers:
            path = self._part_path(number)
            try:
                with pa.memory_map(str(path)) as source:
                    metadata = pyarrow.ipc.open_file(source).schema.metadata
                    num_scored, reasons, num_overflows = json.loads(metadata[_COUNTS_METADATA])
                reasons = Counter({SkipReason(reason): num for reason, num in reasons.items()})
            except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
                raise _unreadable(path) from error
            found += PartCounts(num_scored, reasons, num_overflows)
        return found

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


def _counts(part: Part) -> tuple[int, dict[str, int], int]:
    reasons = Counter(skipped.reason.value for skipped in part.skipped)
    return len(part.alleles), reasons, int(np.count_nonzero(np.abs(part.scores) >= FLOAT16_OVERFLOW))


def _unreadable(path: Path) -> PartError:
    return PartError(f"the finished part {path} cannot be read: remove it, and repeat the command with --resume")


def _allele(values: Iterable[Any]) -> VcfAllele:
    return VcfAllele.from_fields(AlleleFields(*values))


def _to_bytes(value: str | int) -> bytes | int:
    """Keeps the text of a VCF byte for byte, whatever its encoding."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _to_text(value: bytes | int) -> str | int:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
