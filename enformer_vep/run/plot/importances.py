"""How much each base around a variant contributes to a prediction, in both alleles: by substitutions or by gradients.

All substitutions of a variant are scored in its own window, so that they share the reference. A substitution in the
alternate is one allele with the variant, and its effect is the difference of their scores: in both, the left flank
stays in place, so that they differ by the substitution alone, whatever the length of the variant.

Gradients are taken as `contributions` does, for the price of a few passes: gradient times input, less the gradient's
mean over the four letters. The sequences are those whose bases are substituted, so that both ways explain the same
numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import SkipReason
from enformer_vep.genome.codes import Codes
from enformer_vep.genome.edit import Edit
from enformer_vep.genome.layout import FetchCodes, ModelInput
from enformer_vep.genome.saturation import LETTERS, UNKNOWN, importance
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.genome.views import alleles_from_left
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.run.explain.contribution_arrays import at_letters, corrected
from enformer_vep.run.plot.settings import MAX_LOGO_ALLELE_BP
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import VariantScorer
from enformer_vep.run.session import OpenModel
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.scoring import STATISTICS

NUM_SUBSTITUTIONS = 3
STATISTIC = "SAD"

Float32s = npt.NDArray[np.float32]


def logo_scoring(scoring: ScoringSettings) -> ScoringSettings:
    """Returns the settings by which substitutions are scored: as the variant, with the left flank in place."""
    views = replace(scoring.views, indels=IndelPolicy.LEFT)
    return replace(scoring, statistics=(STATISTICS[STATISTIC],), views=views)


def has_logo(variant: Variant) -> bool:
    """Returns whether a variant's alleles are short enough for logos."""
    return max(len(variant.ref), len(variant.alt)) <= MAX_LOGO_ALLELE_BP


@dataclass(frozen=True)
class Surroundings:
    """Both alleles of a variant with their flanks.

    Attributes:
      placed: the variant and its window.
      start: the genome's position of the first base of both alleles, 0-based.
      reference: the bases of the reference; N where it has no base of A C G T.
      alternate: the bases of the alternate.
      edit: the allele's edit, None if it equals the genome.
    """

    placed: PlacedVariant
    start: int
    reference: str
    alternate: str
    edit: Edit | None

    @classmethod
    def of(cls, placed: PlacedVariant, scorer: VariantScorer, flank_bp: int) -> "Surroundings":
        """Reads the bases around a variant, as far as its contig goes.

        Raises:
          FastaReadError: the genome can no longer be read.
        """
        variant, window, fetch = placed.variant, placed.window.interval, scorer.reference.fetch
        length_bp = scorer.reference.genome.contigs[window.contig]
        start, end = max(variant.start - flank_bp, 0), min(variant.end + flank_bp, length_bp)
        reference = alternate = ModelInput.of(Interval(window.contig, start, end))
        edit = Edit.of(variant, window.contig, fetch, window.length)
        if edit is not None:
            alternate = edit.from_left(start, reference.length_bp + edit.shift_bp)
        return cls(placed, start, _bases(reference.codes(fetch)), _bases(alternate.codes(fetch)), edit)

    @property
    def changed(self) -> tuple[int, int]:
        """Start and end of the bases that the edit replaces, in `reference`; empty and behind REF for equal alleles."""
        if self.edit is None:
            return self._behind_ref
        return self.edit.start - self.start, self.edit.end - self.start

    @property
    def inserted(self) -> tuple[int, int]:
        """Start and end of the bases that replace them, in `alternate`."""
        if self.edit is None:
            return self._behind_ref
        return self.edit.start - self.start, self.edit.alternate_end - self.start

    @property
    def _behind_ref(self) -> tuple[int, int]:
        place = self.placed.variant.end - self.start
        return place, place

    def substitutions(self) -> Iterator[PlacedVariant]:
        """Yields three substitutions of each base of the reference, the variant, and three of each of the alternate.

        A base that is N is left as it is.
        """
        contig = self.placed.window.interval.contig
        for place, base in enumerate(self.reference):
            for letter in _others(base):
                yield replace(self.placed, variant=Variant(contig, self.start + place + 1, base, letter))
        yield self.placed
        for place, base in enumerate(self.alternate):
            for letter in _others(base):
                changed = self.alternate[:place] + letter + self.alternate[place + 1 :]
                yield replace(self.placed, variant=Variant(contig, self.start + 1, self.reference, changed))

    @property
    def num_substitutions(self) -> int:
        """How many alleles `substitutions` yields."""
        return sum(len(_others(base)) for base in self.reference + self.alternate) + 1


@dataclass(frozen=True, eq=False)
class Importances:
    """How much each base contributes, on each of some tracks.

    The contribution of a base is the mean of what its three substitutions take away: AlphaGenome's convention, in
    which the effects of a place are centred on the mean over its three substitutions.

    Attributes:
      reference: float32 [bases of the reference, tracks].
      alternate: float32 [bases of the alternate, tracks].
    """

    reference: Float32s
    alternate: Float32s


def importances(
    results: Iterator[Float32s | Unscored], around: Surroundings, tracks: Sequence[int]
) -> Importances | Unscored:
    """Returns the contributions of bases, given the scores of all substitutions.

    Args:
      results: the scores of `Surroundings.substitutions`, float32 [all tracks] each, in order; all are drawn.
      around: the variant.
      tracks: the tracks that are wanted.

    Returns:
      The contributions, or why they are not known.
    """
    chosen: list[Float32s] = []
    unscored = None
    for scores in results:
        if isinstance(scores, Unscored):
            unscored = unscored or scores
        else:
            chosen.append(scores[list(tracks)])
    if unscored is not None:
        return unscored
    scores_left = iter(chosen)

    def of_allele(bases: str, baseline: Float32s | float) -> Float32s:
        effects = np.zeros((len(bases), len(LETTERS), len(tracks)), dtype=np.float32)
        for place, base in enumerate(bases):
            for letter in _others(base):
                effects[place, LETTERS.index(letter)] = next(scores_left) - baseline
        return importance(effects, NUM_SUBSTITUTIONS)

    reference = of_allele(around.reference, 0.0)
    return Importances(reference, of_allele(around.alternate, next(scores_left)))


def _bases(codes: Codes) -> str:
    return "".join(f"{LETTERS}{UNKNOWN}"[code] for code in codes)


def _others(base: str) -> str:
    return LETTERS.replace(base, "") if base in LETTERS else ""


class GradientLogos:
    """Computes contributions with one model, on one genome."""

    def __init__(self, model: OpenModel, fetch: FetchCodes, *, reverse_complement: bool) -> None:
        """Prepares the gradients of a model.

        Args:
          model: the model; its tracks are those that `importances` knows.
          fetch: reads the reference genome.
          reverse_complement: whether the prediction is the mean of both strands.
        """
        from enformer_vep.inference.mean_gradients import MeanGradients
        from enformer_vep.model.gradients import InputGradients

        gradients = InputGradients(model.loaded.model, model.tracks.head)
        self._mean = MeanGradients(gradients, fetch, reverse_complement=reverse_complement)
        self._fetch = fetch
        self._indices = model.tracks.indices
        self._num_bins = model.loaded.model.config.geometry.num_bins

    def importances(self, around: Surroundings, tracks: Sequence[int]) -> Importances | Unscored:
        """Returns what each base around a variant contributes to the sum of a track over all bins.

        Args:
          around: the variant.
          tracks: the tracks that are wanted, by their places among the model's.
        """
        interval = around.placed.window.interval
        reference, alternate = alleles_from_left(interval, around.edit)
        first = around.start - interval.start
        contributions = Importances(
            self._of_allele(reference, range(first, first + len(around.reference)), tracks),
            self._of_allele(alternate, range(first, first + len(around.alternate)), tracks),
        )
        if not (np.isfinite(contributions.reference).all() and np.isfinite(contributions.alternate).all()):
            return Unscored(SkipReason.NOT_FINITE, "a gradient of the model is NaN or infinity")
        return contributions

    def _of_allele(self, layout: ModelInput, wanted: range, tracks: Sequence[int]) -> Float32s:
        """Returns the contributions of some bases of a sequence: float32 [bases, tracks]."""
        from enformer_vep.model.gradients import Target

        bins = np.ones(self._num_bins, dtype=np.float32)
        targets = [Target(bins, np.array([self._indices[place]], np.int32), np.ones(1, np.float32)) for place in tracks]
        gradients = np.zeros((len(tracks), len(wanted), 4), dtype=np.float32)
        self._mean.add(layout, targets, wanted, gradients)
        codes = np.broadcast_to(layout.codes(self._fetch, wanted.start, wanted.stop), gradients.shape[:2])
        contributions: Float32s = np.ascontiguousarray(at_letters(corrected(gradients), codes).T)
        return contributions
