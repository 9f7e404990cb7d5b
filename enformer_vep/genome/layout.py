"""What a model reads: stretches of the reference genome, and bases that the genome does not have there.

A haplotype, a deletion or the other strand is described by its pieces, not by its letters. So it is known, without
comparing sequences, which parts of two inputs are equal and which tower bins they share.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from enformer_vep.genome.codes import Codes, reverse_complement
from enformer_vep.genome.variant import Interval

FetchCodes = Callable[[Interval], Codes]
"""Returns the codes of an interval of the reference, N beyond its contig's ends."""

Strand = Literal["+", "-"]


@dataclass(frozen=True)
class Span:
    """A stretch of the reference genome, read 5' to 3' on one strand. Beyond its contig it is N.

    Attributes:
      contig: as the FASTA names it.
      start: 0-based, on the forward strand, whichever strand is read. It may lie beyond the contig's ends.
      end: half-open.
      strand: '+' or '-'.
    """

    contig: str
    start: int
    end: int
    strand: Strand = "+"

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span must end at or after its start, got {self}")

    @property
    def length_bp(self) -> int:
        """Length in base pairs."""
        return self.end - self.start

    @property
    def first(self) -> int:
        """Where it begins on the axis of its strand, which runs 5' to 3': `start`, or `-end` on the reverse strand."""
        return self.start if self.strand == "+" else -self.end

    def cut(self, first: int, stop: int) -> "Span":
        """Returns the bases from `first` to `stop`, counted in the direction of reading."""
        return span_of(self.contig, self.strand, self.first + first, stop - first)

    def joined(self, other: "Piece") -> "Span | None":
        """Returns both as one span, None if the other is not the genome's continuation of this one."""
        if (
            isinstance(other, Span)
            and (self.contig, self.strand) == (other.contig, other.strand)
            and self.first + self.length_bp == other.first
        ):
            return span_of(self.contig, self.strand, self.first, self.length_bp + other.length_bp)
        return None

    def reverse_complement(self) -> "Span":
        """Returns the other strand."""
        return Span(self.contig, self.start, self.end, "-" if self.strand == "+" else "+")

    def codes(self, fetch: FetchCodes) -> Codes:
        """Returns uint8 [length_bp]."""
        codes = fetch(Interval(self.contig, self.start, self.end))
        return codes if self.strand == "+" else reverse_complement(codes)


def span_of(contig: str, strand: Strand, first: int, length_bp: int) -> Span:
    """Returns the span that begins at a place of its strand's axis: see `Span.first`."""
    if strand == "+":
        return Span(contig, first, first + length_bp)
    return Span(contig, -first - length_bp, -first, "-")


@dataclass(frozen=True)
class Bases:
    """Bases that stand in no stretch of the genome.

    Attributes:
      letters: codes, one byte each.
    """

    letters: bytes

    @property
    def length_bp(self) -> int:
        """Length in base pairs."""
        return len(self.letters)

    def cut(self, first: int, stop: int) -> "Bases":
        """Returns the bases from `first` to `stop`."""
        return Bases(self.letters[first:stop])

    def joined(self, other: "Piece") -> "Bases | None":
        """Returns both as one, None if the other is a span."""
        return Bases(self.letters + other.letters) if isinstance(other, Bases) else None

    def reverse_complement(self) -> "Bases":
        """Returns the other strand."""
        return Bases(reverse_complement(np.frombuffer(self.letters, dtype=np.uint8)).tobytes())

    def codes(self, fetch: FetchCodes) -> Codes:
        """Returns uint8 [length_bp]."""
        return np.frombuffer(self.letters, dtype=np.uint8)


Piece = Span | Bases


@dataclass(frozen=True)
class ModelInput:
    """The sequence that a model reads.

    It is normalised when it is made: empty pieces are left out, and pieces that continue each other are joined, so that
    equal inputs are equal objects.

    Attributes:
      pieces: in the direction of reading.
    """

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "pieces", tuple(_normalised(self.pieces)))

    @classmethod
    def of(cls, interval: Interval) -> "ModelInput":
        """Returns the reference genome's bases of an interval."""
        return cls((Span(interval.contig, interval.start, interval.end),))

    @property
    def length_bp(self) -> int:
        """Length in base pairs."""
        return sum(piece.length_bp for piece in self.pieces)

    def cut(self, first: int, stop: int) -> "ModelInput":
        """Returns the bases from `first` to `stop`."""
        return ModelInput(
            tuple(
                piece.cut(max(first - start, 0), min(stop - start, piece.length_bp))
                for start, piece in self.placed()
                if start < stop and first < start + piece.length_bp
            )
        )

    def placed(self) -> Iterator[tuple[int, Piece]]:
        """Yields each piece with its offset."""
        offset_bp = 0
        for piece in self.pieces:
            yield offset_bp, piece
            offset_bp += piece.length_bp

    def reverse_complement(self) -> "ModelInput":
        """Returns the other strand, read 5' to 3'."""
        return ModelInput(tuple(piece.reverse_complement() for piece in reversed(self.pieces)))

    def codes(self, fetch: FetchCodes, first: int = 0, stop: int | None = None) -> Codes:
        """Returns the codes of the bases from `first` to `stop`, by default all: uint8, a new array.

        Args:
          fetch: reads the reference genome.
          first: the first base.
          stop: its end.

        Raises:
          FastaReadError: the genome can no longer be read.
        """
        part = self if (first, stop) == (0, None) else self.cut(first, self.length_bp if stop is None else stop)
        return np.concatenate([np.empty(0, np.uint8), *(piece.codes(fetch) for piece in part.pieces)])


def _normalised(pieces: Iterable[Piece]) -> list[Piece]:
    kept: list[Piece] = []
    for piece in pieces:
        if not piece.length_bp:
            continue
        joined = kept[-1].joined(piece) if kept else None
        if joined:
            kept[-1] = joined
        else:
            kept.append(piece)
    return kept


@dataclass(frozen=True)
class Splice:
    """Two inputs whose towers are put together: the tower bins left of a place from one, the others from the other.

    No sequence has such a tower. It stands for an indel whose flanks both keep their place on the grid of bins.

    Attributes:
      left: gives the bins before `at_bp`.
      right: gives the others.
      at_bp: an offset into both, where a bin begins.
    """

    left: ModelInput
    right: ModelInput
    at_bp: int

    def __post_init__(self) -> None:
        if self.left.length_bp != self.right.length_bp or not 0 <= self.at_bp <= self.length_bp:
            raise ValueError(f"a splice must lie within two inputs of one length, got {self}")

    @property
    def length_bp(self) -> int:
        """Length in base pairs."""
        return self.left.length_bp

    def reverse_complement(self) -> "Splice":
        """Returns the other strand."""
        return Splice(self.right.reverse_complement(), self.left.reverse_complement(), self.length_bp - self.at_bp)


TowerInput = ModelInput | Splice
"""What has a tower."""
