"""Logos of variants: what each base contributes, as the model's own predictions of the changed sequences give it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from enformer_vep.genome.codes import encode, one_hot
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import ViewSettings
from enformer_vep.inference.comparer import reusing_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
from enformer_vep.io.tracks.table import unnamed_tracks
from enformer_vep.model.enformer import Enformer
from enformer_vep.run.plot.importances import (
    GradientLogos,
    Importances,
    Surroundings,
    has_logo,
    importances,
    logo_scoring,
)
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import VariantScorer
from enformer_vep.run.settings import ScoringSettings
from tests.support import TINY_CONFIG, random_sequence, write_fasta

CONTIG = random_sequence(5000, seed=7)
LENGTH = TINY_CONFIG.sequence_length_bp
FLANK = 2
TRACKS = [3, 0]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory, model: Enformer) -> VariantScorer:
    path = tmp_path_factory.mktemp("logos") / "genome.fa"
    genome = Genome(write_fasta(path, {"chr1": CONTIG, "short": "NACGT" + CONTIG[:60]}))
    reference = ReferenceCodes(genome)
    engine = reusing_engine(model, reference.fetch, EngineSettings("human", is_fused=False))
    scoring = logo_scoring(ScoringSettings())
    return VariantScorer(engine, reference, TINY_CONFIG.geometry, scoring, unnamed_tracks("human", 5))


def place(scorer: VariantScorer, variant: Variant) -> PlacedVariant:
    placed = scorer.place(variant)
    assert isinstance(placed, PlacedVariant)
    return placed


def totals(model: Enformer, sequences: list[str], start: int) -> np.ndarray:
    """The sums over bins that the model itself predicts for a window of each sequence: float64 [sequences, tracks]."""
    codes = np.stack([encode(sequence[start : start + LENGTH]) for sequence in sequences])
    return model(one_hot(codes))["human"].numpy().sum(axis=1, dtype=np.float64)[:, TRACKS]


def expected(model: Enformer, sequence: str, places: range, start: int) -> np.ndarray:
    """Minus the mean effect of the three substitutions of each base, in a window that begins at `start`."""
    changed = [
        sequence[:at] + letter + sequence[at + 1 :] for at in places for letter in "ACGT" if letter != sequence[at]
    ]
    before, *after = totals(model, [sequence, *changed], start)
    return before - np.reshape(after, (len(places), 3, len(TRACKS))).mean(axis=1)


@pytest.mark.parametrize(
    ("num_ref", "alt"),
    [(1, "other"), (4, ""), (1, "GATTACA"), (3, "TG")],
    ids=["SNV", "deletion", "insertion", "delins"],
)
def test_importances_are_those_of_the_models_own_predictions(
    scorer: VariantScorer, model: Enformer, num_ref: int, alt: str
) -> None:
    start = 2500
    ref = CONTIG[start : start + num_ref]
    alt = "CGTA"["ACGT".index(ref[0])] if alt == "other" else ref[0] + alt
    variant = Variant("chr1", start + 1, ref, alt)
    around = Surroundings.of(place(scorer, variant), scorer, FLANK)
    found = importances(scorer.score_placed(around.substitutions()), around, TRACKS)
    assert isinstance(found, Importances)
    window = start - (LENGTH // 2 - 1)
    alternate = CONTIG[:start] + alt + CONTIG[start + num_ref :]
    places = range(start - FLANK, start + num_ref + FLANK)
    in_alternate = range(start - FLANK, start + len(alt) + FLANK)
    assert around.reference == CONTIG[places.start : places.stop]
    assert around.alternate == alternate[in_alternate.start : in_alternate.stop]
    tolerance = {"rtol": 1e-3, "atol": 2e-5}
    np.testing.assert_allclose(found.reference, expected(model, CONTIG, places, window), **tolerance)
    np.testing.assert_allclose(found.alternate, expected(model, alternate, in_alternate, window), **tolerance)
    assert np.abs(found.reference).max() > 1e-3


@pytest.mark.parametrize("strands", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_contributions_are_gradients_of_the_models_own_predictions(
    scorer: VariantScorer, model: Enformer, strands: int
) -> None:
    start, num_ref, alt = 2500, 4, CONTIG[2500]
    opened: Any = SimpleNamespace(loaded=SimpleNamespace(model=model), tracks=scorer.tracks)
    logos = GradientLogos(opened, scorer.reference.fetch, reverse_complement=strands == 2)
    variant = Variant("chr1", start + 1, CONTIG[start : start + num_ref], alt)
    around = Surroundings.of(place(scorer, variant), scorer, FLANK)
    found = logos.importances(around, TRACKS)
    assert isinstance(found, Importances)
    window = start - (LENGTH // 2 - 1)
    alternate = CONTIG[:start] + alt + CONTIG[start + num_ref :]
    for sequence, made in ((CONTIG, found.reference), (alternate, found.alternate)):
        forward = tf.Variable(one_hot(encode(sequence[window : window + LENGTH]))[np.newaxis])
        for number, track in enumerate(TRACKS):
            with tf.GradientTape() as tape:
                both = [forward, forward[:, ::-1, ::-1]][:strands]
                total = tf.add_n([tf.reduce_sum(model(strand)["human"][..., track]) for strand in both])
            gradient = tape.gradient(total, forward).numpy()[0] / strands
            centred = (gradient - gradient.mean(axis=1, keepdims=True)) * forward.numpy()[0]
            first = around.start - window
            values = centred.sum(axis=1)[first : first + len(made)]
            np.testing.assert_allclose(made[:, number], values, rtol=1e-3, atol=1e-5)


def test_what_differs_is_found_between_equal_letters(scorer: VariantScorer) -> None:
    start = 2500
    variant = Variant("chr1", start + 1, CONTIG[start : start + 3], CONTIG[start] + CONTIG[start + 2])
    around = Surroundings.of(place(scorer, variant), scorer, 5)
    assert around.start == start - 5
    assert around.changed[1] - around.changed[0] == 1
    assert around.inserted[1] == around.inserted[0] == around.changed[0]
    kept = around.reference[: around.changed[0]] + around.reference[around.changed[1] :]
    assert kept == around.alternate


def test_flanks_end_with_the_contig_and_n_has_no_importance(scorer: VariantScorer) -> None:
    around = Surroundings.of(place(scorer, Variant("short", 3, "C", "T")), scorer, 5)
    assert (around.start, around.reference, around.alternate) == (0, "NACGT" + CONTIG[:3], "NATGT" + CONTIG[:3])
    assert len(list(around.substitutions())) == 2 * 3 * 7 + 1
    found = importances(iter([np.ones(5, np.float32)] * 43), around, TRACKS)
    assert isinstance(found, Importances)
    assert found.reference[:, 0].tolist() == [0, *[-1] * 7]
    assert found.alternate[:, 0].tolist() == [0] * 8


def test_one_that_cannot_be_scored_is_the_answer(scorer: VariantScorer) -> None:
    around = Surroundings.of(place(scorer, Variant("chr1", 2501, CONTIG[2500], "G" * 3)), scorer, 1)
    reason = scorer.place(Variant("chr9", 1, "A", "C"))
    assert isinstance(reason, Unscored)
    assert importances(iter([reason, *[np.ones(5, np.float32)] * 3]), around, TRACKS) is reason


def test_settings_of_substitutions_and_their_limit() -> None:
    scoring = logo_scoring(ScoringSettings(views=ViewSettings(reverse_complement=True, shifts=(0, 1))))
    assert scoring.names == ("SAD",)
    assert (scoring.views.reverse_complement, scoring.views.shifts, scoring.views.indels.value) == (
        True,
        (0, 1),
        "left",
    )
    assert has_logo(Variant("chr1", 5, "A" * 50, "A"))
    assert not has_logo(Variant("chr1", 5, "A", "A" * 51))
