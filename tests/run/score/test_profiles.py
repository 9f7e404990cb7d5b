"""Profiles of variants: where their bins lie, and what cannot be predicted."""

from pathlib import Path

import numpy as np

from enformer_vep.errors import SkipReason
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.inference.comparer import full_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
from enformer_vep.io.tracks.table import unnamed_tracks
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.model.enformer import Enformer
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score.scorer import VariantProfile, VariantScorer
from enformer_vep.run.settings import ScoringSettings
from tests.support import TINY_CONFIG, random_sequence, write_fasta

CONTIG = random_sequence(6000)
GEOMETRY = TINY_CONFIG.geometry


def test_profiles_stand_in_the_variants_order_with_their_bins(tmp_path: Path, model: Enformer) -> None:
    reference = ReferenceCodes(Genome(write_fasta(tmp_path / "genome.fa", {"chr1": CONTIG})))
    engine = full_engine(model, reference.fetch, EngineSettings("human"))
    tracks = unnamed_tracks("human", model.config.heads["human"])
    scorer = VariantScorer(engine, reference, GEOMETRY, ScoringSettings(), tracks)
    alt = "CGTA"["ACGT".index(CONTIG[2999])]
    variants = [
        Variant("chr1", 10, CONTIG[9], "<DEL>"),
        Variant("1", 3000, CONTIG[2999], alt),
        Variant("chr1", 3100, CONTIG[3099], CONTIG[3099]),
    ]
    skipped, profile, unchanged = scorer.profiles([VcfAllele(variant, 0, 1) for variant in variants])
    assert isinstance(skipped, Unscored)
    assert skipped.reason is SkipReason.SYMBOLIC_ALT
    assert isinstance(profile, VariantProfile)
    assert isinstance(unchanged, VariantProfile)
    # The first REF base, at 2,999, is the last base of a scored bin: L/2 - 1 of its window.
    half = GEOMETRY.num_bins * GEOMETRY.bin_size_bp // 2
    assert profile.bins == Interval("chr1", 3000 - half, 3000 + half)
    assert np.abs(profile.difference).max() > 0
    np.testing.assert_array_equal(profile.alternate, profile.reference + profile.difference)
    assert not unchanged.difference.any()


def test_what_is_not_finite_has_no_profile(tmp_path: Path, model: Enformer) -> None:
    reference = ReferenceCodes(Genome(write_fasta(tmp_path / "genome.fa", {"chr1": CONTIG})))
    engine = full_engine(model, reference.fetch, EngineSettings("human"))
    scorer = VariantScorer(engine, reference, GEOMETRY, ScoringSettings(), unnamed_tracks("human", 5))
    bias = model.heads["human"].b
    kept = bias.numpy()
    try:
        bias.assign(np.full_like(kept, np.nan))
        variant = Variant("chr1", 3000, CONTIG[2999], "A" if CONTIG[2999] != "A" else "C")
        (unscored,) = scorer.profiles([VcfAllele(variant, 0, 1)])
    finally:
        bias.assign(kept)
    assert isinstance(unscored, Unscored)
    assert unscored.reason is SkipReason.NOT_FINITE
