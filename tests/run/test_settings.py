"""Shares of the alleles: as they are named, and as long as can be alike."""

from itertools import pairwise

import pytest

from enformer_vep.errors import InputError
from enformer_vep.run.settings import Shard


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5"])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="expected K/N"):
        Shard.parse(text)


@pytest.mark.parametrize("num_alleles", [0, 1, 10, 1001])
@pytest.mark.parametrize("num_shards", [1, 3, 7])
def test_shares_are_contiguous_and_equal(num_alleles: int, num_shards: int) -> None:
    shares = [Shard(k, num_shards).share(num_alleles) for k in range(1, num_shards + 1)]
    assert shares[0][0] == 0
    assert shares[-1][1] == num_alleles
    assert all(one[1] == other[0] for one, other in pairwise(shares))
    sizes = [end - first for first, end in shares]
    assert max(sizes) - min(sizes) <= 1
