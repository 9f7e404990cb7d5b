"""How well scores agree with the truth about the demo's variants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from enformer_vep.demo.variants import SiteVariant
from enformer_vep.demo.world import cage_track, chip_track

STATISTIC = "SAD"

LEAST_AUROC = 0.98
LEAST_SHARE_RIGHT = 0.95
"""The least that a working installation reaches with the demo model."""


@dataclass(frozen=True)
class Recovery:
    """How well scores agree with the truth about variants.

    Attributes:
      auroc: area under the ROC curve of |SAD| on the factor's own track, broken sites against random variants.
      num_signs: breaks and creations of sites.
      num_right_signs: those whose SAD on the factor's own track has the right sign.
      num_enhancers: variants that break a site of an enhancer.
      num_lowered: those with a negative SAD in their cell type's CAGE track.
    """

    auroc: float
    num_signs: int
    num_right_signs: int
    num_enhancers: int
    num_lowered: int

    @property
    def is_good(self) -> bool:
        """Whether the scores recover nearly all of the truth, as the demo model has learned it."""
        return (
            self.auroc >= LEAST_AUROC
            and self.num_right_signs >= LEAST_SHARE_RIGHT * self.num_signs
            and self.num_lowered >= LEAST_SHARE_RIGHT * self.num_enhancers
        )

    def __str__(self) -> str:
        return (
            f"  broken sites against random variants, by |SAD|     AUROC {self.auroc:.3f}\n"
            f"  gain or loss of binding has the right sign         {self.num_right_signs} of {self.num_signs}\n"
            f"  a broken enhancer lowers expression 10-25 kb away  {self.num_lowered} of {self.num_enhancers}"
        )


def statistic_column(track: str) -> str:
    """The column of a track's SAD."""
    return f"{STATISTIC}:{track}"


def measure_recovery(scores: pd.DataFrame, truths: Mapping[int, SiteVariant]) -> Recovery:
    """Compares scores with the truth.

    Args:
      scores: the table of a run with the demo model, with the statistic SAD and all tracks.
      truths: the truth by the number of the VCF's record; other records are ignored.

    Raises:
      KeyError: one of these records, or a track, has no score.
    """
    by_record = scores.set_index("record")

    def own_scores(kind: str, track_of: Callable[[str], str]) -> list[tuple[str, float]]:
        """The factor and the score on its track, of each variant of a kind."""
        factors = {record: truth.factor for record, truth in truths.items() if truth.kind == kind}
        return [(name, by_record.at[record, statistic_column(track_of(name))]) for record, name in factors.items()]

    random_records = [record for record, truth in truths.items() if truth.kind == "random"]
    broken, created = own_scores("break", chip_track), own_scores("create", chip_track)
    shares = [
        share_below(abs(score), by_record.loc[random_records, statistic_column(chip_track(name))].abs().to_numpy())
        for name, score in broken
    ]
    lowered = [score < 0 for _, score in own_scores("enhancer_break", cage_track)]
    return Recovery(
        auroc=float(np.mean(shares)),
        num_signs=len(broken) + len(created),
        num_right_signs=sum(score < 0 for _, score in broken) + sum(score > 0 for _, score in created),
        num_enhancers=len(lowered),
        num_lowered=sum(lowered),
    )


def share_below(value: float, others: npt.NDArray[np.float64]) -> float:
    """Returns the share of `others` that are smaller, counting equal ones half. Its mean over values is the AUROC."""
    return float(np.mean((others < value) + 0.5 * (others == value)))
