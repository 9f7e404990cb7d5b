"""A variant, that is one alternate allele at its place, and intervals on a contig."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from enformer_vep.errors import SkipReason

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
