"""The summary of a run for people: one line, and the alleles with the largest effects."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from enformer_vep.errors import SkipReason
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.parts import Part
from enformer_vep.wording import plural

if TYPE_CHECKING:
    import pandas as pd

NUM_SHOWN = 5

_PREFERRED = ("SADR", "SAR")
"""Statistics that compare tracks of different scales, the best first; any other one favours tracks of many counts."""

_ALLELE_CHARACTERS = 10


def leading_statistic(names: Sequence[str]) -> str:
    """Returns the statistic that alleles are ranked by: the first of SADR and SAR, otherwise the first of all."""
    return next((name for name in _PREFERRED if name in names), names[0])


@dataclass(frozen=True)
class StrongEffect:
    """An allele, and the track that it changes most.

    Attributes:
      allele: the allele.
      statistic: the name of the statistic.
      score: its value on that track.
      group: the track's group, such as CAGE.
      track: the track's description without its assay, or its identifier if it has none.
    """

    allele: VcfAllele
    statistic: str
    score: float
    group: str
    track: str


class StrongestEffects:
    """Keeps the alleles with the largest effects, of all that are added."""

    def __init__(self, settings: TableSettings) -> None:
        """Chooses the statistic: the first of SADR and SAR that is written, otherwise the first that is written."""
        names = list(settings.statistics)
        self._statistic = leading_statistic(names)
        num_tracks = len(settings.tracks.identifiers)
        first = names.index(self._statistic) * num_tracks
        self._columns = slice(first, first + num_tracks)
        self._tracks = settings.tracks
        self._groups = settings.tracks.groups
        self._largest: list[tuple[float, int, int, VcfAllele, int, float]] = []

    def add(self, part: Part) -> None:
        """Ranks the alleles of a part among those before."""
        if not part.alleles:
            return
        scores = part.scores[:, self._columns]
        places = np.abs(scores).argmax(axis=1)
        rows = zip(part.alleles, places.tolist(), scores[np.arange(len(places)), places].tolist(), strict=True)
        # Of equal effects, the first in the file comes first; no two alleles share record and number.
        added = [(abs(x), -allele.record, -allele.allele, allele, place, x) for allele, place, x in rows if x]
        self._largest = heapq.nlargest(NUM_SHOWN, [*self._largest, *added], key=lambda row: row[:3])

    def largest(self) -> tuple[StrongEffect, ...]:
        """Returns those with the largest effects, the largest first. Alleles that change nothing are left out."""
        return tuple(
            StrongEffect(
                allele, self._statistic, score, self._groups[place], track_name(self._tracks.table.iloc[place])
            )
            for _, _, _, allele, place, score in self._largest
        )


def track_name(track: "pd.Series[Any]") -> str:
    """Returns the description of a row of a track table without its assay, or the identifier if it has none."""
    named = str(track["description"]).removeprefix(f"{track['assay']}:") if track["assay"] else ""
    return named or str(track["identifier"])


def effect_lines(effects: Sequence[StrongEffect], width: int) -> list[str]:
    """Describes effects, one in a line, as in 'chr7:5527157 C>T  CAGE ↓ -0.41 log2  K562'.

    Args:
      effects: the effects.
      width: characters of a line, which the track's description is cut to fit.
    """
    rows = [
        (
            f"{effect.allele.variant.chrom}:{effect.allele.variant.pos}",
            f"{_short(effect.allele.variant.ref)}>{_short(effect.allele.variant.alt)}",
            effect.group,
            f"{'↑' if effect.score > 0 else '↓'} {_number(effect)}",
        )
        for effect in effects
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row, effect in zip(rows, effects, strict=True):
        start = "  ".join(text.ljust(size) for text, size in zip(row, widths, strict=True))
        line = f"{start}  {effect.track}"
        lines.append(line if len(line) <= width else f"{line[: max(width - 1, 1)]}…")
    return lines


def _short(bases: str) -> str:
    return bases if len(bases) <= _ALLELE_CHARACTERS else f"{bases[: _ALLELE_CHARACTERS - 1]}…"


def _number(effect: StrongEffect) -> str:
    number = f"{effect.score:+.3g}".replace("-", "\N{MINUS SIGN}")
    return f"{number} log2" if effect.statistic == "SADR" else f"{effect.statistic} {number}"


@dataclass(frozen=True)
class ScoreSummary:
    """The result of a run.

    Attributes:
      num_scored: alleles scored.
      num_skipped: alleles skipped, by reason.
      num_new: alleles that this run scored or skipped; the others were finished before it.
      seconds: time from the first allele to the last, without loading.
      table: the path of the scores, None if they went to standard output.
      skipped: the path of the table of skipped alleles.
      verification: a sentence on the alleles that were verified, None if there were none.
      strongest: the alleles with the largest effects, the largest first.
    """

    num_scored: int
    num_skipped: dict[SkipReason, int]
    num_new: int
    seconds: float
    table: Path | None
    skipped: Path
    verification: str | None = None
    strongest: tuple[StrongEffect, ...] = ()

    def strongest_lines(self, width: int) -> list[str]:
        """Describes the alleles with the largest effects, in lines of at most so many characters."""
        if not self.strongest:
            return []
        return ["", "Largest effects:", *(f"  {line}" for line in effect_lines(self.strongest, width - 2))]

    def __str__(self) -> str:
        num_skipped = sum(self.num_skipped.values())
        num_alleles = self.num_scored + num_skipped
        text = f"scored {self.num_scored} of {plural(num_alleles, 'allele')} in {self.seconds:.1f} s"
        if self.num_new:
            text += f" ({self.seconds / self.num_new:.2g} s per allele)"
        if self.num_new < num_alleles:
            text += f"; {num_alleles - self.num_new} of them were finished by an earlier run"
        if num_skipped:
            reasons = ", ".join(f"{count} {reason.value}" for reason, count in sorted(self.num_skipped.items()))
            text += f"; skipped {num_skipped} ({reasons}), see {self.skipped}"
        if self.verification:
            text += f"; {self.verification}"
        return f"{text}; results: {self.table or 'standard output'}"
