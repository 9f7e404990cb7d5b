"""Two tables of the same alleles whose batches end at other rows."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from enformer_vep.errors import InputError
from enformer_vep.io.tables.row_reader import side_by_side

NAMES = ("first.tsv", "second.tsv")


def batches(sizes: Sequence[int], start: int = 0) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    for size in sizes:
        numbers = np.arange(start, start + size)
        yield pa.RecordBatch.from_pydict({"record": numbers // 2, "allele": numbers % 2 + 1}), numbers[:, None]
        start += size


@pytest.mark.parametrize("sizes", [[10], [1] * 10, [3, 0, 7], [4, 4, 2], [0, 10]])
@pytest.mark.parametrize("others", [[10], [6, 4], [2] * 5, [0, 1, 9]])
def test_rows_come_together(sizes: list[int], others: list[int]) -> None:
    found = list(side_by_side(batches(sizes), batches(others), NAMES))
    for fields, first, second in found:
        assert len(fields) == len(first)
        np.testing.assert_array_equal(first, second)
    assert np.concatenate([second for *_, second in found])[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("sizes", "others", "start"), [([5], [4], 0), ([5], [6], 0), ([5], [5], 1), ([2, 3], [3, 3], 0)]
)
def test_other_alleles_are_refused(sizes: list[int], others: list[int], start: int) -> None:
    with pytest.raises(InputError, match=r"first\.tsv and second\.tsv have other alleles"):
        list(side_by_side(batches(sizes), batches(others, start), NAMES))
