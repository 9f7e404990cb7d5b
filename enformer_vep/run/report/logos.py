"""Logos of the strongest alleles: what the bases around them contribute, from saturations and contributions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.genome.saturation import importance
from enformer_vep.genome.variant import Variant
from enformer_vep.io.arrays.contributions import ExplainedBases, SavedContributions
from enformer_vep.io.genome.contigs import common_name
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.report.contents import Logo, LogoRow
from enformer_vep.run.explain.saved_saturation import SavedSaturation
from enformer_vep.run.explain.scalars import GROUP_OF_MEAN, MEAN_OF_ALL, mean_name
from enformer_vep.run.plot.importances import NUM_SUBSTITUTIONS, has_logo
from enformer_vep.run.record_json import to_json_values
from enformer_vep.run.report.facts import track_texts
from enformer_vep.run.score.results import RUN_METADATA
from enformer_vep.run.score_table import ScoreTable

FLANK_BP = 20
"""Bases that a logo shows to each side of REF and ALT."""

SATURATION, CONTRIBUTIONS = "saturation", "contributions"

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Shown:
    """An allele that is shown in detail.

    Attributes:
      variant: the allele.
      scores: float32 [tracks], its scores on all tracks of the table.
    """

    variant: Variant
    scores: Float32s


def find_logos(
    table: ScoreTable, alleles: Sequence[Shown], saturations: Sequence[str], contributions: Sequence[str]
) -> list[list[Logo]]:
    """Returns the logos of each allele: one from each output that has the bases around it.

    Args:
      table: the scores.
      alleles: the alleles.
      saturations: outputs of `saturate`.
      contributions: outputs of `contributions`.

    Raises:
      InputError: an output cannot be read, or is of another genome or model than the scores.
    """
    logos: list[list[Logo]] = [[] for _ in alleles]
    for path in saturations:
        for place, logo in _of_saturation(path, table, alleles):
            logos[place].append(logo)
    for path in contributions:
        for place, logo in _of_contributions(path, table, alleles):
            logos[place].append(logo)
    return logos


def _of_saturation(path: str, table: ScoreTable, alleles: Sequence[Shown]) -> Iterator[tuple[int, Logo]]:
    saved = SavedSaturation.find(path)
    _check_same(saved.path, saved.run, table)
    strongest = _Strongest(saved.path, saved.tracks.identifiers, table)
    wanted = {}
    for place, allele in enumerate(alleles):
        if (bases := _bases_around(saved, allele.variant)) is not None:
            wanted[place] = bases, strongest.of(allele)
    columns = sorted({track for _, track in wanted.values()})
    if not wanted:
        return
    chosen = TrackTable(saved.tracks.head, saved.tracks.table.iloc[columns].reset_index(drop=True))
    heights = np.concatenate([importance(block.effects, NUM_SUBSTITUTIONS) for block in saved.blocks(chosen)])
    for place, ((number, start, letters), track) in wanted.items():
        variant = alleles[place].variant
        offset = variant.start - start
        of_allele = heights[number : number + len(letters), columns.index(track)]
        row = LogoRow("", start + 1, letters, of_allele, (offset, offset + len(variant.ref)))
        name = f"{saved.statistic} on {strongest.name(track)}"
        yield place, Logo(SATURATION, name, (row,))


def _bases_around(saved: SavedSaturation, variant: Variant) -> tuple[int, int, str] | None:
    """Returns the bases of a saturation around a variant: the first one's number and 0-based position, and letters.

    None if REF is not all among them.
    """
    first = 0
    for span, sequence in zip(saved.bases.spans, saved.bases.sequences, strict=True):
        is_here = common_name(span.contig) == common_name(variant.chrom)
        if is_here and span.start <= variant.start and variant.end <= span.end and has_logo(variant):
            start, end = max(span.start, variant.start - FLANK_BP), min(span.end, variant.end + FLANK_BP)
            return first + start - span.start, start, sequence[1:-1][start - span.start : end - span.start]
        first += span.length
    return None


def _of_contributions(path: str, table: ScoreTable, alleles: Sequence[Shown]) -> Iterator[tuple[int, Logo]]:
    saved = SavedContributions.find(path, RUN_METADATA.decode())
    _check_same(saved.path, saved.run, table)
    means = all(scalar in (MEAN_OF_ALL, *GROUP_OF_MEAN) for scalar in saved.scalars)
    strongest = None if means else _Strongest(saved.path, saved.scalars, table)
    wanted = [
        saved.scalars[_of_group(saved.scalars, allele, table) if strongest is None else strongest.of(allele)]
        for allele in alleles
    ]
    rows: dict[int, dict[str, LogoRow]] = {}
    for bases in saved.sequences():
        for place, allele in enumerate(alleles):
            if bases.scalar != wanted[place] or not has_logo(allele.variant):
                continue
            key, row = _row(bases, allele.variant)
            if row is not None:
                rows.setdefault(place, {}).setdefault(key, row)
    for place, of_allele in rows.items():
        scalar = wanted[place]
        name = _mean_name(scalar) if strongest is None else strongest.name(saved.scalars.index(scalar))
        both = [of_allele[key] for key in ("REF", "ALT") if key in of_allele]
        # What was computed for this very variant tells more than the region that it lies in.
        yield place, Logo(CONTRIBUTIONS, name, tuple(both or of_allele.values()))


def _row(bases: ExplainedBases, variant: Variant) -> tuple[str, LogoRow | None]:
    """Returns the bases of a sequence around a variant, None if it is of another variant or lies elsewhere."""
    if common_name(bases.contig) != common_name(variant.chrom):
        return "", None
    key = bases.allele.upper()
    if key:
        _, *fields = bases.sequence.rsplit(":", 3)
        if fields != [str(variant.pos), variant.ref, variant.alt]:
            return key, None
    starts = np.flatnonzero(bases.positions == variant.pos)
    length = len(variant.alt if key == "ALT" else variant.ref)
    if key == "ALT":  # its first base may not be the genome's: it stands where REF's first base stands
        before = np.flatnonzero(bases.positions == variant.pos - 1)
        starts = before + 1 if len(before) else starts
    if not len(starts) or starts[0] + length > len(bases.letters):
        return key, None
    at = int(starts[0])
    first, end = max(0, at - FLANK_BP), min(len(bases.letters), at + length + FLANK_BP)
    changed = (at - first, at - first + length)
    start = variant.pos - (at - first)
    return key, LogoRow(key, start, bases.letters[first:end], bases.contributions[first:end], changed)


class _Strongest:
    """Chooses, of the tracks of an output, the one on which an allele changes most."""

    def __init__(self, path: Path, identifiers: Sequence[str], table: ScoreTable) -> None:
        place = {name: number for number, name in enumerate(table.tracks.identifiers)}
        self._common = [(number, place[name]) for number, name in enumerate(identifiers) if name in place]
        self._identifiers = identifiers
        descriptions = track_texts(table, "description")
        self._descriptions = dict(zip(table.tracks.identifiers, descriptions, strict=True))
        if not self._common:
            raise InputError(f"{path} has none of the tracks of {table.path}: give one that explains some of them")

    def of(self, allele: Shown) -> int:
        """Returns the track's place in the output."""
        return max(self._common, key=lambda both: abs(float(allele.scores[both[1]])))[0]

    def name(self, number: int) -> str:
        """Returns a track's description, or its identifier if it has none."""
        identifier = self._identifiers[number]
        return self._descriptions.get(identifier) or identifier


def _of_group(scalars: Sequence[str], allele: Shown, table: ScoreTable) -> int:
    """Returns the place of the mean over the group of the allele's strongest track, or of the first mean."""
    group = table.tracks.groups[int(np.abs(allele.scores).argmax())]
    name = mean_name(group)
    return scalars.index(name) if name in scalars else 0


def _mean_name(scalar: str) -> str:
    group = GROUP_OF_MEAN.get(scalar)
    return f"the mean of the explained tracks of {group}" if group else "the mean of all explained tracks"


def _check_same(path: Path, run: Mapping[str, Any], table: ScoreTable) -> None:
    """Checks that an output was computed with the genome and the model of the scores."""
    identity = table.record.identity
    genome = {name: value for name, value in to_json_values(identity.fasta).items() if name != "index"}
    for what, mine, its in (
        ("genome", genome, {name: value for name, value in run.get("fasta", {}).items() if name != "index"}),
        ("model", identity.model.tensors_sha256, run.get("model", {}).get("tensors_sha256")),
    ):
        if mine != its:
            raise InputError(
                f"{path} was computed with another {what} than {table.path}: give one of the same genome and model"
            )
