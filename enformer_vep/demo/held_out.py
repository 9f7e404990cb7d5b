"""How well a model predicts the signal of a contig that it was not trained on."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from enformer_vep.demo.world import TRACKS, Contig, noisy_counts
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
