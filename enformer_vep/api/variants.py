"""Reads the variants that are given in Python: a file, a frame, or any iterable of variants."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from enformer_vep.errors import InputError, VcfError
from enformer_vep.genome.variant import MISSING, Variant
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.header import split_variant
from enformer_vep.io.vcf.reader import MAX_POS, VcfReader, survey_alleles
from enformer_vep.options.values import Path
from enformer_vep.run.arguments import is_variant
from enformer_vep.run.score.inputs import check_assembly
from enformer_vep.wording import did_you_mean

if TYPE_CHECKING:
    import polars as pl

logger = logging.getLogger(__name__)

OneVariant: TypeAlias = str | tuple[Any, ...] | Variant
PlainVariants: TypeAlias = Path | pd.DataFrame | Iterable[OneVariant]
Variants: TypeAlias = "PlainVariants | pl.DataFrame"

REQUIRED = ("chrom", "pos", "ref", "alt")
COLUMNS = (*REQUIRED, "id")
RESULT_COLUMNS = ("record", "allele", "status", "detail")
"""Columns of a result besides COLUMNS and the scores."""


@dataclass(frozen=True, eq=False)
class GivenVariants:
    """The alleles to score, in the order in which they were given.

    Attributes:
      alleles: one for every ALT allele; malformed ones say what is wrong with them. `record` is the row in a frame, the
        place in an iterable, and the record in a file, from 0.
      name: their name in messages.
      frame: the frame that they were in, None for a file or an iterable.
      extra: the names of the frame's columns that are kept beside the result.
    """

    alleles: list[VcfAllele]
    name: str
    frame: "pd.DataFrame | pl.DataFrame | None" = None
    extra: tuple[str, ...] = ()

    @property
    def rows(self) -> list[int]:
        """Of each allele, its row in the frame."""
        return [allele.record for allele in self.alleles]


def read_variants(variants: Variants) -> GivenVariants:
    """Reads variants.

    Args:
      variants: the path of a VCF, BCF or list as `enformer-vep score` reads it; a pandas or polars frame with the
        columns chrom, pos, ref, alt and perhaps id, in upper or lower case; or an iterable of texts such as
        'chr1:1000:A:G', tuples (chrom, pos, ref, alt) or Variant. A single text may be a variant, too.

    Raises:
      InputError: it is none of these, or the frame lacks a column.
      VcfError: the file cannot be read.
    """
    if isinstance(variants, str | os.PathLike):
        text = os.fsdecode(variants)
        return _of_items([text]) if is_variant(text) else _of_file(text)
    if isinstance(variants, pd.DataFrame):
        return _of_frame(variants, [variants.iloc[:, place] for place in range(variants.shape[1])])
    if _is_polars(variants):
        return _of_frame(variants, variants.get_columns())  # type: ignore[union-attr]
    if isinstance(variants, Mapping | bytes) or not isinstance(variants, Iterable):
        raise _unusable(variants)
    return _of_items(one_or_more(variants))


def one_or_more(given: Any) -> list[Any]:
    """Returns the given items: a single text, path, Variant or tuple (chrom, pos, ref, alt) is one item."""
    if isinstance(given, str | os.PathLike | Variant) or _is_tuple_of_fields(given):
        return [given]
    return list(given)


def _is_tuple_of_fields(given: object) -> bool:
    """Returns whether it is a variant, and not a tuple of variants: its second item is a position."""
    return (
        isinstance(given, tuple)
        and len(given) in (len(REQUIRED), len(COLUMNS))
        and isinstance(given[0], str)
        and _position(given[1]) is not None
    )


def variant_text(item: object) -> str:
    """Returns a region or a path as text, and a variant as chr:pos:ref:alt.

    Raises:
      InputError: it is none of these.
    """
    if isinstance(item, str | os.PathLike):
        return os.fsdecode(item)
    if isinstance(item, tuple | list) and len(item) in (len(REQUIRED), len(COLUMNS)):
        return ":".join(map(str, item[: len(REQUIRED)]))
    raise InputError(f"found {item!r}: expected a region, a text such as 'chr1:1000:A:G', or a Variant")


def check_variants(given: GivenVariants, genome: Genome, *, allow_mismatches: bool) -> None:
    """Checks that variants and a genome seem to be of one assembly.

    Raises:
      InputError: they are not.
    """
    check_assembly(survey_alleles(given.alleles), genome, given.name, allow_mismatches=allow_mismatches)


def _is_polars(variants: object) -> bool:
    """Returns whether it is a frame of polars, without importing polars.

    Raises:
      InputError: it is a lazy one.
    """
    kind = type(variants)
    if kind.__module__.split(".")[0] != "polars":
        return False
    if kind.__name__ == "LazyFrame":
        raise InputError("the variants are a LazyFrame of polars: expected a DataFrame; call collect() on it first")
    return kind.__name__ == "DataFrame"


def _unusable(variants: object) -> InputError:
    return InputError(
        f"the variants are a {type(variants).__name__}: expected the path of a VCF, BCF or list, a pandas or polars "
        "frame with the columns chrom, pos, ref and alt, or an iterable of texts such as 'chr1:1000:A:G' or of tuples"
    )


def _of_file(path: str) -> GivenVariants:
    if not os.path.exists(path):
        raise VcfError(
            f"no such file: {path}: expected a VCF, plain or compressed with gzip or bgzip, a BCF, a list, or a "
            "variant such as chr1:1000:A:G"
        )
    with closing(VcfReader(path)) as reader:
        alleles = list(reader)
        if reader.notice:
            logger.info("%s", reader.notice)
    return GivenVariants(alleles, path)


def _of_items(items: Iterable[Any]) -> GivenVariants:
    alleles = [allele for record, item in enumerate(items) for allele in _of_item(item, record)]
    return GivenVariants(alleles, "the variants")


def _of_item(item: object, record: int) -> Iterator[VcfAllele]:
    if isinstance(item, str):
        fields = split_variant(item.strip().encode("utf-8", "surrogateescape"))
        if fields is None:
            name = " ".join(item.split()) or MISSING
            detail = f"variant {record} is {item!r}: expected chr:pos:ref:alt, such as chr1:1000:A:G"
            yield VcfAllele(Variant(MISSING, 0, MISSING, MISSING), record, 1, name, detail)
            return
        chrom, pos, name, ref, alt = (field.decode("utf-8", "surrogateescape") for field in fields)
        yield from _alleles((chrom, pos, ref, alt, name), record)
    elif isinstance(item, tuple | list) and len(item) in (len(REQUIRED), len(COLUMNS)):
        yield from _alleles((*item, None)[: len(COLUMNS)], record)
    else:
        raise InputError(
            f"variant {record} is {item!r}: expected a text such as 'chr1:1000:A:G', a tuple (chrom, pos, ref, alt) or "
            "(chrom, pos, ref, alt, id), or a Variant"
        )


def _of_frame(frame: Any, columns: Sequence[Any]) -> GivenVariants:
    names = [str(name) for name in frame.columns]
    places: dict[str, int] = {}
    extra = []
    for place, name in enumerate(names):
        canonical = name.removeprefix("#").strip().lower()
        if canonical not in COLUMNS:
            extra.append(name)
        elif canonical in places:
            raise InputError(f"the frame has the columns {names[places[canonical]]!r} and {name!r}: keep one of them")
        else:
            places[canonical] = place
    for name in REQUIRED:
        if name not in places:
            raise InputError(
                f"the frame has no column {name!r}: expected chrom, pos, ref and alt, found {', '.join(names)}"
                f"{did_you_mean(name, extra)}"
            )
    if taken := [name for name in extra if name in RESULT_COLUMNS]:
        raise InputError(f"the frame has a column {taken[0]!r}, which the result has as well: rename or drop it")
    values = [columns[places[name]].to_list() if name in places else [None] * len(frame) for name in COLUMNS]
    rows = zip(*values, strict=True)
    alleles = [allele for record, row in enumerate(rows) for allele in _alleles(row, record)]
    return GivenVariants(alleles, "the frame", frame, tuple(extra))


def _alleles(values: Sequence[Any], record: int) -> Iterator[VcfAllele]:
    """Yields the alleles of a record, given its chrom, pos, ref, alt and id; one if it is malformed."""
    chrom, ref, alt, name = (_text(values[place]) for place in (0, 2, 3, 4))
    pos = _position(values[1])
    problems = [f"{label} is missing" for label, value in (("chrom", chrom), ("ref", ref)) if not value]
    if pos is None:
        problems.append(f"pos is {values[1]!r}, expected a whole number from 0 to {MAX_POS}")
    if problems:
        detail = f"row {record} is not a variant: {'; '.join(problems)}"
        variant = Variant(chrom or MISSING, pos or 0, ref or MISSING, alt or MISSING)
        yield VcfAllele(variant, record, 1, name or MISSING, detail)
        return
    assert pos is not None
    for number, one in enumerate((alt or MISSING).split(","), start=1):
        yield VcfAllele(Variant(chrom, pos, ref, one), record, number, name or MISSING)


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _text(value: object) -> str:
    """Returns a value as text, empty if it is missing; a column of whole numbers with gaps is one of floats."""
    if _is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _position(value: object) -> int | None:
    """Returns a position; None if it is not a whole number from 0 to MAX_POS."""
    if _is_missing(value) or isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip()
        if not (value.isascii() and value.isdigit()):
            return None
    try:
        pos = int(value)  # type: ignore[call-overload]
        return int(pos) if pos == float(value) and 0 <= pos <= MAX_POS else None  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
