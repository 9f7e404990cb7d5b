"""The results of alleles in memory, and as frames of pandas or polars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from enformer_vep.api.variants import GivenVariants
from enformer_vep.errors import InputError
from enformer_vep.io.tables.row_writer import clean_text
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.run.score.parts import Part

if TYPE_CHECKING:
    import polars as pl

SCORED = "scored"
"""The status of an allele that was scored; that of any other is the reason why not."""


@dataclass(frozen=True, eq=False)
class AlleleScores:
    """The scores of alleles, and why others have none.

    Attributes:
      alleles: all of them, all different in record and number of the allele.
      scores: float32 [alleles, statistics * tracks], statistics outermost; NaN for those that were not scored.
      status: SCORED, or the reason why an allele was not.
      detail: a sentence on the reason; empty if it was scored.
    """

    alleles: Sequence[VcfAllele]
    scores: npt.NDArray[np.float32]
    status: list[str]
    detail: list[str]

    @classmethod
    def of_parts(cls, alleles: Sequence[VcfAllele], parts: Iterable[Part], num_scores: int) -> "AlleleScores":
        """Joins the scores of parts, in the order of the alleles."""
        place = {(allele.record, allele.allele): row for row, allele in enumerate(alleles)}
        scores = np.full((len(alleles), num_scores), np.nan, dtype=np.float32)
        status, detail = [SCORED] * len(alleles), [""] * len(alleles)
        for part in parts:
            scores[[place[allele.record, allele.allele] for allele in part.alleles]] = part.scores
            for skipped in part.skipped:
                row = place[skipped.allele.record, skipped.allele.allele]
                status[row], detail[row] = skipped.reason.value, skipped.detail
        return cls(alleles, scores, status, detail)


def allele_columns(alleles: Sequence[VcfAllele]) -> dict[str, Any]:
    """Returns the columns that identify alleles: texts, and numbers of the types that Parquet has."""
    rows = [allele.fields for allele in alleles]
    kinds = AlleleFields.__annotations__
    columns: dict[str, Any] = {}
    for place, (name, kind) in enumerate(kinds.items()):
        values = [clean_text(row[place]) for row in rows]
        number = np.int32 if name == "allele" else np.int64
        columns[name] = values if kind is str else np.array(values, dtype=number)
    return columns


def to_frame(given: GivenVariants, scores: AlleleScores, columns: Sequence[str]) -> "pd.DataFrame | pl.DataFrame":
    """Returns one row per allele: what identifies it, its status and detail, the given columns, and the scores.

    Args:
      given: the variants.
      scores: their scores, or why they have none.
      columns: the names of the scores.

    Returns:
      A frame of polars if the variants were in one, otherwise one of pandas with the index of the frame that they were
      in.

    Raises:
      InputError: the given frame has a column of a score's name.
    """
    if both := sorted(set(given.extra) & set(columns)):
        raise InputError(f"the frame has a column {both[0]!r}, which the result has as well: rename or drop it")
    left = allele_columns(scores.alleles) | {"status": scores.status, "detail": scores.detail}
    if given.frame is not None and not isinstance(given.frame, pd.DataFrame):
        return _polars(given, left, scores, columns)
    texts = {name: pd.Series(values, dtype=str) for name, values in left.items() if isinstance(values, list)}
    frame = pd.DataFrame({name: texts.get(name, values) for name, values in left.items()})
    parts: list[pd.DataFrame] = [frame, pd.DataFrame(scores.scores, columns=list(columns), copy=False)]
    if given.frame is None:
        return _joined(parts)
    wanted = [place for place, name in enumerate(given.frame.columns) if str(name) in given.extra]
    kept = given.frame.iloc[given.rows, wanted]
    parts.insert(1, kept.reset_index(drop=True))
    result = _joined(parts)
    result.index = kept.index
    return result


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    joined: pd.DataFrame = pd.concat(parts, axis=1)
    return joined


def _polars(given: GivenVariants, left: dict[str, Any], scores: AlleleScores, columns: Sequence[str]) -> "pl.DataFrame":
    import polars as pl

    texts = {name: pl.String for name, values in left.items() if isinstance(values, list)}
    frame = pl.DataFrame(left, schema_overrides=texts)
    columns_of_scores = pl.from_numpy(scores.scores, schema=list(columns), orient="row")
    if not given.extra:
        return pl.concat([frame, columns_of_scores], how="horizontal")
    kept = given.frame.select(given.extra)[given.rows]  # type: ignore[union-attr, operator]
    return pl.concat([frame, kept, columns_of_scores], how="horizontal")
