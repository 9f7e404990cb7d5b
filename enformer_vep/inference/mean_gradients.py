"""Mean gradients of a sequence: over one strand or both, at the sequence or along a path to it."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import one_hot
from enformer_vep.genome.layout import FetchCodes, ModelInput
from enformer_vep.model.gradients import InputGradients, Target

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]


class Explained(NamedTuple):
    """The values of targets, which are computed with their gradients.

    Attributes:
      values: float64 [targets], their values for the sequence.
      baselines: float64 [targets], their values for the baseline of integrated gradients; None without.
      contributed: float64 [targets], the sums of gradient times input over the whole sequence. Those of integrated
        gradients are the values less the baselines if the path has enough steps.
    """

    values: Float64s
    baselines: Float64s | None
    contributed: Float64s

    @property
    def completeness_error(self) -> float | None:
        """How far integrated gradients are from complete, relative to the difference they explain; the largest."""
        if self.baselines is None:
            return None
        difference = self.values - self.baselines
        least = np.finfo(np.float32).tiny  # a sequence of N alone is the baseline, and has no difference to explain
        return float(np.max(np.abs(self.contributed - difference) / np.maximum(np.abs(difference), least)))


class MeanGradients:
    """Computes mean gradients of sequences: over the steps of a path, and over strands.

    With `steps`, the gradients are integrated gradients (Sundararajan, Taly, Yan 2017): their mean at the midpoints of
    equal steps on the straight line from the baseline, which is all zeros, as N is, to the sequence. Without, they are
    those at the sequence.

    With both strands, the target is the mean of the predictions of both, turned back: so is the gradient.
    """

    def __init__(
        self,
        gradients: InputGradients,
        fetch: FetchCodes,
        *,
        steps: int = 0,
        reverse_complement: bool = False,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepares the means over steps and strands.

        Args:
          gradients: computes the gradient of one sequence.
          fetch: reads the reference genome.
          steps: of the path; 0 for the gradient at the sequence.
          reverse_complement: whether both strands are predicted.
          done: called after each gradient.

        Raises:
          ValueError: steps is negative.
        """
        if steps < 0:
            raise ValueError(f"steps must not be negative, got {steps}")
        self._gradients = gradients
        self._fetch = fetch
        self._steps = steps
        self._reverse_complement = reverse_complement
        self._done = done

    def add(self, layout: ModelInput, targets: Sequence[Target], wanted: range, into: Float32s) -> Explained:
        """Adds the mean gradient of each target to an array.

        Args:
          layout: the sequence.
          targets: each has the bins of the forward strand.
          wanted: the bases whose gradients are wanted, by their offsets in the sequence.
          into: float32 [targets, wanted bases, 4] in the order A C G T, all zeros before.

        Returns:
          The targets' values.
        """
        num_strands, num_steps = 1 + self._reverse_complement, self._steps or 1
        values, baselines, contributed = np.zeros((3, len(targets)))
        for sequence, is_mirrored in self._strands(layout):
            turned = [_mirrored(target) if is_mirrored else target for target in targets]
            for point in self._points():
                kept = self._gradients.forward(np.float32(point) * sequence)
                for number, target in enumerate(turned):
                    value, gradient = self._gradients.gradient(kept, target)
                    values[number] += 0 if self._steps else value / num_strands
                    contributed[number] += np.vdot(sequence, gradient) / num_strands / num_steps
                    forward = gradient[::-1, ::-1] if is_mirrored else gradient
                    into[number] += forward[wanted.start : wanted.stop] / np.float32(num_strands * num_steps)
                    self._done()
            if self._steps:
                values += self._values(sequence, turned) / num_strands
                baselines += self._values(np.zeros_like(sequence), turned) / num_strands
        return Explained(values, baselines if self._steps else None, contributed)

    def _values(self, sequence: Float32s, targets: Sequence[Target]) -> Float64s:
        kept = self._gradients.forward(sequence)
        return np.array([self._gradients.value(kept, target) for target in targets])

    def _points(self) -> list[float]:
        return [(step + 0.5) / self._steps for step in range(self._steps)] if self._steps else [1.0]

    def _strands(self, layout: ModelInput) -> Iterator[tuple[Float32s, bool]]:
        yield one_hot(layout.codes(self._fetch)), False
        if self._reverse_complement:
            yield one_hot(layout.reverse_complement().codes(self._fetch)), True


def _mirrored(target: Target) -> Target:
    return target._replace(bin_weights=np.ascontiguousarray(target.bin_weights[::-1]))
