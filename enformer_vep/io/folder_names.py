"""Names folders after variants."""

import re

from enformer_vep.genome.variant import Variant

MAX_ALLELE_LETTERS = 20
"""Of an allele that is written out; a longer one is named by its first letters and its length."""

NUM_LETTERS = 8
MAX_CONTIG_LETTERS = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9.+_-]")


class FolderNames:
    """Gives each variant a name of its own, such as chr1_12345_A_G, also where upper and lower case are the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, variant: Variant) -> str:
        """Returns the name of the next variant; the same variant has another one the next time."""
        contig = _UNSAFE.sub("-", variant.chrom)[:MAX_CONTIG_LETTERS].lstrip(".") or "-"
        plain = "_".join([contig, str(variant.pos), _allele(variant.ref), _allele(variant.alt)])
        name, number = plain, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{plain}_{number}"
        self._taken.add(name.lower())
        return name


def _allele(bases: str) -> str:
    bases = bases.upper()
    return _UNSAFE.sub("-", bases if len(bases) <= MAX_ALLELE_LETTERS else f"{bases[:NUM_LETTERS]}-{len(bases)}bp")
