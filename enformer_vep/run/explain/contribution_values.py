"""What contributions are made of gradients, as arrays: float32 [..., L, 4] in the order A C G T, and codes [..., L]."""

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import N_CODE, Codes

Float32s = npt.NDArray[np.float32]


def corrected(gradients: Float32s) -> Float32s:
    """Returns gradients less their mean over the four letters of each position.

    The one_hot of a position adds up to 1. So a model learns nothing about directions that leave this simplex, and the
    part of its gradient at right angles to it is arbitrary: Majdandzic, Rajesh, Koo (Genome Biology 24:109, 2023).
    """
    return np.asarray(gradients - gradients.mean(axis=-1, keepdims=True), dtype=np.float32)


def at_letters(hypothetical: Float32s, codes: Codes) -> Float32s:
    """Returns the contribution of the letter that stands at each position: float32 [..., L]; 0 where it is N."""
    found = np.take_along_axis(hypothetical, np.minimum(codes, 3)[..., np.newaxis].astype(np.intp), axis=-1)[..., 0]
    return np.where(codes == N_CODE, np.float32(0), found)


def first_order_effects(hypothetical: Float32s, codes: Codes) -> Float32s:
    """Returns g[i, b] - g[i, ref], the change that the gradient expects if b replaces the letter at i.

    Args:
      hypothetical: gradients, corrected or not, which gives the same.
      codes: the letters.

    Returns:
      float32 [..., L, 4]: 0 for the letter that stands there, NaN where it is N, which has no gradient of its own.
    """
    found = hypothetical - at_letters(hypothetical, codes)[..., np.newaxis]
    return np.where((codes == N_CODE)[..., np.newaxis], np.float32(np.nan), found)
