"""A share of a run: `--shard K/N` scores the K-th of N contiguous ranges of the alleles, equal by count."""

import re
from dataclasses import dataclass

from enformer_vep.errors import InputError


@dataclass(frozen=True)
class Shard:
    """The `number`-th, from 1, of `of` shares.

    Raises:
      InputError: there is no such share.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise _invalid(str(self))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Reads 'K/N'.

        Raises:
          InputError: it is not K/N with K from 1 to N.
        """
        match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        if not match:
            raise _invalid(text)
        return cls(int(match[1]), int(match[2]))

    def share(self, num_alleles: int) -> tuple[int, int]:
        """Returns the first allele of this share and the one after its last, counted from 0."""
        return num_alleles * (self.number - 1) // self.of, num_alleles * self.number // self.of


def _invalid(text: str) -> InputError:
    return InputError(f"invalid shard {text!r}: expected K/N with K from 1 to N, as in 3/10")
