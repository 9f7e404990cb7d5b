"""Parts of a run, the results of some consecutive alleles, and the folder that keeps them until the output is complete.

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
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc

from enformer_vep.errors import EnformerVepError, OutputError, PartError, SkipReason
from enformer_vep.io.tables.gene_table import GeneScores
from enformer_vep.io.tables.row_writer import allele_fields
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.run.run_record import RunPlan
from enformer_vep.wording import cause, option

logger = logging.getLogger(__name__)

LOCK_NAME = "lock"
PLAN_NAME = "run.json"
INPUT_NAME = "input.vcf"
"""A copy of variants that came through a pipe, which can be read only once, or a list that was made."""

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
      genes: of each scored one, the genes in its reach; None if no gene is scored.
    """

    alleles: list[VcfAllele]
    scores: npt.NDArray[np.float32]
    skipped: list[SkippedAllele]
    genes: list[GeneScores] | None = None

    @property
    def num_gene_rows(self) -> int:
        """Number of pairs of an allele and a gene in its reach."""
        return sum(len(of_allele.numbers) for of_allele in self.genes or ())


@dataclass
class PartCounts:
    """How many alleles of some parts were scored and skipped.

    Attributes:
      num_scored: alleles scored.
      num_skipped: alleles skipped, by reason.
      num_float16_overflows: scores that do not fit a float16.
      num_gene_rows: pairs of an allele and a gene in its reach.
    """

    num_scored: int = 0
    num_skipped: Counter[SkipReason] = field(default_factory=Counter)
    num_float16_overflows: int = 0
    num_gene_rows: int = 0

    @property
    def num_alleles(self) -> int:
        """Alleles scored or skipped."""
        return self.num_scored + self.num_skipped.total()

    def __add__(self, other: "PartCounts") -> "PartCounts":
        return PartCounts(
            self.num_scored + other.num_scored,
            self.num_skipped + other.num_skipped,
            self.num_float16_overflows + other.num_float16_overflows,
            self.num_gene_rows + other.num_gene_rows,
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

    def __exit__(self, *_: object) -> None:
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
            raise OutputError(
                f"{path} cannot be read: {cause(error)}; use {option('--overwrite')} to start over"
            ) from error

    def write_plan(self, plan: RunPlan) -> None:
        """Writes the plan of the run, so that only the same run continues from these parts."""
        self._write_whole(self.path / PLAN_NAME, json.dumps(plan.to_dict(), indent=2).encode())

    def write_part(self, number: int, part: Part) -> None:
        """Writes a part, which appears only when it is complete.

        Raises:
          EnformerVepError: it cannot be written.
        """
        self._write_whole(self._part_path(number), _to_arrow(part))

    def read_part(self, number: int) -> Part:
        """Reads a finished part.

        Raises:
          PartError: it cannot be read.
        """
        return _read_part(self._part_path(number))

    def count(self, numbers: Iterable[int]) -> PartCounts:
        """Counts the alleles of finished parts, without reading their scores.

        Raises:
          PartError: one cannot be read.
        """
        return sum((_read_counts(self._part_path(number)) for number in numbers), PartCounts())

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


def _to_arrow(part: Part) -> pa.Buffer:
    num_columns = part.scores.shape[1]
    scores = pa.FixedSizeListArray.from_arrays(pa.array(part.scores.reshape(-1)), num_columns)
    columns: dict[str, pa.Array] = {
        name: pa.array(map(_to_bytes, column), kind)
        for (name, kind), column in zip(_COLUMN_TYPES.items(), allele_fields(part.alleles), strict=True)
    }
    more = {} if part.genes is None else _gene_columns(part.genes)
    skipped = json.dumps([[*s.allele.fields, s.reason.value, s.detail] for s in part.skipped])
    metadata = {_SKIPPED_METADATA: skipped, _COUNTS_METADATA: json.dumps(_counts(part))}
    table = pa.table({**columns, "scores": scores, **more}).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _gene_columns(genes: Sequence[GeneScores]) -> dict[str, pa.Array]:
    """Returns each allele's genes and their scores as lists; a list of scores has all of a gene before the next."""
    num_scores = genes[0].scores.shape[1] if genes else 0
    ends = np.cumsum([0, *(len(each.numbers) for each in genes)], dtype=np.int64)
    numbers = pa.array([number for each in genes for number in each.numbers], pa.int32())
    scores = np.concatenate([each.scores.reshape(-1) for each in genes] or [np.empty(0, dtype=np.float32)])
    return {
        "genes": pa.LargeListArray.from_arrays(ends, numbers),
        "gene_scores": pa.LargeListArray.from_arrays(ends * num_scores, pa.array(scores)),
    }


def _read_genes(table: pa.Table) -> list[GeneScores]:
    numbers, scores = table["genes"].combine_chunks(), table["gene_scores"].combine_chunks()
    num_rows = len(numbers.values)
    num_scores = len(scores.values) // num_rows if num_rows else 0
    rows = scores.values.to_numpy().reshape(num_rows, num_scores).copy()
    ends = numbers.offsets.to_pylist()
    return [GeneScores(tuple(numbers.values[start:end].to_pylist()), rows[start:end]) for start, end in pairwise(ends)]


def _read_part(path: Path) -> Part:
    try:
        with pa.memory_map(str(path)) as source:
            table = pyarrow.ipc.open_file(source).read_all()
            columns = [map(_to_text, table[name].to_pylist()) for name in AlleleFields._fields]
            lists = table["scores"].combine_chunks()
            scores = lists.flatten().to_numpy().reshape(len(table), lists.type.list_size).copy()
            genes = _read_genes(table) if "genes" in table.column_names else None
        alleles = [_allele(values) for values in zip(*columns, strict=True)]
        skipped = [
            SkippedAllele(_allele(values), SkipReason(reason), detail)
            for *values, reason, detail in json.loads(table.schema.metadata[_SKIPPED_METADATA])
        ]
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    return Part(alleles, scores, skipped, genes)


def _read_counts(path: Path) -> PartCounts:
    try:
        with pa.memory_map(str(path)) as source:
            metadata = pyarrow.ipc.open_file(source).schema.metadata
            num_scored, reasons, num_overflows, num_gene_rows = json.loads(metadata[_COUNTS_METADATA])
        skipped = Counter({SkipReason(reason): num for reason, num in reasons.items()})
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    return PartCounts(num_scored, skipped, num_overflows, num_gene_rows)


def _counts(part: Part) -> tuple[int, dict[str, int], int, int]:
    reasons = Counter(skipped.reason.value for skipped in part.skipped)
    num_overflows = int(np.count_nonzero(np.abs(part.scores) >= FLOAT16_OVERFLOW))
    return len(part.alleles), reasons, num_overflows, part.num_gene_rows


def _unreadable(path: Path) -> PartError:
    return PartError(
        f"the finished part {path} cannot be read: remove it, and repeat the command with {option('--resume')}"
    )


def _allele(values: Iterable[Any]) -> VcfAllele:
    return VcfAllele.from_fields(AlleleFields(*values))


def _to_bytes(value: str | int) -> bytes | int:
    """Keeps the text of a VCF byte for byte, whatever its encoding."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _to_text(value: bytes | int) -> str | int:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
