"""Strands and shifts, as both engines see them: what is the same sequence must have the same score."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from enformer_vep.genome.codes import reverse_complement
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.layout import FetchCodes
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.views import Comparison, ViewSettings
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.inference.comparer import full_engine, reusing_engine
from enformer_vep.inference.engine import ByStatistic, Engine, EngineSettings
from enformer_vep.model.enformer import Enformer
from tests.comparisons import ALL_STATISTICS, Contig, assert_agree
from tests.support import TINY_CONFIG

pytestmark = pytest.mark.slow

GEOMETRY = TINY_CONFIG.geometry
LENGTH = GEOMETRY.sequence_length_bp
CODES = np.random.default_rng(5).integers(0, 4, 9_000, dtype=np.uint8)
START = 2_500
"""Where the window begins; the variants are in its middle."""

ALLELES = {
    "SNV": (4_000, "", 1),
    "MNV": (4_010, "", 3),
    "insertion": (4_020, "GATTACA", 1),
    "deletion": (4_030, "G", 12),
    "delins": (4_041, "TT", 5),
}
"""Start, ALT and length of REF; without an ALT, every base is another one."""


def variant_on(contig: Contig, kind: str) -> Variant:
    start, alt, num_ref_bp = ALLELES[kind]
    ref = contig.letters(start, start + num_ref_bp)
    return Variant("1", start + 1, ref, alt or ref.translate(str.maketrans("ACGT", "CGTA")))


def mirrored(variant: Variant, length_bp: int) -> Variant:
    """The same allele on the other strand of a contig."""
    ref, alt = (x.translate(str.maketrans("ACGT", "TGCA"))[::-1] for x in (variant.ref, variant.alt))
    return Variant("1", length_bp - variant.end + 1, ref, alt)


Build = Callable[[Enformer, FetchCodes, EngineSettings], Engine]
Engines = Callable[[Build, Contig], Engine]


@pytest.fixture(scope="module")
def engines(model: Enformer) -> Engines:
    """Builds the engine of each kind on each contig once."""
    made: dict[tuple[Build, bytes], Engine] = {}

    def engine_on(build: Build, contig: Contig) -> Engine:
        key = build, contig.codes.tobytes()
        if key not in made:
            made[key] = build(model, contig.fetch, EngineSettings("human", is_fused=False))
        return made[key]

    return engine_on


def score(
    engine: Engine, contig: Contig, variants: Sequence[Variant], start: int, views: ViewSettings
) -> list[ByStatistic]:
    """Scores variants in one window."""
    window = Interval("1", start, start + LENGTH)
    regions = np.ones((1, GEOMETRY.num_bins), np.float32)
    edits = [Edit.of(variant, "1", contig.fetch, LENGTH) for variant in variants]
    comparisons = [Comparison(views.views(window, edit, GEOMETRY), regions) for edit in edits]
    return list(engine.compare(comparisons, ALL_STATISTICS))


@pytest.mark.parametrize("engine", [full_engine, reusing_engine])
@pytest.mark.parametrize(
    ("kind", "policy"),
    [("SNV", IndelPolicy.TOWER), ("MNV", IndelPolicy.LEFT), *((kind, IndelPolicy.AVERAGE) for kind in ALLELES)],
)
def test_with_both_strands_a_mirror_image_scores_the_same(
    engines: Engines, engine: Build, kind: str, policy: IndelPolicy
) -> None:
    """On the other strand, a window's left flank is its right one: so of the indels' policies, for `average` alone."""
    contig, other = Contig(CODES), Contig(reverse_complement(CODES))
    variant = variant_on(contig, kind)
    views = ViewSettings(reverse_complement=True, indels=policy)
    here, there = engines(engine, contig), engines(engine, other)
    (found,) = score(here, contig, [variant], START, views)
    (turned,) = score(there, other, [mirrored(variant, len(CODES))], len(CODES) - START - LENGTH, views)
    assert_agree(turned, found)
    (one_strand,) = score(here, contig, [variant], START, ViewSettings(indels=policy))
    assert np.abs(one_strand["SAD"] - found["SAD"]).max() > 0.01 * np.abs(found["SAD"]).max()


@pytest.mark.parametrize("engine", [full_engine, reusing_engine])
@pytest.mark.parametrize("shift_bp", [-5, 64])
def test_a_shift_is_the_run_on_a_genome_that_is_moved(engines: Engines, engine: Build, shift_bp: int) -> None:
    moved = Contig(np.concatenate([np.full(max(shift_bp, 0), 2, np.uint8), CODES[max(-shift_bp, 0) :]]))
    contig = Contig(CODES)
    variants = [variant_on(contig, kind) for kind in ALLELES]
    there = [Variant("1", variant.pos + shift_bp, variant.ref, variant.alt) for variant in variants]
    for policy in IndelPolicy:
        views = ViewSettings(shifts=(shift_bp,), indels=policy)
        found = score(engines(engine, contig), contig, variants, START, views)
        expected = score(engines(engine, moved), moved, there, START, ViewSettings(indels=policy))
        for one, other in zip(found, expected, strict=True):
            assert_agree(one, other)
