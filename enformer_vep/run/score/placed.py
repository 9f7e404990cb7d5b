"""A variant that can be scored with its window, or the reason why one cannot."""

from dataclasses import dataclass
from typing import NamedTuple

from enformer_vep.errors import SkipReason
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.windows import Window


class Unscored(NamedTuple):
    """Why a variant has no scores: the reason, and a sentence."""

    reason: SkipReason
    detail: str


@dataclass(frozen=True)
class PlacedVariant:
    """A variant that can be scored, and its window. Sorted by `place`, neighbours share most of their work."""

    variant: Variant
    window: Window

    @property
    def place(self) -> tuple[str, int, int]:
        """Where on the genome the window and the variant begin."""
        return self.window.interval.contig, self.window.interval.start, self.variant.start
