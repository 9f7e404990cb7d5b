"""Alleles on a small contig, and the reusing engine that scores them with the tiny model."""

import numpy as np

from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison, ViewSettings
from enformer_vep.inference.comparer import Comparer, reusing_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.model.enformer import Enformer
from tests.comparisons import Contig, look_at
from tests.support import TINY_CONFIG

GEOMETRY = TINY_CONFIG.geometry
CONTIG_BP = 12_000


def make_genome() -> np.ndarray:
    """A contig with a run of N at its start, one in its middle, and a repeat."""
    codes = np.random.default_rng(7).integers(0, 4, CONTIG_BP, dtype=np.uint8)
    codes[:700] = codes[5000:5400] = 4
    codes[8000:8200] = 0
    codes[8300:8500] = np.resize([0, 1, 2], 200)
    return codes


CONTIG = Contig(make_genome())


def allele(start: int, num_ref_bp: int, alternate: str) -> Variant:
    """An allele whose REF begins at `start` on the contig."""
    return Variant("1", start + 1, CONTIG.letters(start, start + num_ref_bp), alternate)


def snv(start: int) -> Variant:
    """A change of the base at `start`."""
    return allele(start, 1, {"A": "C", "C": "G", "G": "T"}.get(CONTIG.letters(start, start + 1), "A"))


def deletion(start: int) -> Variant:
    """A deletion of the two bases after `start`."""
    return allele(start, 3, CONTIG.letters(start, start + 1))


def look(variant: Variant, placement: str = "centred", views: ViewSettings | None = None) -> Comparison:
    """Returns how an allele of the contig is looked at."""
    return look_at(variant, CONTIG.fetch, GEOMETRY, placement=placement, views=views)


def make_engine(model: Enformer, **options: object) -> Comparer:
    """An engine for the human head, with settings that are given by name."""
    return reusing_engine(model, CONTIG.fetch, EngineSettings("human", **{"is_fused": False, **options}))  # type: ignore[arg-type]
