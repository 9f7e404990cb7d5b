"""Saturation: every base of some regions that is changed to each other letter, and every short deletion there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import N_CODE, Codes, encode
from enformer_vep.genome.variant import Interval

LETTERS = "ACGT"
UNKNOWN = "N"


class Change(NamedTuple):
    """One record of the list of changes, in the terms of VCF.

    Attributes:
      contig: as the FASTA names it.
      pos: position of the first letter of `ref`, 1-based.
      ref: the genome's letters.
      alts: the letters that replace them: the three other letters of a base, or what a deletion leaves.
      place: number of the base among those of the saturation, from 0; of a deletion, its first base.
      deleted_bp: how many bases are deleted; 0 for substitutions.
    """

    contig: str
    pos: int
    ref: str
    alts: tuple[str, ...]
    place: int
    deleted_bp: int


@dataclass(frozen=True)
class SaturatedBases:
    """The bases that are changed.

    Attributes:
      contigs: length of every contig of the genome, by its name.
      regions: the intervals that were asked for, in their order; they may overlap.
      spans: the same bases once each, by the names of contigs and by position; no two spans touch.
      sequences: the letters of each span, with one base more to either side; N if there is none, or none known.
      max_deletion_bp: the longest deletions, 0 for none.

    Raises:
      ValueError: a sequence does not fit its span, or the numbers of spans and sequences differ.
    """

    contigs: Mapping[str, int]
    regions: tuple[Interval, ...]
    spans: tuple[Interval, ...]
    sequences: tuple[str, ...]
    max_deletion_bp: int = 0

    def __post_init__(self) -> None:
        for span, sequence in zip(self.spans, self.sequences, strict=True):
            if len(sequence) != span.length + 2:
                raise ValueError(f"expected {span.length + 2} letters for {span}, got {len(sequence)}")

    @cached_property
    def codes(self) -> Codes:
        """uint8 [bases], in the order of the spans."""
        return np.concatenate([encode(sequence[1:-1]) for sequence in self.sequences])

    @property
    def num_bases(self) -> int:
        """Number of bases, known or not."""
        return sum(span.length for span in self.spans)

    @property
    def num_unknown(self) -> int:
        """Number of bases that are N, which have no substitutions."""
        return int(np.count_nonzero(self.codes == N_CODE))

    @property
    def num_substitutions(self) -> int:
        """Number of substitutions: three of each known base."""
        return 3 * (self.num_bases - self.num_unknown)

    @cached_property
    def num_deletions(self) -> int:
        """Number of deletions."""
        return sum(change.deleted_bp > 0 for change in self.changes()) if self.max_deletion_bp else 0

    @property
    def num_deletions_left_out(self) -> int:
        """Number of deletions that are left out: see `changes`."""
        lengths = range(1, self.max_deletion_bp + 1)
        num_all = sum(max(0, span.length - length + 1) for span in self.spans for length in lengths)
        return num_all - self.num_deletions

    @cached_property
    def positions(self) -> npt.NDArray[np.int64]:
        """Position of each base on its contig, 1-based: int64 [bases]."""
        return np.concatenate([np.arange(span.start + 1, span.end + 1) for span in self.spans])

    @property
    def contig_names(self) -> list[str]:
        """The contig of each base."""
        return [span.contig for span in self.spans for _ in range(span.length)]

    def places(self, region: Interval) -> slice:
        """Returns where the bases of one of the regions are among those of the saturation."""
        first = 0
        for span in self.spans:
            if span.contig == region.contig and span.start <= region.start and region.end <= span.end:
                start = first + region.start - span.start
                return slice(start, start + region.length)
            first += span.length
        raise ValueError(f"{region} is not saturated")

    def changes(self) -> Iterator[Change]:
        """Yields all records by position: at each base its substitutions, then the deletions that begin there.

        A deletion stands with the base before it, or behind it where there is none before it; one that has neither, or
        that would delete an unknown base, is left out.
        """
        first = 0
        for span, sequence in zip(self.spans, self.sequences, strict=True):
            for offset in range(span.length):
                place, pos = first + offset, span.start + offset + 1
                letter = sequence[offset + 1]
                if letter == UNKNOWN:
                    continue
                yield Change(span.contig, pos, letter, _others(letter), place, 0)
                for deleted_bp in range(1, min(self.max_deletion_bp, span.length - offset) + 1):
                    deleted = sequence[offset + 1 : offset + 1 + deleted_bp]
                    if UNKNOWN in deleted:
                        break
                    before, behind = sequence[offset], sequence[offset + 1 + deleted_bp]
                    if before != UNKNOWN:
                        yield Change(span.contig, pos - 1, before + deleted, (before,), place, deleted_bp)
                    elif behind != UNKNOWN:
                        yield Change(span.contig, pos, deleted + behind, (behind,), place, deleted_bp)
            first += span.length

    def to_json_values(self) -> dict[str, Any]:
        """Returns the bases as JSON values."""
        return {
            "regions": [[region.contig, region.start, region.end] for region in self.regions],
            "spans": [[span.contig, span.start, span.end] for span in self.spans],
            "sequences": list(self.sequences),
            "max_deletion_bp": self.max_deletion_bp,
            "contigs": dict(self.contigs),
        }

    def to_json(self) -> bytes:
        """Writes the bases as JSON."""
        return json.dumps(self.to_json_values(), separators=(",", ":")).encode()

    @classmethod
    def from_json_values(cls, values: Any) -> "SaturatedBases":
        """Reads what `to_json_values` returned.

        Raises:
          ValueError: it is something else.
        """
        try:
            return cls(
                {str(name): int(length) for name, length in values["contigs"].items()},
                _intervals(values["regions"]),
                _intervals(values["spans"]),
                tuple(map(str, values["sequences"])),
                int(values["max_deletion_bp"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the description of the saturated bases is incomplete: {error}") from error


def centred(effects: npt.NDArray[np.float32], num_letters: int) -> npt.NDArray[np.float32]:
    """Returns effects less their mean at each base.

    Args:
      effects: float32 [bases, 4, tracks], 0 for the genome's own letter.
      num_letters: 4 for the mean over all letters, the genome's own counted as 0 (as tangermeme does), so that the four
        values add up to 0. 3 for the mean over the other three (as AlphaGenome and Chorus do).
    """
    mean = effects.sum(axis=1, keepdims=True, dtype=np.float64) / num_letters
    return np.asarray(effects - mean, dtype=np.float32)


def importance(effects: npt.NDArray[np.float32], num_letters: int) -> npt.NDArray[np.float32]:
    """Returns the centred effect of the genome's own letter: float32 [bases, tracks].

    It is the negative mean of the substitutions' effects: positive if the base raises the prediction.

    Args:
      effects: see `centred`.
      num_letters: the same.
    """
    return np.asarray(-effects.sum(axis=1, dtype=np.float64) / num_letters, dtype=np.float32)


def _others(letter: str) -> tuple[str, ...]:
    return tuple(other for other in LETTERS if other != letter)


def _intervals(values: Sequence[Sequence[Any]]) -> tuple[Interval, ...]:
    return tuple(Interval(str(contig), int(start), int(end)) for contig, start, end in values)
