"""Random indels in the demo's made-up genome, and what the rules of the made-up world say about them.

Every indel either breaks one site, or changes no site at all. Each changes the length by 1 to 50 bp; the sequence that
it makes is scanned for sites, and `expected_counts` of it gives the truth.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.demo.files import Record
from enformer_vep.demo.motifs import BASES, FACTOR_BY_NAME, FACTORS
from enformer_vep.demo.world import BACKGROUND_COUNTS, BASE_FREQUENCIES, FRAGMENT_BP, SEED, Contig, expected_counts
from enformer_vep.genome.codes import N_CODE, Codes, encode
from enformer_vep.genome.geometry import Geometry

Floats = npt.NDArray[np.float64]

KINDS = ("break", "beside", "random")
"""An indel breaks one site; or it changes none, under the peak of a site or anywhere."""

LENGTH_CLASSES = ((1, 1), (2, 5), (6, 20), (21, 50))
"""By how many bp an indel changes the length: each class has as many indels as any other."""

TYPE_FREQUENCIES = {"insertion": 0.45, "deletion": 0.45, "delins": 0.1}
MAX_REPLACED_BP = 5
"""Longest shorter allele of a delins."""

MARGIN_BP = 110_000
"""Distance of indels from the contig's ends, so that every window is within the contig."""

REACH_BP = max(factor.length_bp for factor in FACTORS)

POLICIES = ("left", "average", "stitch", "tower")

STATISTICS: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "SAD": lambda r, a: (a - r).sum(axis=0),
    "D2": lambda r, a: np.sqrt(((a - r) ** 2).sum(axis=0)),
    "logD2": lambda r, a: np.sqrt(((np.log2(1 + a) - np.log2(1 + r)) ** 2).sum(axis=0)),
}
"""From counts [bins, tracks] of the reference and the alternate to a score per track."""


@dataclass(frozen=True, eq=False)
class Indel:
    """An indel, and what it does.

    Attributes:
      contig: the contig.
      start: the first base that is replaced, 0-based. If none is, the indel is an insertion before it.
      num_replaced: how many bases are.
      letters: what replaces them; empty for a deletion.
      kind: one of KINDS.
      factor: the factor whose site is broken, or whose peak the indel lies under; empty if it lies anywhere.
    """

    contig: Contig
    start: int
    num_replaced: int
    letters: str
    kind: str
    factor: str

    @property
    def end(self) -> int:
        """Where the genome goes on."""
        return self.start + self.num_replaced

    @property
    def shift_bp(self) -> int:
        """Length of ALT less that of REF."""
        return len(self.letters) - self.num_replaced

    @property
    def length_class(self) -> tuple[int, int]:
        """The one of LENGTH_CLASSES that it belongs to."""
        return next(one for one in LENGTH_CLASSES if one[0] <= abs(self.shift_bp) <= one[1])

    @property
    def first_ref(self) -> int:
        """The first REF base, 0-based: as VCF has it, the base before an insertion or a deletion."""
        return self.start - (not self.num_replaced or not self.letters)

    def record(self, name: str) -> Record:
        """Makes the record of a VCF."""
        ref, base = (_letters(self.contig.codes[self.first_ref : stop]) for stop in (self.end, self.start))
        return Record(self.contig.name, self.first_ref + 1, name, ref, base + self.letters)

    def alternate(self, start: int, end: int) -> Codes:
        """Returns the changed sequence between two places of the genome, one left and one right of the change."""
        codes = self.contig.codes
        return np.concatenate([codes[start : self.start], encode(self.letters), codes[self.end : end]])


def draw_indels(contigs: Sequence[Contig], num_of_kind: Mapping[str, int], *, seed: int = 0) -> list[Indel]:
    """Draws indels, left-aligned and at different positions.

    Args:
      contigs: the contigs, in the order of the returned indels.
      num_of_kind: how many of each kind.
      seed: the seed of the random choice.

    Returns:
      The indels, in the contigs' order and by position.
    """
    rng = np.random.default_rng([SEED, 4, seed])
    sites = [{name: factor.sites(contig.codes) for name, factor in FACTOR_BY_NAME.items()} for contig in contigs]
    lengths = np.array([len(contig.codes) - 2 * MARGIN_BP for contig in contigs], dtype=np.float64)
    drawn: dict[tuple[int, int], Indel] = {}
    for kind, num_wanted in num_of_kind.items():
        num_drawn = 0
        while num_drawn < num_wanted:
            number = int(rng.choice(len(contigs), p=lengths / lengths.sum()))
            factor = str(rng.choice(list(FACTOR_BY_NAME)))
            low, high = LENGTH_CLASSES[num_drawn % len(LENGTH_CLASSES)]
            length_bp = int(rng.integers(low, high + 1))
            indel = _draw(contigs[number], kind, factor, sites[number][factor], length_bp, rng)
            if indel is not None and (number, indel.first_ref) not in drawn:
                drawn[number, indel.first_ref] = indel
                num_drawn += 1
    return [drawn[key] for key in sorted(drawn)]


def _draw(
    contig: Contig, kind: str, factor: str, sites: npt.NDArray[np.int64], length_bp: int, rng: np.random.Generator
) -> Indel | None:
    """Draws an indel of a kind; None if the draw does not give one."""
    codes = contig.codes
    num_replaced, num_new = _lengths(length_bp, rng)
    site, site_bp = int(rng.choice(sites)), FACTOR_BY_NAME[factor].length_bp
    if kind == "break":
        start = int(rng.integers(site - num_replaced + 1, site + site_bp))
    elif kind == "beside":
        start = site + site_bp // 2 + int(rng.integers(-FRAGMENT_BP // 2, FRAGMENT_BP // 2))
    else:
        start, factor = int(rng.integers(MARGIN_BP, len(codes) - MARGIN_BP)), ""
    if not MARGIN_BP <= start < len(codes) - MARGIN_BP:
        return None
    replaced = codes[start : start + num_replaced]
    new = rng.choice(4, num_new, p=BASE_FREQUENCIES).astype(np.uint8)
    if num_replaced and num_new:
        if replaced[0] == new[0] or replaced[-1] == new[-1]:
            return None  # shorter than it looks
    else:
        while codes[start - 1] == (new if num_new else codes[start : start + num_replaced])[-1]:
            start -= 1
            new = np.roll(new, 1)
    indel = Indel(contig, start, num_replaced, _letters(new), kind, factor)
    return indel if changed_sites(indel) == ({factor: -1} if kind == "break" else {}) else None


def _lengths(length_bp: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draws how many bases are replaced, and by how many: the length changes by `length_bp`."""
    kind = str(rng.choice(list(TYPE_FREQUENCIES), p=list(TYPE_FREQUENCIES.values())))
    shorter = int(rng.integers(1, MAX_REPLACED_BP + 1)) if kind == "delins" else 0
    is_gain = kind == "insertion" or (kind == "delins" and rng.random() < 0.5)
    return (shorter, shorter + length_bp) if is_gain else (shorter + length_bp, shorter)


def changed_sites(indel: Indel) -> dict[str, int]:
    """Returns the sites that are gained (positive) or lost (negative), by factor; empty if none is."""
    start, end = indel.start - REACH_BP + 1, indel.end + REACH_BP - 1
    reference, alternate = indel.contig.codes[start:end], indel.alternate(start, end)
    gains = {factor.name: len(factor.sites(alternate)) - len(factor.sites(reference)) for factor in FACTORS}
    return {name: gain for name, gain in gains.items() if gain}


def true_change(indel: Indel, geometry: Geometry) -> Floats:
    """Returns by how much the indel changes the counts of every track: float64 [tracks].

    The counts of the whole sequence are summed, wherever it lies on the grid of bins, and the background is left out,
    which belongs to a bin and not to a sequence.
    """
    half_bp = geometry.sequence_length_bp // 2
    start, end = indel.start - half_bp, indel.end + half_bp

    def total(codes: Codes) -> Floats:
        padded = np.pad(codes, (FRAGMENT_BP, FRAGMENT_BP + geometry.bin_size_bp), constant_values=N_CODE)
        return (expected_counts(padded) - BACKGROUND_COUNTS).sum(axis=0)

    return total(indel.alternate(start, end)) - total(indel.contig.codes[start:end])


def ruled_counts(indel: Indel, geometry: Geometry) -> dict[str, tuple[Floats, Floats]]:
    """Returns what a model that knows the rules would compare under each of POLICIES.

    Returns:
      By policy, the counts of the reference and of the alternate, float64 [num_bins, tracks]. With `tower`, the model
      is supposed to read nothing but a bin's own sequence from its tower.
    """
    shift_bp, length_bp = indel.shift_bp, geometry.sequence_length_bp
    start = indel.first_ref - geometry.variant_offset_bp
    scored = slice(geometry.crop_bins, geometry.crop_bins + geometry.num_bins)
    codes = indel.contig.codes
    whole = indel.alternate(start - abs(shift_bp), start + length_bp + abs(shift_bp))

    def counts(sequence: Codes, first: int) -> Floats:
        return expected_counts(sequence[first : first + length_bp])[scored]

    def joined(left: Floats, right: Floats, last: int) -> Floats:
        """Takes the bins before that of a base from `left`, and the others from `right`."""
        place = (last - start) // geometry.bin_size_bp - geometry.crop_bins
        return np.concatenate([left[:place], right[place:]])

    reference = counts(codes, start)
    left, right = counts(whole, abs(shift_bp)), counts(whole, abs(shift_bp) + shift_bp)
    tower = joined(left, right, indel.end - 1)
    stitch = reference, tower
    if shift_bp < 0:
        stitch = joined(reference, counts(codes, start - shift_bp), indel.start + len(indel.letters) - 1), left
    return {
        "left": (reference, left),
        "average": (reference, (left + right) / 2),
        "stitch": stitch,
        "tower": (reference, tower),
    }


def _letters(codes: Codes) -> str:
    return "".join(BASES[code] for code in codes)
