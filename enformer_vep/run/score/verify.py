"""Scores some alleles of a run again with the full engine, and measures the error of the run's scores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import VerificationError
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.engine import Engine
from enformer_vep.run.run_record import VerificationRecord
from enformer_vep.run.score.parts import Part
from enformer_vep.run.settings import ComputeSettings
from enformer_vep.scoring import STATISTICS, Statistic
from enformer_vep.wording import option, plural


@dataclass(frozen=True)
class Verification:
    """How much the scores of a run differ from the full engine's.

    An allele's error is the root mean square over tracks of the difference of its scores, less what float32 rounding of
    the full engine explains, relative to the spread of its scores. With several statistics, the largest error counts.

    Attributes:
      num_alleles: alleles that were scored again.
      largest: the largest error among them.
      median: the median error.
      largest_of_one_track: the largest difference in a single track, relative to the same spread.
      worst: the allele with the largest error.
    """

    num_alleles: int
    largest: float
    median: float
    largest_of_one_track: float
    worst: str

    def record(self, tolerance: float) -> VerificationRecord:
        """Returns the entry of the run record."""
        return VerificationRecord(
            self.num_alleles, self.largest, self.median, self.largest_of_one_track, self.worst, tolerance
        )

    def check(self, tolerance: float, compute: ComputeSettings) -> None:
        """Compares the largest error with a tolerance.

        Args:
          tolerance: the largest accepted error.
          compute: how the scores were computed; the message says how to compute them more exactly.

        Raises:
          VerificationError: the error is larger.
        """
        if self.largest <= tolerance:  # which NaN is not
            return
        raise VerificationError(
            f"verification failed at {self.worst}: the error of its scores is {self.largest:.2g} of their spread, "
            f"expected at most {tolerance:g} ({option('--verify-tolerance')}); {self}. {_remedy(compute)}"
        )

    def __str__(self) -> str:
        return (
            f"{plural(self.num_alleles, 'allele')} verified with the full engine: the largest error is "
            f"{self.largest:.2g} of the scores' spread, the median {self.median:.2g}"
        )


def verify(
    parts: Callable[[], Iterator[Part]],
    engine: Engine,
    comparison_of: Callable[[Variant], Comparison],
    statistics: Sequence[Statistic],
    *,
    num_alleles: int,
) -> Verification | None:
    """Scores alleles again.

    Args:
      parts: returns the finished parts of the run, in order; it is called more than once.
      engine: the full engine.
      comparison_of: builds the Comparison of a scored allele, as the run did.
      statistics: the statistics of the run.
      num_alleles: how many alleles; fewer if fewer were scored. They are spaced evenly among the scored ones.

    Returns:
      The errors; None if no allele was scored.
    """
    chosen = choose(sum(len(part.alleles) for part in parts()), num_alleles)
    picked = list(_pick(parts(), chosen))
    if not picked:
        return None
    total = STATISTICS["REF"]
    again = engine.compare((comparison_of(variant) for variant, _ in picked), list(dict.fromkeys([*statistics, total])))
    errors = []
    for (_, scores), expected in zip(picked, again, strict=True):
        noise = [statistic.noise(expected[total.name], expected[statistic.name]) for statistic in statistics]
        joined = np.concatenate([expected[statistic.name] for statistic in statistics], axis=None).astype(np.float32)
        is_signless = np.repeat(
            [statistic.has_uncertain_sign for statistic in statistics], len(scores) // len(statistics)
        )
        one, other = (np.where(is_signless, np.abs(values), values) for values in (scores, joined))
        errors.append(relative_errors(one, other, np.concatenate(noise, axis=None), len(statistics)))
    of_alleles = [of_all_tracks for of_all_tracks, _ in errors]
    worst = int(np.argmax(of_alleles))
    return Verification(
        len(picked),
        float(of_alleles[worst]),
        float(np.median(of_alleles)),
        max(of_one_track for _, of_one_track in errors),
        str(picked[worst][0]),
    )


def _remedy(compute: ComputeSettings) -> str:
    """Returns what to do about scores that are not exact enough."""
    options = []
    if compute.precision != "float32":
        options.append(option("--precision", "float32"))
    if compute.engine != "full":
        options.append(option("--engine", "full"))
    if not options:
        again = f"repeat it with {option('--overwrite')}; if it fails again, check the device"
        return f"The run used the full engine in float32 itself: {again}"
    return f"Score again with {' or '.join(options)}, and {option('--overwrite')}"


def choose(num_scored: int, num_alleles: int) -> list[int]:
    """Returns which of the scored alleles are verified: the middle ones of equal shares, ascending."""
    num_alleles = min(num_scored, num_alleles)
    return [(2 * share + 1) * num_scored // (2 * num_alleles) for share in range(num_alleles)]


def relative_errors(
    scores: npt.NDArray[np.float32],
    expected: npt.NDArray[np.float32],
    noise: npt.NDArray[np.float64],
    num_statistics: int,
) -> tuple[float, float]:
    """Compares an allele's scores with those of the full engine, which has rounding noise of its own.

    Args:
      scores: float32 [statistics * tracks].
      expected: the same.
      noise: float64 [statistics * tracks], the rounding noise of `expected`, which is taken off the error.
      num_statistics: how many statistics there are.

    Returns:
      The root mean square of the error over tracks, and the largest error of a track, relative to the spread: the
      scores' standard deviation over tracks, or their mean's magnitude where that is larger, as for a single track.
      With several statistics, the largest counts. Equal scores have no error, whatever their spread.
    """
    largest, largest_of_one_track = 0.0, 0.0
    by_statistic = (np.split(array, num_statistics) for array in (scores, expected, noise))
    for of_scores, of_expected, of_noise in zip(*by_statistic, strict=True):
        error = of_scores.astype(np.float64) - of_expected
        if not error.any():
            continue
        spread = max(float(of_expected.std(dtype=np.float64)), abs(float(of_expected.mean(dtype=np.float64))))
        if not np.isfinite(error).all():
            return np.inf, np.inf
        beyond = max(0.0, _root_mean_square(error) - _root_mean_square(of_noise))
        beyond_in_one_track = float(np.maximum(np.abs(error) - of_noise, 0).max())
        if beyond_in_one_track and not spread:
            return np.inf, np.inf
        largest = max(largest, beyond / (spread or 1.0))
        largest_of_one_track = max(largest_of_one_track, beyond_in_one_track / (spread or 1.0))
    return largest, largest_of_one_track


def _root_mean_square(values: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _pick(parts: Iterator[Part], chosen: Sequence[int]) -> Iterator[tuple[Variant, npt.NDArray[np.float32]]]:
    first = 0
    for part in parts:
        for index in chosen:
            if first <= index < first + len(part.alleles):
                yield part.alleles[index - first].variant, part.scores[index - first]
        first += len(part.alleles)
