"""Two tables of the same alleles, side by side."""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import InputError

Rows = TypeVar("Rows")
Values = npt.NDArray[Any]

_PLACE = ("record", "allele")


def side_by_side(
    first: Iterator[tuple[pa.RecordBatch, Rows]],
    second: Iterator[tuple[pa.RecordBatch, Values]],
    names: tuple[str, str],
) -> Iterator[tuple[pa.RecordBatch, Rows, Values]]:
    """Yields what two tables have of the same alleles, although their batches end at other rows.

    Args:
      first: of consecutive alleles, columns with record and allele, and anything else.
      second: the same, with [alleles, any] values.
      names: the names of the tables, for messages.

    Yields:
      The batches of the first, with the values of the second.

    Raises:
      InputError: they have other alleles.
    """
    rest: tuple[pa.RecordBatch, Values] | None = None
    for fields, rows in first:
        num_wanted = len(fields)
        pieces: list[tuple[pa.RecordBatch, Values]] = []
        while num_wanted:
            more = rest or next(second, None)
            if more is None:
                raise _other_alleles(names)
            at, values = more
            pieces.append((at.slice(0, num_wanted), values[:num_wanted]))
            rest = (at.slice(num_wanted), values[num_wanted:]) if len(at) > num_wanted else None
            num_wanted -= len(pieces[-1][0])
        for name in _PLACE:
            found = np.concatenate([at[name].to_numpy() for at, _ in pieces]) if pieces else np.empty(0)
            if not np.array_equal(fields[name].to_numpy(), found):
                raise _other_alleles(names)
        if pieces:
            yield fields, rows, np.concatenate([values for _, values in pieces])
    if rest is not None or next(second, None) is not None:
        raise _other_alleles(names)


def _other_alleles(names: tuple[str, str]) -> InputError:
    return InputError(f"{names[0]} and {names[1]} have other alleles: use the files of one run as they were written")
