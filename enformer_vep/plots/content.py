"""The content of a variant's page, before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.genes import Gene
from enformer_vep.genome.variant import Interval

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Letters:
    """Bases of one allele that are drawn as letters of different heights.

    Attributes:
      letters: the bases; N has no height.
      scores: float32 [L], each letter's height; or float32 [L, 4], the heights of A, C, G and T in each place.
      columns: int [L], where each stands: alleles of different lengths leave gaps.

    Raises:
      ValueError: the lengths differ.
    """

    letters: str
    scores: Float32s
    columns: Sequence[int]

    def __post_init__(self) -> None:
        length = len(self.letters)
        if self.scores.shape not in ((length,), (length, 4)) or len(self.columns) != length:
            raise ValueError(
                f"expected scores [{length}] or [{length}, 4] and {length} columns, got {self.scores.shape} and "
                f"{len(self.columns)}"
            )


@dataclass(frozen=True, eq=False)
class TrackLogos:
    """The logos of one track around a variant.

    Attributes:
      reference: the letters of the reference.
      alternate: the letters of the alternate.
    """

    reference: Letters
    alternate: Letters


@dataclass(frozen=True)
class LogoColumns:
    """The columns in which the letters of both alleles stand.

    Attributes:
      positions: the genome's base in each column, 0-based; None in a column of inserted bases.
      changed: the columns in which the alleles differ; may be none.
    """

    positions: tuple[int | None, ...]
    changed: range


@dataclass(frozen=True, eq=False)
class TrackProfile:
    """One track of a page.

    Attributes:
      name: what it measures in which cells.
      identifier: its identifier.
      assay: its assay, or its group; may be empty.
      effect: the effect by which tracks are ranked.
      reference: float32 [bins].
      difference: float32 [bins], the alternate's less the reference's.
      logos: None for none.
    """

    name: str
    identifier: str
    assay: str
    effect: float
    reference: Float32s
    difference: Float32s
    logos: TrackLogos | None = None


@dataclass(frozen=True, eq=False)
class VariantPage:
    """Everything that is drawn for one variant.

    Attributes:
      title: the variant; its words may be put into several lines.
      subtitle: genome, model and settings.
      notice: what must be said of the model; empty for a real one.
      variant: the bases of REF, on the FASTA's contig.
      shown: the stretch that is shown, within the contig.
      first_bin_start: where the first of the profiles' bins begins; it may lie before the contig.
      bin_size_bp: length of a bin.
      tracks: at least one.
      effect_name: the statistic that the tracks' effects are.
      genes: the genes; None if no annotation was given.
      logo_columns: None if no track has logos.
      logo_legend: what the height of their letters means.
    """

    title: Sequence[str]
    subtitle: str
    notice: str
    variant: Interval
    shown: Interval
    first_bin_start: int
    bin_size_bp: int
    tracks: Sequence[TrackProfile]
    effect_name: str
    genes: Sequence[Gene] | None = None
    logo_columns: LogoColumns | None = None
    logo_legend: str = ""


def aligned(
    start: int, reference: str, alternate: str, changed: tuple[int, int], inserted: tuple[int, int]
) -> tuple[LogoColumns, list[int], list[int]]:
    """Puts two alleles into common columns: equal flanks, and between them what differs, from the left.

    Args:
      start: the genome's position of the first base of both, 0-based.
      reference: the reference's bases.
      alternate: the alternate's bases.
      changed: from where to where the reference differs, as places in `reference`.
      inserted: the same in `alternate`; it begins at the same place.

    Returns:
      The columns, and for each base of the reference and of the alternate its column.
    """
    num_changed, num_inserted = changed[1] - changed[0], inserted[1] - inserted[0]
    width = max(num_changed, num_inserted)
    num_right = len(reference) - changed[1]
    places = list(range(changed[0]))

    def of_allele(num: int) -> list[int]:
        first_right = changed[0] + width
        return [*places, *range(changed[0], changed[0] + num), *range(first_right, first_right + num_right)]

    of_reference, of_alternate = of_allele(num_changed), of_allele(num_inserted)
    positions: list[int | None] = [None] * (changed[0] + width + num_right)
    for place, column in enumerate(of_reference):
        positions[column] = start + place
    assert len(of_alternate) == len(alternate)
    return LogoColumns(tuple(positions), range(changed[0], changed[0] + width)), of_reference, of_alternate
