"""The selection of a VCF's records: by place, by filter, by ID."""

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from enformer_vep.errors import InputError
from enformer_vep.genome.variant import MISSING, Interval
from enformer_vep.io.bgzip import GZIP_MAGIC
from enformer_vep.io.genome.contigs import canonical_contig
from enformer_vep.wording import cause

CONTIG_END = 1 << 62
"""Where an open region ends: beyond any position that a file can have."""

_UNFILTERED = ("PASS", MISSING)
_RANGE = re.compile(r"(?P<start>\d[\d,]*)(?P<dash>-)?(?P<end>\d[\d,]*)?")
_NAME_END = re.compile(r"\d+[A-Za-z]*|[^\d,-][^,-]*")  # what may follow a ':' within a contig's name: HLA-A*01:01N
_BED_ENDINGS = (".bed", ".gz", ".txt", ".tsv")
_BED_HEADERS = ("track", "browser")


@dataclass(frozen=True)
class NamedRegion:
    """The value of one `--region` option.

    Attributes:
      text: the option's value: a region, or the path of a BED file.
      intervals: the intervals that it means; two if a contig's name may have a colon.
      is_bed: whether it is a BED file.
    """

    text: str
    intervals: tuple[Interval, ...]
    is_bed: bool = False

    @property
    def contigs(self) -> tuple[str, ...]:
        """The contigs, each once, in their order."""
        return tuple(dict.fromkeys(interval.contig for interval in self.intervals))


@dataclass(frozen=True)
class Selection:
    """The records that are wanted: those that pass every test that is set.

    Attributes:
      regions: where they lie; empty for everywhere.
      pass_only: whether FILTER must be PASS or '.', that is, not filtered.
      include_ids: the IDs of which they must have one; None for any ID.
      named_regions: the same regions, as the user gave them.
      contig_of: returns one name for all names of a contig.
    """

    regions: tuple[Interval, ...] = ()
    pass_only: bool = False
    include_ids: frozenset[str] | None = None
    named_regions: tuple[NamedRegion, ...] = ()
    contig_of: Callable[[str], str] = field(default=canonical_contig, repr=False, compare=False)
    _spans: dict[str, tuple[list[int], list[int]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_spans", _merge(self.regions, self.contig_of))

    @classmethod
    def from_options(cls, regions: Sequence[str], *, pass_only: bool, include_id_file: str | None) -> "Selection":
        """Returns the selection of the command line's options.

        Args:
          regions: each `chr:start-end` (1-based, both ends included), `chr`, `chr:pos`, `chr:start-`, or the path of a
            BED file. Commas in numbers are ignored. `{name}` and `{name}:start-end` mark where the name of a contig
            ends if it has colons of its own; without braces, `HLA-A*01:01` is both the whole of that contig and base 1
            of a contig `HLA-A*01`.
          pass_only: whether only records that are not filtered are wanted: FILTER is PASS or '.'.
          include_id_file: a file of IDs, one per line.

        Raises:
          InputError: a region cannot be understood, or a file cannot be read.
        """
        named = tuple(_parse_region_or_bed(text.strip()) for text in regions)
        ids = None if include_id_file is None else _read_ids(include_id_file)
        intervals = tuple(interval for region in named for interval in region.intervals)
        return cls(intervals, pass_only, ids, named)

    def with_names(self, resolve: Callable[[str], str | None]) -> "Selection":
        """Returns the same selection, in which two names are one contig if the FASTA has one contig for both.

        Args:
          resolve: returns the FASTA's name of a contig, None if it has none.
        """
        return replace(self, contig_of=lambda name: resolve(name) or canonical_contig(name))

    @property
    def selects_all(self) -> bool:
        """Whether nothing is left out."""
        return not self.regions and not self.pass_only and self.include_ids is None

    def record(self) -> dict[str, Any]:
        """Identifies the selection in a run record: the numbers of its regions and IDs, and a digest of them."""
        ids = None if self.include_ids is None else sorted(self.include_ids)
        digest = hashlib.sha256(
            json.dumps([sorted(_merge(self.regions, canonical_contig).items()), self.pass_only, ids]).encode()
        )
        return {
            "num_regions": len(self.regions),
            "pass_only": self.pass_only,
            "num_include_ids": None if ids is None else len(ids),
            "sha256": digest.hexdigest(),
        }

    def last_end(self, chrom: str) -> int | None:
        """Returns where the last region on a contig ends, 0-based and half-open; None if it has no region."""
        spans = self._spans.get(self.contig_of(chrom))
        return spans[1][-1] if spans else None

    def overlaps(self, chrom: str, start: int, end: int) -> bool:
        """Returns whether a span, 0-based and half-open, overlaps a region; always true if no region is set."""
        if not self.regions:
            return True
        spans = self._spans.get(self.contig_of(chrom))
        if spans is None:
            return False
        starts, ends = spans
        last = bisect_right(starts, end - 1) - 1  # the last region that begins before the span's end
        return last >= 0 and ends[last] > start

    def keeps(self, chrom: str, pos: int, ref: str, name: str, filters: str) -> bool:
        """Returns whether a record is wanted. It extends as far as its REF, whatever its ALT.

        Args:
          chrom: the contig, as the VCF names it.
          pos: 1-based.
          ref: the REF allele.
          name: the ID, or several separated by ';'.
          filters: FILTER; used only for `pass_only`.
        """
        if self.pass_only and filters not in _UNFILTERED:
            return False
        if self.include_ids is not None and self.include_ids.isdisjoint(name.split(";")):
            return False
        return self.overlaps(chrom, pos - 1, pos - 1 + len(ref))


def _merge(regions: Iterable[Interval], contig_of: Callable[[str], str]) -> dict[str, tuple[list[int], list[int]]]:
    """Returns starts and ends of the union of the regions, ascending, by the one name of their contig."""
    merged: dict[str, tuple[list[int], list[int]]] = {}
    placed = sorted((contig_of(region.contig), region.start, region.end) for region in regions)
    for contig, start, end in placed:
        if start == end:
            continue  # BED allows it: it lies between two bases, and no record's REF is there
        starts, ends = merged.setdefault(contig, ([], []))
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return merged


def _parse_region_or_bed(text: str) -> NamedRegion:
    # An existing file takes precedence: a contig can also be written {chr1}, but a file has only its name.
    if _is_file(text):
        return NamedRegion(text, tuple(_read_bed(text)), is_bed=True)
    if "/" in text or text.lower().endswith(_BED_ENDINGS):
        raise InputError(f"no such BED file: {text}")
    return NamedRegion(text, tuple(_parse_region(text)))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _parse_region(text: str) -> Iterator[Interval]:
    """Yields what a region may mean: one interval, or two where a contig's name may have a colon."""
    if text.startswith("{") and "}" in text:
        contig, _, rest = text[1:].rpartition("}")
        numbers = rest[1:] if rest.startswith(":") else None
        if rest and numbers is None:
            raise _bad_region(text, "expected ':' or nothing after '}'")
    else:
        contig, colon, after = text.rpartition(":")
        numbers = after if colon else None
        if not colon:
            contig = text
        elif _NAME_END.fullmatch(after):
            yield Interval(text, 0, CONTIG_END)
            if not after.isdecimal():
                return
    if not contig or contig != "".join(contig.split()):
        raise _bad_region(text, "it has no contig name")
    yield Interval(contig, 0, CONTIG_END) if numbers is None else _parse_range(text, contig, numbers)


def _parse_range(text: str, contig: str, numbers: str) -> Interval:
    match = _RANGE.fullmatch(numbers)
    if match is None or (match["end"] and not match["dash"]):
        raise _bad_region(text, f"{numbers!r} is not start-end")
    start = _number(match["start"])
    end = _number(match["end"]) if match["end"] else CONTIG_END if match["dash"] else start
    if start < 1:
        raise _bad_region(text, "positions start at 1")
    if end < start:
        raise _bad_region(text, f"it ends at {end}, before its start {start}")
    return Interval(contig, start - 1, end)


def _number(text: str) -> int:
    digits = text.replace(",", "").lstrip("0") or "0"
    return min(int(digits), CONTIG_END) if len(digits) < 20 else CONTIG_END


def _bad_region(text: str, problem: str) -> InputError:
    return InputError(f"region {text!r}: {problem}: expected chr:start-end, chr:pos, chr:start-, chr or a BED file")


def _read_bed(path: str) -> Iterator[Interval]:
    num_intervals = 0
    for number, line in _lines(path, "BED"):
        if not line or line.startswith("#") or line.split(maxsplit=1)[0] in _BED_HEADERS:
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        contig, start, end, *_ = [*columns, "", "", ""]
        if not contig or not all(text.isdecimal() and text.isascii() and len(text) < 19 for text in (start, end)):
            raise InputError(f"{path} line {number}: expected BED with contig, start and end, found {line[:60]!r}")
        if int(end) < int(start):
            raise InputError(f"{path} line {number}: expected BED with an end at or after start, found {line[:60]!r}")
        num_intervals += 1
        yield Interval(contig, int(start), int(end))
    if not num_intervals:
        raise InputError(f"{path} contains no intervals: expected BED with contig, start and end, separated by tabs")


def _read_ids(path: str) -> frozenset[str]:
    ids: set[str] = set()
    for number, line in _lines(path, "ID"):
        if len(line.split()) > 1 or ";" in line:
            raise InputError(f"{path} line {number}: expected one ID per line, found {line[:60]!r}")
        ids.add(line.strip())
    ids.discard("")
    if not ids:
        raise InputError(f"{path} contains no IDs: expected one ID per line")
    return frozenset(ids)


def _lines(path: str, kind: str) -> Iterator[tuple[int, str]]:
    """Yields the lines of a text file without the white space at their ends, numbered from 1."""
    try:
        with open(path, "rb") as lines:
            for number, line in enumerate(lines, start=1):
                if number == 1 and line.startswith(GZIP_MAGIC):
                    raise InputError(f"{path} is compressed: expected a plain {kind} file; run 'gunzip' on it")
                yield number, line.decode("utf-8", "surrogateescape").rstrip()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{kind} file {path!r} cannot be read: {cause(error)}") from error
