"""The course of `contributions`, from regions or variants to files."""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.arguments import find_regions, name_variants, parse_regions, read_variants
from enformer_vep.run.explain.contribution_arrays import Contributions, corrected
from enformer_vep.run.explain.contribution_files import check_content, check_output, write
from enformer_vep.run.explain.scalars import Scalar, make_scalars
from enformer_vep.run.explain.sequences import ExplainedSequence, SequenceMaker
from enformer_vep.run.explain.settings import SECONDS_PER_GRADIENT, ContributionSettings, MethodSettings
from enformer_vep.run.model_run import (
    CONTRIBUTION_RECORD_FORMAT,
    ContributionCourse,
    ContributionIdentity,
    IntegratedIdentity,
    SequencesIdentity,
    SkippedRecord,
    course_items,
)
from enformer_vep.run.progress import Progress, StopSignals, duration
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.session import OpenModel, Session
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.wording import cause, for_command_line, option, plural

logger = logging.getLogger(__name__)

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ContributionSummary:
    """What a run has written: sequences, bases and scalars, from how many gradients, in which time, and where."""

    num_sequences: int
    num_bases: int
    num_scalars: int
    num_gradients: int
    seconds: float
    path: Path

    def __str__(self) -> str:
        of_what = f"{plural(self.num_bases, 'base')} of {plural(self.num_sequences, 'sequence')}"
        how = f"{plural(self.num_gradients, 'gradient')} in {duration(self.seconds)}"
        return f"explained {plural(self.num_scalars, 'scalar')} by {of_what} with {how}: {self.path}"


def compute_contributions(settings: ContributionSettings) -> ContributionSummary:
    """Computes the contributions of the bases of regions or alleles, and writes them.

    TensorFlow is imported once the rest of the command is known to be usable.

    Raises:
      InputError: the settings or an input cannot be used.
      EnformerVepError: the run failed, or was stopped; nothing is left of it.
    """
    started = datetime.now(timezone.utc)
    inputs, scoring = settings.inputs, settings.scoring
    named = inputs.arguments
    are_variants = name_variants(named)
    regions = () if are_variants else parse_regions(named)
    alleles = read_variants(named, inputs.max_gradients) if are_variants else []
    with Session(scoring, settings.compute, inputs.fasta, inputs.cache) as session, StopSignals():
        packages = check_output(settings.output)
        genome = session.genome
        intervals = find_regions(regions, genome)
        bins = session.named_bins(scoring)
        model = session.model
        maker = SequenceMaker(session.reference, model.geometry, bins, inputs.width_bp)
        sequences = [maker.region(interval) for interval in intervals]
        of_alleles, skipped = _of_alleles(maker, alleles)
        sequences += of_alleles
        scalars = make_scalars(model.tracks, settings.method.mean_by)
        check_content(settings.output, sequences, [scalar.name for scalar in scalars])
        num_gradients = _count_gradients(len(sequences) * len(scalars), settings)
        session.notify()
        identity = _identity(settings, genome, model, sequences, scalars, packages)
        first = time.perf_counter()
        shape = (len(scalars), identity.sequences.num_bases, 4)
        with (
            scratch_array(settings.output.path.parent, shape) as hypothetical,
            Progress(is_quiet=settings.quiet, unit="gradients") as progress,
        ):
            progress.start(num_gradients)
            contributions, completeness_error = compute(
                session, settings.method, scoring, sequences, scalars, hypothetical, progress
            )
            progress.begin("writing")
            course = ContributionCourse(
                **course_items(settings.output.command, genome, model, started),
                num_gradients=num_gradients,
                skipped=tuple(skipped),
                largest_completeness_error=completeness_error,
            )
            write(settings.output, identity, course, contributions, model.tracks, genome.contigs)
        seconds = time.perf_counter() - first
    return ContributionSummary(len(sequences), shape[1], len(scalars), num_gradients, seconds, settings.output.path)


def _of_alleles(
    maker: SequenceMaker, alleles: Sequence[VcfAllele]
) -> tuple[list[ExplainedSequence], list[SkippedRecord]]:
    """Returns the sequences of alleles, and which alleles have none; each of these is said with the reason.

    Raises:
      InputError: no allele can be explained.
    """
    sequences: list[ExplainedSequence] = []
    skipped: list[SkippedRecord] = []
    for allele in alleles:
        explained = maker.alleles(allele)
        if isinstance(explained, Unscored):
            detail = for_command_line(explained.detail)
            skipped.append(SkippedRecord(allele.record, allele.allele, str(allele), explained.reason.value, detail))
        else:
            sequences += explained
    if skipped and not sequences:
        first = skipped[0]
        which = "" if len(skipped) == 1 else f"none of {plural(len(skipped), 'variant')} can be explained: "
        raise InputError(
            f"{which}variant {first.variant} cannot be explained ({first.reason}): {first.detail}; correct it, or "
            "leave it out"
        )
    for one in skipped:
        logger.warning("%s is not explained: %s (%s)", one.variant, one.detail, one.reason)
    return sequences, skipped


def _count_gradients(num_scalars: int, settings: ContributionSettings) -> int:
    """Returns the gradients that a run takes.

    Raises:
      InputError: these are too many.
    """
    is_on_both = settings.scoring.views.reverse_complement
    num_gradients = num_scalars * settings.method.gradients_of_scalar(reverse_complement=is_on_both)
    most = settings.inputs.max_gradients
    if num_gradients > most:
        raise InputError(
            f"this takes {plural(num_gradients, 'gradient')}, which the official model computes in about "
            f"{duration(num_gradients * SECONDS_PER_GRADIENT)} on two CPU cores: expected at most {most:,}; choose "
            f"fewer regions, variants or tracks, explain means of tracks with {option('--mean-by')}, or raise "
            f"{option('--max-gradients')}"
        )
    return num_gradients


def _identity(
    settings: ContributionSettings,
    genome: Genome,
    model: OpenModel,
    sequences: Sequence[ExplainedSequence],
    scalars: Sequence[Scalar],
    packages: Mapping[str, str],
) -> ContributionIdentity:
    return ContributionIdentity.of(
        CONTRIBUTION_RECORD_FORMAT,
        genome,
        model,
        packages,
        method=settings.method,
        scalars=tuple(scalar.name for scalar in scalars),
        sequences=SequencesIdentity.of(sequences),
        scoring=settings.scoring,
        reverse_complement=settings.scoring.views.reverse_complement,
        integrated=IntegratedIdentity(settings.method.steps) if settings.method.steps else None,
    )


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
    """Computes the contributions of sequences to scalars.

    Args:
      session: the genome and the model.
      method: whether gradients are integrated, and corrected.
      scoring: the head, and whether both strands are predicted.
      sequences: the sequences that are explained.
      scalars: the means of tracks whose gradients are taken.
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
    contributions = Contributions(
        sequences,
        [sequence.codes(reference.fetch) for sequence in sequences],
        [sequence.positions(contigs[sequence.contig]) for sequence in sequences],
        [scalar.name for scalar in scalars],
        hypothetical,
        np.stack([of_sequence.values for of_sequence in explained], axis=1),
        _joined([of_sequence.baselines for of_sequence in explained]),
    )
    errors = [error for of_sequence in explained if (error := of_sequence.completeness_error) is not None]
    return contributions, max(errors, default=None)


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
