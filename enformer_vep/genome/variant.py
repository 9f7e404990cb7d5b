"""A variant, that is one alternate allele at its place, its class, and intervals on a contig."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from enformer_vep.errors import SkipReason
from enformer_vep.wording import plural

MISSING = "."

_BASES = re.compile(r"[ACGTacgt]+")
_LETTERS = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Interval:
    """A span of a contig: 0-based, half-open. It may reach beyond the contig's ends."""

    contig: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"an interval must end at or after its start, got {self.contig}:{self.start}-{self.end}")

    @property
    def length(self) -> int:
        """Length in base pairs."""
        return self.end - self.start


class Variant(NamedTuple):
    """One alternate allele, in the terms of VCF. Equal variants are the same change, wherever they were read.

    Attributes:
      chrom: the contig, as the VCF names it.
      pos: position of the first REF base, 1-based.
      ref: the REF allele.
      alt: the ALT allele; '.' if there is none.
    """

    chrom: str
    pos: int
    ref: str
    alt: str

    @property
    def start(self) -> int:
        """Position of the first REF base, 0-based."""
        return self.pos - 1

    @property
    def end(self) -> int:
        """End of REF, 0-based and half-open."""
        return self.start + len(self.ref)

    def __str__(self) -> str:
        return f"{self.chrom}:{self.pos} {abbreviate(self.ref)}>{abbreviate(self.alt)}"


def abbreviate(allele: str, max_length: int = 24) -> str:
    """Shortens a long allele for a message, saying how long it is."""
    if len(allele) <= max_length:
        return allele
    return f"{allele[: max_length - 8]}...({len(allele)} bp)"


def check_alleles(variant: Variant, max_allele_bp: int) -> tuple[SkipReason, str] | None:
    """Says why an allele cannot be placed in a window, judged by its own fields alone.

    Args:
      variant: the allele.
      max_allele_bp: the longest REF or ALT that fits to the right of the variant's place in its window.

    Returns:
      The reason and a sentence, or None if the allele is a plain sequence that fits.
    """
    alt = variant.alt
    longest = max(len(variant.ref), len(alt))
    if longest <= max_allele_bp and _BASES.fullmatch(alt) and _LETTERS.fullmatch(variant.ref):
        return None
    if alt in (MISSING, ""):
        return SkipReason.NO_ALT, "the record has no ALT allele"
    if alt == "*":
        return SkipReason.SPANNING_DELETION, "ALT * is a deletion that another record describes"
    if alt.startswith("<"):
        return SkipReason.SYMBOLIC_ALT, f"symbolic ALT {abbreviate(alt)} has no sequence"
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return SkipReason.BREAKEND, f"breakend ALT {abbreviate(alt)} joins sequences that no single window contains"
    if not _BASES.fullmatch(alt):
        return SkipReason.INVALID_ALT, f"ALT {abbreviate(alt)} has letters other than A, C, G and T"
    if not _LETTERS.fullmatch(variant.ref):
        return SkipReason.INVALID_REF, f"REF {abbreviate(variant.ref)} is not a sequence of bases"
    return (
        SkipReason.ALLELE_TOO_LONG,
        f"the allele has {longest} bp, but the window has room for {max_allele_bp} bp",
    )


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
