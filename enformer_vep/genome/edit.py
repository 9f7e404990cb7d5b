"""The edit that a variant makes: bases of the genome replaced by others, and the sequences that result."""

from dataclasses import dataclass

import numpy as np

from enformer_vep.genome.codes import Codes, encode
from enformer_vep.genome.layout import Bases, FetchCodes, ModelInput, Span
from enformer_vep.genome.variant import Interval, Variant

_FIRST_LOOK_BP = 64


@dataclass(frozen=True)
class Edit:
    """A stretch of the genome that other bases replace.

    Attributes:
      contig: as the FASTA names it.
      start: the first base that is replaced, 0-based.
      end: half-open. Equal to `start` for an insertion.
      left_end: where the sequence left of the change stops being the genome's: `start`, or further right in a repeat,
        whose copies cannot be told apart.
      letters: the codes between `left_end` and `right_start`, one byte each.
      right_start: the genome's base that comes next. In a repeat it may lie left of `left_end`.
    """

    contig: str
    start: int
    end: int
    left_end: int
    letters: bytes
    right_start: int

    @classmethod
    def of(cls, variant: Variant, contig: str, fetch: FetchCodes, max_bp: int) -> "Edit | None":
        """Returns the edit of an allele, without the bases that it shares with the genome.

        Args:
          variant: the allele.
          contig: its contig as the FASTA names it.
          fetch: reads the reference genome.
          max_bp: how far a repeat is followed to the right.

        Returns:
          The change, None if the allele is the genome's.

        Raises:
          FastaReadError: the genome can no longer be read.
        """
        alternate = encode(variant.alt)
        reference = fetch(Interval(contig, variant.start, variant.end))
        num_left = _num_equal(reference, alternate)
        reference, alternate = reference[num_left:], alternate[num_left:]
        num_right = _num_equal(reference[::-1], alternate[::-1])
        reference, alternate = reference[: len(reference) - num_right], alternate[: len(alternate) - num_right]
        start = variant.start + num_left
        end = start + len(reference)
        if not len(reference) and not len(alternate):
            return None
        if len(reference) and len(alternate):
            return cls(contig, start, end, start, alternate.tobytes(), end)
        num_rolled = _num_rolled(contig, end, reference, alternate, fetch, max_bp)
        if len(reference):
            return cls(contig, start, end, start + num_rolled, b"", end + num_rolled)
        inserted = np.roll(alternate, -num_rolled)
        num_repeated = _num_equal(
            inserted[::-1], fetch(Interval(contig, start + num_rolled - len(inserted), start + num_rolled))[::-1]
        )
        left_end = start + num_rolled
        letters = inserted[: len(inserted) - num_repeated].tobytes()
        return cls(contig, start, end, left_end, letters, left_end - num_repeated)

    @property
    def alternate_end(self) -> int:
        """End of the bases that replace `start` to `end`, if the left flank stays in place."""
        return self.end + self.shift_bp

    @property
    def shift_bp(self) -> int:
        """How far the genome's right flank is moved: the length of ALT less that of REF."""
        return self.left_end + len(self.letters) - self.right_start

    def from_left(self, start: int, length_bp: int) -> ModelInput:
        """Returns the changed sequence whose left flank begins at a place of the genome.

        Args:
          start: 0-based, at or before the change.
          length_bp: length of the sequence. The right flank is as long as needed.
        """
        left = Span(self.contig, start, max(start, self.left_end))
        right = Span(self.contig, self.right_start, self.right_start + length_bp)
        return ModelInput((left, Bases(self.letters), right)).cut(0, length_bp)

    def from_right(self, end: int, length_bp: int) -> ModelInput:
        """Returns the changed sequence whose right flank ends at a place of the genome.

        Args:
          end: half-open, at or behind the change.
          length_bp: length of the sequence. The left flank is as long as needed.
        """
        num_beyond_bp = max(0, self.right_start - end)  # in a repeat that reaches beyond the window
        left = Span(self.contig, self.left_end - length_bp - num_beyond_bp, self.left_end)
        right = Span(self.contig, self.right_start, max(end, self.right_start))
        whole = ModelInput((left, Bases(self.letters), right))
        stop = whole.length_bp - num_beyond_bp
        return whole.cut(stop - length_bp, stop)


def _num_equal(x: Codes, y: Codes) -> int:
    """Returns how many first codes are equal."""
    length = min(len(x), len(y))
    differing = np.flatnonzero(x[:length] != y[:length])
    return int(differing[0]) if len(differing) else length


def _num_rolled(contig: str, end: int, deleted: Codes, inserted: Codes, fetch: FetchCodes, max_bp: int) -> int:
    """Returns how far right an insertion or a deletion can be moved without changing the sequence it makes."""
    unit = deleted if len(deleted) else inserted
    look_bp = min(_FIRST_LOOK_BP, max_bp)
    while True:
        following = fetch(Interval(contig, end, end + look_bp))
        num_equal = _num_equal(np.concatenate([unit, following])[:look_bp], following)
        if num_equal < look_bp or look_bp >= max_bp:
            return num_equal
        look_bp = min(4 * look_bp, max_bp)
