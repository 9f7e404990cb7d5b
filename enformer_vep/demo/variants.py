"""The demo's variants, each with its true effect on the sites of the made-up world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from enformer_vep.demo.motifs import BASES, FACTOR_BY_NAME, FACTORS, Factor
from enformer_vep.demo.world import CELL_TYPE_OF, NUM_ENHANCER_SITES, PROMOTER_FACTOR, SEED, Contig
from enformer_vep.genome.codes import N_CODE, Codes

KINDS = ("break", "create", "silent", "random", "enhancer_break")
"""What an SNV does: it breaks a site; creates one; changes a base of a site without breaking it; lies anywhere and
changes no site; or breaks a site in an enhancer that raises a promoter far away."""

MARGIN_BP = 60_000
"""Distance of variants from the contig's ends, about half of the scored part of a window."""

MIN_DISTANCE_BP, MAX_DISTANCE_BP = 10_000, 25_000
"""Distance of a broken enhancer from the promoter that the record names."""

ENHANCER_BP = 300
"""NUM_ENHANCER_SITES or more sites of one activator within this distance of one of them are an enhancer."""

GAIN_OF: Mapping[str, int] = MappingProxyType({"break": -1, "create": 1, "enhancer_break": -1})
"""How many sites of its factor a variant of a kind adds."""

TEST_VARIANTS: Mapping[str, int] = MappingProxyType(
    {"break": 100, "create": 60, "silent": 20, "random": 100, "enhancer_break": 20}
)
"""How many of each kind the demo model is tested on."""

TEST_SEED = 1
"""The demo's own variants are drawn with another."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SiteVariant:
    """An SNV of the demo, and what it does.

    Attributes:
      chrom: the contig.
      pos: the base that changes, 1-based.
      ref: its letter.
      alt: the letter that replaces it.
      kind: one of KINDS.
      factor: the factor whose site it is; empty if it is random.
      promoter: for enhancer_break, the position of the promoter's TATA box, 1-based; otherwise None.
    """

    chrom: str
    pos: int
    ref: str
    alt: str
    kind: str
    factor: str
    promoter: int | None = None


def draw_variants(contigs: Sequence[Contig], num_of_kind: Mapping[str, int], *, seed: int = 0) -> list[SiteVariant]:
    """Draws variants on contigs, the factors in turn.

    Args:
      contigs: the contigs, in the order of the returned variants.
      num_of_kind: how many variants of each kind.
      seed: the seed of the random choice.

    Returns:
      The variants, all at different positions, in the contigs' order and by position.

    Raises:
      ValueError: the contigs do not have enough sites.
    """
    rng = np.random.default_rng([SEED, 3, seed])
    places = [_Places(contig) for contig in contigs]
    lengths = np.array([len(contig.codes) for contig in contigs], dtype=np.float64)
    drawn: dict[tuple[int, int], SiteVariant] = {}
    for kind, num_wanted in num_of_kind.items():
        factors = list(CELL_TYPE_OF) if kind == "enhancer_break" else list(FACTOR_BY_NAME)
        num_drawn = num_tries = 0
        while num_drawn < num_wanted:
            number = int(rng.choice(len(contigs), p=lengths / lengths.sum()))
            variant = places[number].draw(kind, FACTOR_BY_NAME[factors[num_drawn % len(factors)]], rng)
            num_tries += 1
            if variant is not None and (number, variant.pos) not in drawn:
                drawn[number, variant.pos] = variant
                num_drawn += 1
            elif num_tries > 1000 * num_wanted:
                raise ValueError(f"these contigs do not have {num_wanted} variants of kind {kind}")
    return [drawn[key] for key in sorted(drawn)]


def changed_sites(codes: Codes, start: int, alternate: int) -> dict[str, int]:
    """Returns what an SNV does to sites.

    Args:
      codes: uint8 [length], the contig.
      start: the base that changes, 0-based.
      alternate: the code that replaces it.

    Returns:
      Sites gained (positive) or lost (negative), by factor; empty if none is.
    """
    reach_bp = max(factor.length_bp for factor in FACTORS)
    first = max(start - reach_bp + 1, 0)
    reference = codes[first : start + reach_bp]
    changed = reference.copy()
    changed[start - first] = alternate
    gains = {factor.name: len(factor.sites(changed)) - len(factor.sites(reference)) for factor in FACTORS}
    return {name: gain for name, gain in gains.items() if gain}


class _Places:
    """Where sites, and sequences one base from a site, begin in a contig, away from its ends."""

    def __init__(self, contig: Contig) -> None:
        self.contig = contig
        self.sites: dict[str, Places] = {}
        self.near_sites: dict[str, Places] = {}
        for factor in FACTORS:
            fewest = factor.mismatches(contig.codes).min(axis=0)
            for places, num_mismatches in ((self.sites, 0), (self.near_sites, 1)):
                begins = np.flatnonzero(fewest == num_mismatches)
                places[factor.name] = begins[(begins >= MARGIN_BP) & (begins < len(contig.codes) - MARGIN_BP)]

    def draw(self, kind: str, factor: Factor, rng: np.random.Generator) -> SiteVariant | None:
        """Draws a variant of a kind; None if the draw does not give one."""
        codes = self.contig.codes
        if kind == "random":
            start, alternate = int(rng.integers(MARGIN_BP, len(codes) - MARGIN_BP)), int(rng.integers(4))
            is_random = codes[start] not in (alternate, N_CODE) and not changed_sites(codes, start, alternate)
            return self._snv(start, alternate, kind) if is_random else None
        places = (self.near_sites if kind == "create" else self.sites)[factor.name]
        if kind == "enhancer_break":
            num_beside = np.searchsorted(places, places + ENHANCER_BP) - np.searchsorted(places, places - ENHANCER_BP)
            places = places[num_beside >= NUM_ENHANCER_SITES]
        if not len(places):
            return None
        site, promoter = int(rng.choice(places)), None
        if kind == "enhancer_break":
            promoters = self.sites[PROMOTER_FACTOR]
            distances_bp = np.abs(promoters - site)
            promoters = promoters[(distances_bp >= MIN_DISTANCE_BP) & (distances_bp <= MAX_DISTANCE_BP)]
            if not len(promoters):
                return None
            promoter = int(rng.choice(promoters))
        wanted = {factor.name: GAIN_OF[kind]} if kind in GAIN_OF else {}
        for number in rng.permutation(factor.length_bp * 4):
            start, alternate = site + int(number) // 4, int(number) % 4
            if codes[start] not in (alternate, N_CODE) and changed_sites(codes, start, alternate) == wanted:
                return self._snv(start, alternate, kind, factor.name, promoter)
        return None

    def _snv(self, start: int, alternate: int, kind: str, factor: str = "", promoter: int | None = None) -> SiteVariant:
        ref, alt = BASES[self.contig.codes[start]], BASES[alternate]
        promoter_pos = None if promoter is None else promoter + 1
        return SiteVariant(self.contig.name, start + 1, ref, alt, kind, factor, promoter_pos)
