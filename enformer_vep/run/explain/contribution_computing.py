"""Computes contributions, into an array on disk: whole windows of many tracks are larger than memory."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError
from enformer_vep.run.explain.contribution_arrays import Contributions
from enformer_vep.run.explain.contribution_scalars import Scalar
from enformer_vep.run.explain.contribution_sequences import ExplainedSequence
from enformer_vep.run.explain.contribution_settings import MethodSettings
from enformer_vep.run.explain.contribution_values import corrected
from enformer_vep.run.progress import Progress
from enformer_vep.run.session import Session
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.wording import cause

Float32s = npt.NDArray[np.float32]


@contextmanager
def scratch_array(folder: Path, shape: tuple[int, ...]) -> Iterator[Float32s]:
    """Yields an array of zeros, float32, in a temporary file that is gone when the block ends.

    Raises:
      EnformerVepError: the disk has too little room.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as scratch:
            os.posix_fallocate(scratch.fileno(), 0, 4 * int(np.prod(shape)))  # or a full disk would be a crash
            yield np.memmap(scratch, dtype=np.float32, mode="r+", shape=shape)
    except OSError as error:
        raise EnformerVepError(f"cannot write to {folder}: {cause(error)}") from error


def compute(
    session: Session,
    method: MethodSettings,
    scoring: ScoringSettings,
    sequences: Sequence[ExplainedSequence],
    scalars: Sequence[Scalar],
    hypothetical: Float32s,
    progress: Progress,
) -> tuple[Contributions, float | None]:
    """Computes hypothetical contributions.

    Args:
      session: the genome and the model.
      method: how.
      scoring: the head, and whether both strands are predicted.
      sequences: what is explained.
      scalars: by what.
      hypothetical: float32 [scalars, bases of all sequences, 4], zeros; it is filled.
      progress: counts the gradients.

    Returns:
      The contributions, and the largest completeness error of integrated gradients: None without.

    Raises:
      EnformerVepError: a gradient is not finite.
    """
    from enformer_vep.inference.mean_gradients import MeanGradients
    from enformer_vep.model.gradients import InputGradients, Target

    reference = session.reference
    mean = MeanGradients(
        InputGradients(session.model.loaded.model, scoring.head),
        reference.fetch,
        steps=method.steps,
        reverse_complement=scoring.views.reverse_complement,
        done=progress.done,
    )
    explained, done = [], 0
    for sequence in sequences:
        targets = [Target(sequence.bin_weights, scalar.tracks, scalar.weights) for scalar in scalars]
        of_sequence = hypothetical[:, done : done + len(sequence.wanted)]
        explained.append(mean.add(sequence.layout, targets, sequence.wanted, of_sequence))
        _check_finite(of_sequence, sequence, scalars)
        if method.is_corrected:
            of_sequence[...] = corrected(of_sequence)
        done += len(sequence.wanted)
    contigs = reference.genome.contigs
    found = Contributions(
        sequences,
        [sequence.codes(reference.fetch) for sequence in sequences],
        [sequence.positions(contigs[sequence.contig]) for sequence in sequences],
        [scalar.name for scalar in scalars],
        hypothetical,
        np.stack([of_sequence.values for of_sequence in explained], axis=1),
        _joined([of_sequence.baselines for of_sequence in explained]),
    )
    errors = [error for of_sequence in explained if (error := of_sequence.completeness_error) is not None]
    return found, max(errors, default=None)


def _joined(baselines: Sequence[npt.NDArray[np.float64] | None]) -> npt.NDArray[np.float64] | None:
    """Returns float64 [scalars, sequences]; None without integrated gradients."""
    known = [of_sequence for of_sequence in baselines if of_sequence is not None]
    return np.stack(known, axis=1) if known else None


def _check_finite(gradients: Float32s, sequence: ExplainedSequence, scalars: Sequence[Scalar]) -> None:
    if np.isfinite(gradients).all():
        return
    name = scalars[int(np.argmin(np.isfinite(gradients).all(axis=(1, 2))))].name
    raise EnformerVepError(
        f"the gradient of {name} at {sequence.name} has NaN or infinity: the model's weights may be damaged"
    )
