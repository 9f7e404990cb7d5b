"""Which tracks of a variant are shown, and what they are called."""

import numpy as np
import numpy.typing as npt

from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.run.score.scorer import VariantProfile
from enformer_vep.run.score.summary import track_name
from enformer_vep.scoring import REFERENCE_SUM, STATISTICS

RANKED_BY = "SADR"
"""The first choice of `run.strongest` too: it compares tracks of different scales."""


def effects(profile: VariantProfile) -> npt.NDArray[np.float64]:
    """Returns the effect of a variant on each track over all bins: float64 [tracks], in log2."""
    sums = {
        REFERENCE_SUM: profile.reference.sum(axis=0, dtype=np.float64)[np.newaxis],
        "difference": profile.difference.sum(axis=0, dtype=np.float64)[np.newaxis],
    }
    found: npt.NDArray[np.float64] = STATISTICS[RANKED_BY].finish(sums)[0]
    return found


def strongest(found: npt.NDArray[np.float64], num: int | None) -> list[int]:
    """Returns which tracks have the largest effects in either direction, the largest first; of equal ones the first.

    Args:
      found: what `effects` returned.
      num: how many are wanted; None for all tracks in their order.
    """
    if num is None:
        return list(range(len(found)))
    return [int(place) for place in np.argsort(-np.abs(found), kind="stable")[:num]]


def labels(tracks: TrackTable, place: int) -> tuple[str, str, str]:
    """Returns a track's name, identifier and assay, as it is shown."""
    track = tracks.table.iloc[place]
    return track_name(track), str(track["identifier"]), str(track["assay"])
