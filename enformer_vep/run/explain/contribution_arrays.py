"""Contributions as arrays: computed from gradients, and as they are written for all sequences and scalars."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import N_CODE, Codes, one_hot
from enformer_vep.io.arrays.contributions import LETTERS, ContributionRows
from enformer_vep.run.explain.sequences import ExplainedSequence

Float32s = npt.NDArray[np.float32]


def corrected(gradients: Float32s) -> Float32s:
    """Returns gradients less their mean over the four letters of each position.

    The one_hot of a position adds up to 1. So a model learns nothing about directions that leave this simplex, and the
    part of its gradient at right angles to it is arbitrary: Majdandzic, Rajesh, Koo (Genome Biology 24:109, 2023).
    """
    return np.asarray(gradients - gradients.mean(axis=-1, keepdims=True), dtype=np.float32)


def at_letters(hypothetical: Float32s, codes: Codes) -> Float32s:
    """Returns the contribution of the letter that stands at each position: float32 [..., L]; 0 where it is N."""
    chosen = np.take_along_axis(hypothetical, np.minimum(codes, 3)[..., np.newaxis].astype(np.intp), axis=-1)[..., 0]
    return np.where(codes == N_CODE, np.float32(0), chosen)


def first_order_effects(hypothetical: Float32s, codes: Codes) -> Float32s:
    """Returns g[i, b] - g[i, ref], the change that the gradient expects if b replaces the letter at i.

    Args:
      hypothetical: gradients, corrected or not, which gives the same.
      codes: the letters.

    Returns:
      float32 [..., L, 4]: 0 for the letter that stands there, NaN where it is N, which has no gradient of its own.
    """
    effects = hypothetical - at_letters(hypothetical, codes)[..., np.newaxis]
    return np.where((codes == N_CODE)[..., np.newaxis], np.float32(np.nan), effects)


Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contributions:
    """The contributions of the bases of all sequences to all scalars.

    Attributes:
      sequences: the sequences.
      codes: of each, the bases that are written: uint8.
      positions: of each, where these stand on the genome, 1-based: int64; 0 for bases that are not the genome's.
      scalars: the names of the scalars that are explained.
      hypothetical: float32 [scalars, bases of all sequences, 4].
      values: float64 [scalars, sequences], the scalars themselves.
      baselines: the same for the baseline of integrated gradients; None without.
    """

    sequences: Sequence[ExplainedSequence]
    codes: Sequence[Codes]
    positions: Sequence[npt.NDArray[np.int64]]
    scalars: Sequence[str]
    hypothetical: Float32s
    values: Float64s
    baselines: Float64s | None = None

    def of_sequences(self, number: int) -> Iterator[tuple[ExplainedSequence, Codes, npt.NDArray[np.int64], Float32s]]:
        """Yields each sequence with codes, positions and hypothetical contributions to one scalar, float32 [L, 4]."""
        done = 0
        for sequence, codes, positions in zip(self.sequences, self.codes, self.positions, strict=True):
            yield sequence, codes, positions, self.hypothetical[number, done : done + len(codes)]
            done += len(codes)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Returns the named arrays that docs/contributions.md lists; all sequences must be equally long."""
        codes = np.stack(self.codes)
        arrays: dict[str, npt.NDArray[Any]] = {
            "hypothetical": self.hypothetical.reshape(len(self.scalars), *codes.shape, 4),
            "one_hot": one_hot(codes).astype(np.uint8),
            "pos": np.stack(self.positions),
            "sequence": np.array([sequence.name for sequence in self.sequences]),
            "allele": np.array([sequence.allele for sequence in self.sequences]),
            "contig": np.array([sequence.contig for sequence in self.sequences]),
            "letters": np.array(["".join(LETTERS[code] for code in of_sequence) for of_sequence in self.codes]),
            "scalar": np.array(self.scalars),
            "value": self.values,
        }
        return arrays if self.baselines is None else arrays | {"baseline": self.baselines}

    def rows(self) -> Iterator[ContributionRows]:
        """Yields the rows of the table, scalars outermost."""
        for number, scalar in enumerate(self.scalars):
            for sequence, codes, positions, hypothetical in self.of_sequences(number):
                yield ContributionRows(
                    sequence.name,
                    sequence.allele,
                    sequence.contig,
                    scalar,
                    positions,
                    codes,
                    at_letters(hypothetical, codes),
                    hypothetical,
                    first_order_effects(hypothetical, codes),
                )
