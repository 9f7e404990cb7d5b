"""A share of a run: `--shard K/N` scores the K-th of N contiguous ranges of the alleles, equal by count."""

import re
from dataclasses import dataclass
from typing import Any

from enformer_vep.errors import InputError


@dataclass(frozen=True)
class Shard:
    """The `number`-th, from 1, of `of` shares."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str | None) -> "Shard":
        """Reads 'K/N'; None means all alleles.

        Raises:
          InputError: it is not K/N with K from 1 to N.
        """
        if text is None:
            return cls()
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise InputError(f"invalid shard {text!r}: expected K/N with K from 1 to N, as in 3/10")
        return cls(int(match[1]), int(match[2]))

    def share(self, num_alleles: int) -> tuple[int, int]:
        """Returns the first allele of this share and the one after its last, counted from 0."""
        return num_alleles * (self.number - 1) // self.of, num_alleles * self.number // self.of

    def record(self, num_alleles: int) -> dict[str, Any]:
        """Describes the share for the run record; empty for a run of all alleles."""
        if self.of == 1:
            return {}
        first, end = self.share(num_alleles)
        return {
            "shard": {
                "number": self.number,
                "of": self.of,
                "first_allele": first,
                "end_allele": end,
                "num_alleles": num_alleles,
            }
        }
