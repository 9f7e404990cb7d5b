"""How well a training run's model predicts contigs that it has not seen, and the model card that says so."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.demo.files import NOTICE
from enformer_vep.demo.recovery import Recovery
from enformer_vep.demo.variants import TEST_VARIANTS
from enformer_vep.demo.world import SEED, TRACKS, Contig, noisy_counts
from enformer_vep.genome.codes import Codes, one_hot
from enformer_vep.genome.geometry import Geometry

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Maps one_hot float32 [1, window, 4] to predictions float32 [1, num_bins, tracks]."""


def correlations(predict: Predict, contig: Contig, geometry: Geometry) -> dict[str, float]:
    """Compares predictions with the counts of a simulated experiment.

    Args:
      predict: the model.
      contig: the contig. Every bin is used that is scored in a window within the contig.
      geometry: the model's window and bins.

    Returns:
      Pearson's correlation over bins, for each of TRACKS.
    """
    predicted, counted = [], []
    for window, counts in windows(contig, geometry):
        predicted.append(predict(window)[0])
        counted.append(counts)
    x, y = np.concatenate(predicted).astype(np.float64), np.concatenate(counted)
    return {track: float(np.corrcoef(x[:, number], y[:, number])[0, 1]) for number, track in enumerate(TRACKS)}


def windows(contig: Contig, geometry: Geometry) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
    """Makes windows whose scored bins follow one another.

    Yields:
      one_hot float32 [1, window, 4] and counts int64 [num_bins, len(TRACKS)].
    """
    counts = noisy_counts(contig)
    for first in range(0, len(counts) - geometry.num_tower_bins + 1, geometry.num_bins):
        codes, counted = window_at(contig.codes, counts, first, geometry)
        yield one_hot(codes)[np.newaxis], counted


def window_at(
    codes: Codes, counts: npt.NDArray[np.int64], first: int, geometry: Geometry
) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Cuts the window that begins with a contig's bin `first`: its codes, and the counts of its scored bins."""
    start, scored = first * geometry.bin_size_bp, geometry.scored_tower_bins
    window = codes[start : start + geometry.sequence_length_bp]
    return window, counts[first + scored.start : first + scored.stop]


PACKAGES = ("tensorflow", "dm-sonnet", "numpy")
"""Packages whose versions the card names, since what a training run gives depends on them."""


@dataclass(frozen=True)
class Training:
    """The settings of a training run; a run with other settings cannot continue from its checkpoint.

    Attributes:
      seed: the seed of the weights, the windows and their order.
      steps: number of steps, each on one window.
      world_seed: the seed of the made-up world.
      contigs: number of training contigs.
      peak_learning_rate: the largest learning rate.
      max_gradient_norm: the norm to which gradients are clipped.
    """

    seed: int
    steps: int
    world_seed: int = SEED
    contigs: int = 24
    peak_learning_rate: float = 6e-3
    max_gradient_norm: float = 1.0


@dataclass(frozen=True)
class Trained:
    """A training run that is over, and what its model reaches on the held-out contigs.

    Attributes:
      training: the settings of the run.
      commit: the commit of the code.
      minutes: how long it took.
      packages: the version of each of PACKAGES.
      correlations: Pearson's correlation by track, from `correlations`.
      recovery: how well the scores of TEST_VARIANTS agree with the truth.
    """

    training: Training
    commit: str
    minutes: float
    packages: Mapping[str, str]
    correlations: Mapping[str, float]
    recovery: Recovery


def model_card(trained: Trained, num_parameters: int) -> str:
    """Returns the card of a model of so many parameters, in Markdown."""
    training, recovery = trained.training, trained.recovery
    command = f"python tools/train_demo.py --seed {training.seed} --steps {training.steps}"
    packages = ", ".join(f"{name} {trained.packages[name]}" for name in PACKAGES)
    variants = (
        f"AUROC {recovery.auroc:.3f} for broken sites against random variants by |SAD|; gain or loss of binding has "
        f"the right sign in {recovery.num_right_signs} of {recovery.num_signs}; a broken enhancer lowers distant CAGE "
        f"in {recovery.num_lowered} of {recovery.num_enhancers}"
    )
    data = f"{training.contigs} contigs of 1 Mb, made with the world's seed {training.world_seed}"
    rate, norm = training.peak_learning_rate, training.max_gradient_norm
    lines = [
        "# Model card: demo",
        "",
        f"A tiny Enformer of {num_parameters:,} parameters, trained on a genome {NOTICE}.",
        "It serves to try out and to test the tool. docs/demo.md describes its made-up world.",
        "",
        f"- training: `{command}`, at commit {trained.commit}, in {trained.minutes:.0f} minutes; {packages}",
        f"- data: {data}; one window per step",
        f"- loss: Poisson; Adam with a learning rate of up to {rate}; gradients clipped to a norm of {norm}",
        f"- {sum(TEST_VARIANTS.values())} held-out variants: {variants}",
        "",
        "| track | Pearson's r over the bins of the held-out contig made_up_1, against noisy counts |",
        "|---|---|",
        *(f"| {track} | {r:.3f} |" for track, r in trained.correlations.items()),
        "",
    ]
    return "\n".join(lines)
