"""Parts of a run: the results of some consecutive alleles, and the files that hold them."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc

from enformer_vep.errors import PartError, SkipReason
from enformer_vep.io.tables.gene_table import GeneScores
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele

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
        return sum(len(found.numbers) for found in self.genes or ())


@dataclass
class PartCounts:
    """What became of the alleles of some parts.

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


def to_arrow(part: Part) -> pa.Buffer:
    """Returns the content of a part's file."""
    num_columns = part.scores.shape[1]
    scores = pa.FixedSizeListArray.from_arrays(pa.array(part.scores.reshape(-1)), num_columns)
    rows = [allele.fields for allele in part.alleles]
    columns: dict[str, pa.Array] = {
        name: pa.array([_to_bytes(row[index]) for row in rows], kind)
        for index, (name, kind) in enumerate(_COLUMN_TYPES.items())
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
    ends = np.cumsum([0, *(len(found.numbers) for found in genes)], dtype=np.int64)
    numbers = pa.array([number for found in genes for number in found.numbers], pa.int32())
    scores = np.concatenate([found.scores.reshape(-1) for found in genes] or [np.empty(0, dtype=np.float32)])
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


def read_part(path: Path) -> Part:
    """Reads a part's file.

    Raises:
      PartError: it cannot be read.
    """
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


def read_counts(path: Path) -> PartCounts:
    """Counts the alleles of a part's file, without reading their scores.

    Raises:
      PartError: it cannot be read.
    """
    try:
        with pa.memory_map(str(path)) as source:
            metadata = pyarrow.ipc.open_file(source).schema.metadata
            num_scored, reasons, num_overflows, num_gene_rows = json.loads(metadata[_COUNTS_METADATA])
        found = Counter({SkipReason(reason): num for reason, num in reasons.items()})
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    return PartCounts(num_scored, found, num_overflows, num_gene_rows)


def _counts(part: Part) -> tuple[int, dict[str, int], int, int]:
    reasons = Counter(skipped.reason.value for skipped in part.skipped)
    num_overflows = int(np.count_nonzero(np.abs(part.scores) >= FLOAT16_OVERFLOW))
    return len(part.alleles), reasons, num_overflows, part.num_gene_rows


def _unreadable(path: Path) -> PartError:
    return PartError(f"the finished part {path} cannot be read: remove it, and repeat the command with --resume")


def _allele(values: Iterable[Any]) -> VcfAllele:
    return VcfAllele.from_fields(AlleleFields(*values))


def _to_bytes(value: str | int) -> bytes | int:
    """Keeps the text of a VCF byte for byte, whatever its encoding."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _to_text(value: bytes | int) -> str | int:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
