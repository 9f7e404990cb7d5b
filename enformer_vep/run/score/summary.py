"""The result of a run, and how it is told in one line."""

from dataclasses import dataclass
from pathlib import Path

from enformer_vep.errors import SkipReason
from enformer_vep.run.score.strongest import StrongEffect, effect_lines
from enformer_vep.wording import plural


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
