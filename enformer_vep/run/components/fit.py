"""Fits a transform of scores into components: robust scaling, principal components, robust scaling.

The scores are copied once to a temporary file, float32 [tracks, alleles], so that medians and interquartile ranges are
exact: they are taken over all alleles, of some tracks at a time. The principal components are scikit-learn's
incremental ones: each step takes some alleles and what is kept of the components so far.
"""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, TransformError
from enformer_vep.io.tables.components import Float64s, Transform, TransformOrigin
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import cause, plural

logger = logging.getLogger(__name__)

STEP_ALLELES = 250
"""Alleles of a step of the incremental principal components, at least; an allele costs more in larger ones."""

SPARE_COMPONENTS = 30
"""Components that are kept beyond the wanted ones until the end, since every step forgets what it does not keep."""

BLOCK_BYTES = 2**26
"""Scores of which medians are taken at a time."""


class Fit(NamedTuple):
    """A transform, and the share of the scaled scores' variance that its components hold."""

    transform: Transform
    explained: float


def check_scikit_learn() -> None:
    """Raises TransformError if scikit-learn is not installed."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise TransformError(
            "fitting a transform needs scikit-learn: install enformer-vep[components]; applying one does not"
        ) from error


def fit_transform(table: ScoreTable, origin: TransformOrigin, num_components: int, scratch: Path) -> Fit:
    """Fits a transform to all tracks of a table.

    Args:
      table: the scores.
      origin: the origin of the scores.
      num_components: number of components.
      scratch: folder for the temporary file, 4 bytes per score.

    Raises:
      TransformError: there are too few alleles or tracks, a score is not finite, or scikit-learn is missing.
      EnformerVepError: the temporary file cannot be written.
    """
    check_scikit_learn()
    num_alleles, num_tracks = table.num_alleles, len(table.tracks.indices)
    if num_components > num_tracks:
        raise TransformError(f"{table.path} has {plural(num_tracks, 'track')}: use --num {num_tracks} or fewer")
    if num_alleles <= num_components:
        raise TransformError(
            f"{table.path} has {plural(num_alleles, 'allele')}, too few to fit {plural(num_components, 'component')}: "
            "fit the transform to more alleles, or use a smaller --num"
        )
    try:
        with tempfile.TemporaryFile(dir=scratch) as file:
            # Without this, a full disk would end the program at the first write to a page that has no place.
            os.posix_fallocate(file.fileno(), 0, 4 * num_alleles * num_tracks)
            scores = np.memmap(file, np.float32, "r+", shape=(num_tracks, num_alleles))
            _copy(table, origin.statistic, scores)
            return _fit(table, origin, scores, num_components)
    except OSError as error:
        raise EnformerVepError(f"cannot write a temporary file in {scratch}: {cause(error)}") from error


def _copy(table: ScoreTable, statistic: str, scores: npt.NDArray[np.float32]) -> None:
    done = 0
    for rows in table.batches(statistic, range(len(scores))):
        finite = np.isfinite(rows.scores).all(axis=1)
        if not finite.all():
            allele = rows.alleles[int(finite.argmin())]
            raise TransformError(f"{table.path} has a {statistic} of {allele} that is not finite: score as float32")
        num = len(rows.scores)
        if done + num <= scores.shape[1]:  # otherwise the table says at its end what is wrong
            scores[:, done : done + num] = rows.scores.T
        done += num


def _fit(table: ScoreTable, origin: TransformOrigin, scores: npt.NDArray[np.float32], num_components: int) -> Fit:
    from sklearn.decomposition import IncrementalPCA
    from sklearn.preprocessing import RobustScaler
    from sklearn.utils import gen_batches

    num_tracks, num_alleles = scores.shape
    centre, scale = _scaling(scores)
    num_kept = min(num_components + SPARE_COMPONENTS, num_tracks, num_alleles)
    pca = IncrementalPCA(n_components=num_kept)
    steps = list(gen_batches(num_alleles, max(STEP_ALLELES, 5 * num_kept), min_batch_size=num_kept))

    def scaled(step: slice) -> Float64s:
        return np.asarray((scores[:, step].T.astype(np.float64) - centre) / scale)

    for step in steps:
        pca.partial_fit(scaled(step))
    components = with_fixed_signs(pca.components_[:num_components])
    projected = np.concatenate([(scaled(step) - pca.mean_) @ components.T for step in steps])  # [alleles, k]
    second = RobustScaler().fit(projected)
    transform = Transform(
        origin,
        np.array(table.tracks.indices, np.int64),
        tuple(table.tracks.identifiers),
        centre,
        scale,
        pca.mean_,
        components,
        second.center_,
        second.scale_,
    )
    return Fit(transform, float(pca.explained_variance_ratio_[:num_components].sum()))


def _scaling(scores: npt.NDArray[np.float32]) -> tuple[Float64s, Float64s]:
    """Returns the medians and the interquartile ranges of tracks; a range of 0 becomes 1."""
    from sklearn.preprocessing import RobustScaler

    num_tracks, num_alleles = scores.shape
    block = max(1, BLOCK_BYTES // (8 * num_alleles))
    scalers = [
        RobustScaler().fit(scores[start : start + block].T.astype(np.float64)) for start in range(0, num_tracks, block)
    ]
    centre = np.concatenate([scaler.center_ for scaler in scalers])
    scale = np.concatenate([scaler.scale_ for scaler in scalers])
    return centre, scale


def with_fixed_signs(components: npt.NDArray[Any]) -> Float64s:
    """Turns each component, [k, tracks], so that its loading of largest magnitude is positive."""
    largest = np.abs(components).argmax(axis=1)
    return np.asarray(components * np.sign(components[np.arange(len(components)), largest])[:, None], np.float64)
