"""The data of a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float32s = npt.NDArray[np.float32]
Int64s = npt.NDArray[np.int64]


class Fact(NamedTuple):
    """A fact about the run."""

    name: str
    value: str


class SkippedAllele(NamedTuple):
    """An allele that has no scores: where it is, what it is, and a sentence that says why."""

    place: str
    id: str
    change: str
    detail: str


@dataclass(frozen=True)
class SkippedReason:
    """The alleles that were skipped for one reason: how many, and the first of them."""

    reason: str
    count: int
    examples: tuple[SkippedAllele, ...]


@dataclass(frozen=True)
class Tracks:
    """All tracks of the run: one value per track in each.

    Attributes:
      identifiers: their identifiers.
      descriptions: their descriptions.
      groups: the group of each, such as CAGE.
      biosamples: what was measured; empty where it is not known.
    """

    identifiers: Sequence[str]
    descriptions: Sequence[str]
    groups: Sequence[str]
    biosamples: Sequence[str]


@dataclass(frozen=True, eq=False)
class ShownAlleles:
    """The alleles that the page lists, in the order of the run's input.

    Attributes:
      fields: chrom, pos, id, ref, alt, record and allele: one value per allele in each.
      track: int64 [alleles, groups], the strongest track of each group, by its place among all tracks.
      score: float32 [alleles, groups], its score.
      percentile: the same of its percentiles, NaN for none; None if the run has no background.
    """

    fields: Mapping[str, Sequence[str | int]]
    track: Int64s
    score: Float32s
    percentile: Float32s | None = None

    @property
    def strength(self) -> Float32s:
        """The value that alleles are ranked by: float32 [alleles], the largest score in magnitude."""
        strength: Float32s = np.abs(self.score).max(axis=1)
        return strength


class NearGene(NamedTuple):
    """A gene near an allele, and the track on which it changes most.

    Attributes:
      name: its symbol.
      strand: '+' or '-'.
      distance_bp: how far the allele lies from its nearest start, negative upstream.
      score: the largest score in magnitude, with its sign; None if genes were not scored.
      label: the track, or group of tracks, that has it.
    """

    name: str
    strand: str
    distance_bp: int
    score: float | None = None
    label: str = ""


@dataclass(frozen=True)
class GeneColumns:
    """The nearest and the strongest gene of each allele that is listed; None where there is no gene.

    Attributes:
      nearest: the gene whose start is nearest; of genes that were scored, the nearest in reach.
      strongest: the gene that changes most; None if genes were not scored.
      statistic: what the genes' scores are; None likewise.
    """

    nearest: Sequence[NearGene | None]
    strongest: Sequence[NearGene | None] | None = None
    statistic: str | None = None


class Start(NamedTuple):
    """Where a gene's transcripts start, 1-based."""

    name: str
    strand: str
    pos: int


@dataclass(frozen=True, eq=False)
class Profile:
    """The predictions for both alleles of a variant, on some tracks.

    Attributes:
      start: 1-based position of the first base of the first bin.
      bin_size_bp: length of a bin.
      tracks: the tracks' places among all tracks.
      reference: float32 [bins, tracks].
      difference: float32 [bins, tracks], the alternate's prediction less the reference's.
      genes: the starts of genes in these bins.
    """

    start: int
    bin_size_bp: int
    tracks: tuple[int, ...]
    reference: Float32s
    difference: Float32s
    genes: tuple[Start, ...] = ()


@dataclass(frozen=True, eq=False)
class LogoRow:
    """The bases of one sequence, and how much each contributes.

    Attributes:
      allele: 'REF' or 'ALT'; empty for the reference without regard to the variant.
      start: 1-based position of the first base. The bases of ALT are counted on from its left flank.
      letters: A, C, G, T and N.
      heights: float32 [bases], what each contributes; NaN if it is not known.
      changed: the places of the variant's own bases among them, from and to.
    """

    allele: str
    start: int
    letters: str
    heights: Float32s
    changed: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Logo:
    """The contributions of the bases around a variant to a prediction.

    Attributes:
      source: how it is known: 'saturation' or 'contributions'.
      explained: what the bases contribute to: a track, or a mean of tracks.
      rows: the reference, or REF and ALT.
    """

    source: str
    explained: str
    rows: tuple[LogoRow, ...]


@dataclass(frozen=True, eq=False)
class Detailed:
    """The details of one of the strongest alleles.

    Attributes:
      place: the allele's place among those that are listed.
      scores: float32 [tracks], its scores on all tracks.
      genes: the genes in its reach, those that change most first.
      profile: its predictions; None if there are none.
      no_profile: why there are none; empty if there are.
      logos: what the bases around it contribute, as far as this is known.
    """

    place: int
    scores: Float32s
    genes: Sequence[NearGene] = ()
    profile: Profile | None = None
    no_profile: str = ""
    logos: Sequence[Logo] = ()


@dataclass(frozen=True, eq=False)
class Histogram:
    """How the effects on each group are distributed over all scored alleles.

    Attributes:
      lower: the lower edge of each class, as a power of ten, in ascending order.
      counts: int64 [classes, groups], alleles whose strongest track has a score in the class.
      zeros: int64 [groups], alleles that change no track of the group.
      per_decade: number of classes between two powers of ten.
    """

    lower: Sequence[float]
    counts: Int64s
    zeros: Int64s
    per_decade: int


@dataclass(frozen=True)
class Counts:
    """Alleles that were read, those of them that were scored, and those that were skipped."""

    read: int
    scored: int
    skipped: int


@dataclass(frozen=True, eq=False)
class Contents:
    """All that a page shows.

    Attributes:
      name: what was scored, for the title.
      notice: what must be known of the scores before anything else; None if nothing.
      facts: how they were computed.
      counts: how many alleles there are.
      skipped: those that were skipped, by reason.
      statistic: the name of the statistic that is shown.
      tracks: the tracks.
      groups: the groups that have any.
      alleles: the strongest alleles.
      histogram: the effects of all alleles.
      detailed: the strongest of all, the strongest first.
      genes: the genes of the alleles; None if none are known.
      remarks: what the reader should know about the numbers, in whole sentences.
    """

    name: str
    notice: str | None
    facts: Sequence[Fact]
    counts: Counts
    skipped: Sequence[SkippedReason]
    statistic: str
    tracks: Tracks
    groups: Sequence[str]
    alleles: ShownAlleles
    histogram: Histogram
    detailed: Sequence[Detailed] = ()
    genes: GeneColumns | None = None
    remarks: Sequence[str] = ()

    @property
    def has_profiles(self) -> bool:
        """Whether profiles were asked for: each detailed allele has one, or a reason why not."""
        return any(one.profile is not None or one.no_profile for one in self.detailed)

    @property
    def has_logos(self) -> bool:
        """Whether any detailed allele has a logo."""
        return any(one.logos for one in self.detailed)
