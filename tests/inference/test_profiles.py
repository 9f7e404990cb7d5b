"""Predictions of both alleles bin by bin: their sums are the statistics, and both engines agree."""

import numpy as np
import pytest

from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.inference.comparer import full_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.model.enformer import Enformer
from enformer_vep.scoring import STATISTICS
from tests.inference.tiny_alleles import CONTIG, GEOMETRY, deletion, look, make_engine, snv

VIEWS = [
    ViewSettings(),
    ViewSettings(reverse_complement=True, shifts=(0, 3)),
    ViewSettings(indels=IndelPolicy.AVERAGE),
    ViewSettings(indels=IndelPolicy.STITCH),
]


@pytest.mark.parametrize("views", VIEWS, ids=str)
def test_sums_over_bins_are_the_statistics(model: Enformer, views: ViewSettings) -> None:
    alleles = [snv(4000), deletion(4000), snv(4001), snv(9000)]
    comparisons = [look(allele, views=views) for allele in alleles]
    engine = make_engine(model, batch_size=3)
    profiles = list(engine.profiles(comparisons))
    scores = list(engine.compare(comparisons, [STATISTICS["REF"], STATISTICS["SAD"]]))
    for (reference, difference), of_allele in zip(profiles, scores, strict=True):
        assert reference.dtype == difference.dtype == np.float32
        assert reference.shape == difference.shape == (GEOMETRY.num_bins, model.config.heads["human"])
        assert np.abs(difference).max() > 0
        np.testing.assert_allclose(reference.sum(0, dtype=np.float64), of_allele["REF"][0], rtol=1e-12)
        np.testing.assert_allclose(difference.sum(0, dtype=np.float64), of_allele["SAD"][0], rtol=1e-12, atol=1e-12)


def test_engines_agree_and_tracks_are_chosen(model: Enformer) -> None:
    comparisons = [look(allele) for allele in (snv(4000), deletion(6000))]
    settings = EngineSettings("human", tracks=[3, 1])
    full = list(full_engine(model, CONTIG.fetch, settings).profiles(comparisons))
    reusing = list(make_engine(model, tracks=[3, 1]).profiles(comparisons))
    for wanted, found in zip(full, reusing, strict=True):
        assert wanted.reference.shape[1] == 2
        scale = np.abs(wanted.reference).max()
        np.testing.assert_allclose(found.reference, wanted.reference, atol=1e-5 * scale)
        np.testing.assert_allclose(found.difference, wanted.difference, atol=1e-5 * scale)


def test_the_reference_is_what_is_predicted(model: Enformer) -> None:
    comparison = look(snv(4000))
    engine = make_engine(model)
    (profile,) = engine.profiles([comparison])
    (predicted,) = engine.predict([comparison.views[0].reference])
    np.testing.assert_array_equal(profile.reference, predicted)
