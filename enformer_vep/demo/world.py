"""The demo's made-up world: genomes with planted sites, and the rules by which sequence determines signal.

The signal depends only on the sequence, so that the effect of a variant is known exactly: `expected_counts` of the
alternate sequence minus those of the reference. docs/demo.md explains the rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from enformer_vep.demo.motifs import FACTOR_BY_NAME, FACTORS, Factor
from enformer_vep.genome.codes import N_CODE, Codes, reverse_complement
from enformer_vep.genome.geometry import BIN_SIZE_BP

SEED = 20210415

HELD_OUT_CONTIGS: Mapping[str, int] = MappingProxyType({"made_up_1": 1_000_000, "made_up_2": 410_000})
"""Lengths of the contigs that the demo writes, on which the demo model is tested but was not trained."""

TRAINING_CONTIG_BP = 1_000_000
NUM_TELOMERE_BP = 1_000

BASE_FREQUENCIES = (0.295, 0.205, 0.205, 0.295)
"""As in the human genome, about 41% G and C."""

# What is planted.
MEAN_SPACING_BP = 450
MIN_SPACING_BP = 100
ELEMENT_FREQUENCIES = MappingProxyType({"site": 0.50, "decoy": 0.34, "enhancer": 0.09, "promoter": 0.07})
"""Decoys are sites with one base that breaks them."""

CELL_TYPE_OF: Mapping[str, str] = MappingProxyType({"GATA": "ERYTHROID", "AP1": "FIBROBLAST", "ETS": "LYMPHOID"})
"""The cell type whose enhancers an activator makes."""

PROMOTER_FACTOR = "TBP"
LONE_FACTORS = ("CTCF", "SP1", "NRF1", "YY1")
PROMOTER_NEIGHBOURS = ("SP1", "NRF1", "YY1")
LONE_ACTIVATOR_FREQUENCY = 0.2
"""Share of lone sites that belong to an activator."""

MIN_DOMAIN_BP, MAX_DOMAIN_BP = 60_000, 160_000
DOMAIN_FREQUENCY = 0.9
"""Share of a domain's enhancers that have the domain's own activator; the others have any activator."""

NUM_ENHANCER_SITES = 4
MIN_GAP_BP, MAX_GAP_BP = 15, 60
"""Gap between neighbouring sites of an enhancer or promoter."""

# What is measured.
BACKGROUND_COUNTS = 0.05
"""Expected counts in every bin of every track."""
SITE_COUNTS = 30.0
"""Expected counts of one site, spread evenly over FRAGMENT_BP around its middle."""
FRAGMENT_BP = 300
OPEN_COUNTS = 10.0
"""Expected counts of one site of any factor in the open-chromatin track."""
TSS_COUNTS = 4.0
"""Expected counts of a promoter without enhancers, spread evenly over TSS_BP around the middle of its TATA box."""
TSS_BP = 100
ENHANCER_REACH_BP = 40_000
ENHANCER_COUNTS = 2.0
"""Additional counts for every activator's site right beside a promoter; fewer for a site farther away, and none beyond
ENHANCER_REACH_BP."""


def chip_track(factor: str) -> str:
    """The track of a factor's binding."""
    return f"DEMO:CHIP:{factor}"


def cage_track(activator: str) -> str:
    """The track of expression in the cell type of an activator."""
    return f"DEMO:CAGE:{CELL_TYPE_OF[activator]}"


CHIP_TRACKS = tuple(chip_track(factor.name) for factor in FACTORS)
OPEN_TRACK = "DEMO:DNASE:OPEN"
CAGE_TRACKS = tuple(cage_track(activator) for activator in CELL_TYPE_OF)
TRACKS = (*CHIP_TRACKS, OPEN_TRACK, *CAGE_TRACKS)


@dataclass(frozen=True)
class Contig:
    """A contig of the made-up world.

    Attributes:
      name: its name.
      codes: its sequence, uint8 [length].
    """

    name: str
    codes: Codes


def held_out_contig(name: str) -> Contig:
    """Makes one of HELD_OUT_CONTIGS."""
    return _contig(name, HELD_OUT_CONTIGS[name], 1, list(HELD_OUT_CONTIGS).index(name))


def training_contig(number: int) -> Contig:
    """Makes a training contig by its number from 0; there is no limit to their number."""
    return _contig(f"training_{number + 1}", TRAINING_CONTIG_BP, 0, number)


def _contig(name: str, length_bp: int, *key: int) -> Contig:
    rng = np.random.default_rng([SEED, *key])
    codes = rng.choice(4, length_bp, p=BASE_FREQUENCIES).astype(np.uint8)
    position = domain_end = NUM_TELOMERE_BP
    activator = ""
    while True:
        if position >= domain_end:
            domain_end = position + int(rng.integers(MIN_DOMAIN_BP, MAX_DOMAIN_BP))
            activator = _one_of([name for name in CELL_TYPE_OF if name != activator], rng)
        position += MIN_SPACING_BP + int(rng.exponential(MEAN_SPACING_BP - MIN_SPACING_BP))
        element = str(rng.choice(list(ELEMENT_FREQUENCIES), p=list(ELEMENT_FREQUENCIES.values())))
        for gap_bp, sequence in _element(element, activator, rng):
            position += gap_bp
            if position + len(sequence) > length_bp - NUM_TELOMERE_BP:
                codes[:NUM_TELOMERE_BP] = codes[-NUM_TELOMERE_BP:] = N_CODE
                return Contig(name, codes)
            codes[position : position + len(sequence)] = sequence
            position += len(sequence)


def _element(element: str, activator: str, rng: np.random.Generator) -> list[tuple[int, Codes]]:
    """Draws an element in the domain of an activator: its sequences, each with the length of the gap before it."""

    def gap_bp() -> int:
        return int(rng.integers(MIN_GAP_BP, MAX_GAP_BP))

    if element == "site":
        names = list(CELL_TYPE_OF) if rng.random() < LONE_ACTIVATOR_FREQUENCY else LONE_FACTORS
        return [(0, _site(_one_of(names, rng), rng))]
    if element == "decoy":
        return [(0, _decoy(_one_of(list(FACTOR_BY_NAME), rng), rng))]
    if element == "enhancer":
        own = activator if rng.random() < DOMAIN_FREQUENCY else _one_of(list(CELL_TYPE_OF), rng)
        names = [*[own] * NUM_ENHANCER_SITES, _one_of(LONE_FACTORS, rng)]
        return [(gap_bp(), _site(str(name), rng)) for name in rng.permutation(names)]
    names = [*(_one_of(PROMOTER_NEIGHBOURS, rng) for _ in range(2)), PROMOTER_FACTOR]
    return [(gap_bp(), _site(name, rng)) for name in names]


def _one_of(names: Sequence[str], rng: np.random.Generator) -> str:
    return str(rng.choice(names))


def _site(name: str, rng: np.random.Generator) -> Codes:
    """Draws a site of a factor, on either strand."""
    codes = np.array([rng.choice(np.flatnonzero(allowed)) for allowed in FACTOR_BY_NAME[name].allowed], dtype=np.uint8)
    return codes if rng.random() < 0.5 else reverse_complement(codes)


def _decoy(name: str, rng: np.random.Generator) -> Codes:
    """Draws a site of a factor with one base that breaks it."""
    factor = FACTOR_BY_NAME[name]
    while True:
        codes = _site(name, rng)
        codes[rng.integers(factor.length_bp)] = rng.integers(4)
        if factor.mismatches(codes).min() == 1:
            return codes


def site_centres(codes: Codes, factor: Factor) -> npt.NDArray[np.int64]:
    """Returns the middles of a factor's sites in codes uint8 [length]: 0-based, in order."""
    return factor.sites(codes) + factor.length_bp // 2


def enhancer_counts(distance_bp: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Counts that a promoter gains from an activator's site at a distance: at 20 kb, three quarters of the most."""
    return ENHANCER_COUNTS * np.maximum(1 - (distance_bp / ENHANCER_REACH_BP) ** 2, 0)


def promoter_heights(promoters: npt.NDArray[np.int64], sites: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Expected CAGE counts of promoters in the cell type of the activator whose sites' middles these are."""
    return np.asarray(TSS_COUNTS + enhancer_counts(promoters[:, np.newaxis] - sites).sum(axis=1))


def expected_counts(codes: Codes) -> npt.NDArray[np.float64]:
    """Applies the world's rules to a sequence.

    Args:
      codes: uint8 [length].

    Returns:
      float64 [length // 128, len(TRACKS)]: counts expected in each whole bin, in the order of TRACKS.
    """
    centres = {factor.name: site_centres(codes, factor) for factor in FACTORS}
    tracks = []
    open_counts = np.zeros(len(codes) // BIN_SIZE_BP)
    for sites in centres.values():
        bound = _pile(len(codes), sites, FRAGMENT_BP)
        tracks.append(SITE_COUNTS * bound)
        open_counts += OPEN_COUNTS * bound
    tracks.append(open_counts)
    promoters = centres[PROMOTER_FACTOR]
    for activator in CELL_TYPE_OF:
        tracks.append(_pile(len(codes), promoters, TSS_BP, promoter_heights(promoters, centres[activator])))
    return BACKGROUND_COUNTS + np.stack(tracks, axis=1)


def _pile(
    length_bp: int,
    centres: npt.NDArray[np.int64],
    width_bp: int,
    heights: npt.NDArray[np.float64] | float = 1.0,
) -> npt.NDArray[np.float64]:
    """Spreads each height evenly over a width around its centre and sums by bin: float64 [length_bp // 128]."""
    edges = np.zeros(length_bp + 1)
    density = np.broadcast_to(heights, centres.shape) / width_bp
    np.add.at(edges, np.clip(centres - width_bp // 2, 0, length_bp), density)
    np.add.at(edges, np.clip(centres + width_bp // 2, 0, length_bp), -density)
    num_bins = length_bp // BIN_SIZE_BP
    return np.asarray(np.cumsum(edges)[: num_bins * BIN_SIZE_BP].reshape(num_bins, BIN_SIZE_BP).sum(axis=1))


def noisy_counts(contig: Contig) -> npt.NDArray[np.int64]:
    """Draws the counts of a simulated experiment: int64 [bins, len(TRACKS)], Poisson with the expected counts."""
    rng = np.random.default_rng([SEED, 2, *contig.name.encode()])
    return rng.poisson(expected_counts(contig.codes))
