"""Makes frames of pandas or polars of what becomes of alleles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from enformer_vep.api.variants import GivenVariants
from enformer_vep.errors import InputError
from enformer_vep.io.tables.formats import clean_text
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.run.score.allele_scores import AlleleScores

if TYPE_CHECKING:
    import polars as pl


def allele_columns(alleles: Sequence[VcfAllele]) -> dict[str, Any]:
    """Returns the columns that identify alleles: texts, and numbers of the types that Parquet has."""
    rows = [allele.fields for allele in alleles]
    kinds = AlleleFields.__annotations__
    found: dict[str, Any] = {}
    for place, (name, kind) in enumerate(kinds.items()):
        values = [clean_text(row[place]) for row in rows]
        number = np.int32 if name == "allele" else np.int64
        found[name] = values if kind is str else np.array(values, dtype=number)
    return found


def to_frame(given: GivenVariants, found: AlleleScores, columns: Sequence[str]) -> "pd.DataFrame | pl.DataFrame":
    """Returns one row per allele: what identifies it, its status and detail, the given columns, and the scores.

    Args:
      given: the variants.
      found: their scores.
      columns: the names of the scores.

    Returns:
      A frame of polars if the variants were in one, otherwise one of pandas with the index of the frame that they were
      in.

    Raises:
      InputError: the given frame has a column of a score's name.
    """
    if both := sorted(set(given.extra) & set(columns)):
        raise InputError(f"the frame has a column {both[0]!r}, which the result has as well: rename or drop it")
    left = allele_columns(found.alleles) | {"status": found.status, "detail": found.detail}
    if given.frame is not None and not isinstance(given.frame, pd.DataFrame):
        return _polars(given, left, found, columns)
    texts = {name: pd.Series(values, dtype=str) for name, values in left.items() if isinstance(values, list)}
    frame = pd.DataFrame({name: texts.get(name, values) for name, values in left.items()})
    parts: list[pd.DataFrame] = [frame, pd.DataFrame(found.scores, columns=list(columns), copy=False)]
    if given.frame is None:
        return _joined(parts)
    wanted = [place for place, name in enumerate(given.frame.columns) if str(name) in given.extra]
    kept = given.frame.iloc[given.rows, wanted]
    parts.insert(1, kept.reset_index(drop=True))
    result = _joined(parts)
    result.index = kept.index
    return result


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    found: pd.DataFrame = pd.concat(parts, axis=1)
    return found


def _polars(given: GivenVariants, left: dict[str, Any], found: AlleleScores, columns: Sequence[str]) -> "pl.DataFrame":
    import polars as pl

    texts = {name: pl.String for name, values in left.items() if isinstance(values, list)}
    frame = pl.DataFrame(left, schema_overrides=texts)
    scores = pl.from_numpy(found.scores, schema=list(columns), orient="row")
    if not given.extra:
        return pl.concat([frame, scores], how="horizontal")
    kept = given.frame.select(given.extra)[given.rows]  # type: ignore[union-attr, operator]
    return pl.concat([frame, kept, scores], how="horizontal")
