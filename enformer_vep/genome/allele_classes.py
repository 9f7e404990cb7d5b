"""Classes of alleles by what they change: SNVs, insertions, deletions and others."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from enformer_vep.wording import plural


@dataclass(frozen=True)
class AlleleClasses:
    """How many alleles there are of each class.

    Attributes:
      snv: one base for another.
      insertion: bases added, and none replaced.
      deletion: bases removed, and none replaced.
      other: MNVs, replacements of another length, and alleles that change nothing.
    """

    snv: int = 0
    insertion: int = 0
    deletion: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All alleles."""
        return self.snv + self.insertion + self.deletion + self.other

    def __add__(self, more: "AlleleClasses") -> "AlleleClasses":
        return AlleleClasses(
            self.snv + more.snv,
            self.insertion + more.insertion,
            self.deletion + more.deletion,
            self.other + more.other,
        )

    def __str__(self) -> str:
        """Lists the classes that there are: '1,900 SNVs, 60 insertions, 40 others'."""
        counts = ((self.snv, "SNV"), (self.insertion, "insertion"), (self.deletion, "deletion"), (self.other, "other"))
        return ", ".join(plural(count, name) for count, name in counts if count)

    @classmethod
    def count(cls, alleles: Iterable[tuple[str, str]]) -> "AlleleClasses":
        """Counts alleles, given as REF and ALT."""
        return cls(**Counter(allele_class(ref, alt) for ref, alt in alleles))


def allele_class(ref: str, alt: str) -> str:
    """Returns the class of an allele, the name of a field of AlleleClasses; bases that both share are left aside."""
    if len(ref) == len(alt) == 1:
        return "snv" if ref.upper() != alt.upper() else "other"
    ref, alt = ref.upper(), alt.upper()
    start = _num_equal(ref, alt)
    ref, alt = ref[start:], alt[start:]
    end = _num_equal(ref[::-1], alt[::-1])
    num_ref, num_alt = len(ref) - end, len(alt) - end
    if num_ref == num_alt == 1:
        return "snv"
    if num_ref and not num_alt:
        return "deletion"
    return "insertion" if num_alt and not num_ref else "other"


def _num_equal(first: str, second: str) -> int:
    """Returns how many letters two texts have in common before they differ."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
