"""The demo model's card, and that the one in the package is what its training would write today."""

import re

import numpy as np
from demo_training import PACKAGES, Trained, Training, model_card

from enformer_vep.demo.recovery import Recovery
from enformer_vep.demo.world import TRACKS
from enformer_vep.model.location import DEMO, locate_model
from enformer_vep.model.weights import load_model

SHIPPED = (locate_model(DEMO).prefix.parent / "model_card.md").read_text(encoding="utf-8")


def found(pattern: str) -> tuple[str, ...]:
    match = re.search(pattern, SHIPPED)
    assert match is not None, pattern
    return match.groups()


def test_the_shipped_card_is_what_the_training_writes() -> None:
    """Only what a training run measures is taken from it; the settings are today's."""
    seed, steps, commit, minutes = found(r"--seed (\d+) --steps (\d+)`, at commit (\w+), in (\d+) minutes")
    packages = {name: found(rf" {name} ([\d.]+)")[0] for name in PACKAGES}
    auroc, *counts = found(r"AUROC ([\d.]+) .* in (\d+) of (\d+); .* in (\d+) of (\d+)\n")
    right, signs, lowered, enhancers = map(int, counts)
    recovery = Recovery(float(auroc), signs, right, enhancers, lowered)
    correlations = {track: float(found(rf"\| {track} \| ([\d.]+) \|")[0]) for track in TRACKS}
    training = Training(int(seed), int(steps))
    trained = Trained(training, commit, float(minutes), packages, correlations, recovery)
    variables = load_model(locate_model(DEMO)).model.trainable_variables
    num_parameters = sum(int(np.prod(variable.shape)) for variable in variables)
    assert model_card(trained, num_parameters) == SHIPPED
    assert recovery.is_good
