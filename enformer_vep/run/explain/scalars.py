"""The scalars whose gradients are taken: the weighted mean of tracks, summed over bins."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.io.tracks.labels import GROUPS
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.explain.settings import MeanBy

MEAN_OF_ALL = "mean_all"


def mean_name(group: str) -> str:
    """Returns the name of the mean of an assay group's tracks: mean_CHIP_TF for CHIP:TF."""
    return f"mean_{group.replace(':', '_')}"


GROUP_OF_MEAN = {mean_name(group): group for group in GROUPS}
"""The assay group of each name of a mean."""


class Scalar(NamedTuple):
    """A mean of tracks, which is summed over bins.

    Attributes:
      name: that of the track, or of the mean.
      tracks: int32 [n], their numbers in the head.
      weights: float32 [n], what each counts; together 1.
    """

    name: str
    tracks: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]


def make_scalars(tracks: TrackTable, mean_by: MeanBy) -> list[Scalar]:
    """Returns each track by itself, the mean of the tracks of each assay group, or that of all.

    Args:
      tracks: the chosen tracks.
      mean_by: which of these. A group's mean is named after it, as mean_CHIP_TF.
    """
    if mean_by == "track":
        return [_mean(name, [number]) for name, number in zip(tracks.identifiers, tracks.indices, strict=True)]
    if mean_by == "all":
        return [_mean(MEAN_OF_ALL, tracks.indices)]
    numbers: dict[str, list[int]] = {group: [] for group in GROUPS}
    for group, number in zip(tracks.groups, tracks.indices, strict=True):
        numbers[group].append(number)
    return [_mean(mean_name(group), of_group) for group, of_group in numbers.items() if of_group]


def _mean(name: str, numbers: Sequence[int]) -> Scalar:
    return Scalar(name, np.array(numbers, np.int32), np.full(len(numbers), 1 / len(numbers), np.float32))
