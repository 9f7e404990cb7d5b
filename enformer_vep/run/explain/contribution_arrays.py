"""Contributions as they are written: of all sequences and scalars."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import Codes, one_hot
from enformer_vep.io.arrays.contributions import LETTERS, ContributionRows
from enformer_vep.run.explain.contribution_sequences import ExplainedSequence
from enformer_vep.run.explain.contribution_values import at_letters, first_order_effects

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contributions:
    """What is written.

    Attributes:
      sequences: the sequences.
      codes: of each, the bases that are written: uint8.
      positions: of each, where these stand on the genome, 1-based: int64; 0 for bases that are not the genome's.
      scalars: the names of what is explained.
      hypothetical: float32 [scalars, bases of all sequences, 4].
      values: float64 [scalars, sequences], what is explained.
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
        """Returns all of it as named arrays of equally long sequences: docs/contributions.md lists them."""
        codes = np.stack(self.codes)
        found: dict[str, npt.NDArray[Any]] = {
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
        return found if self.baselines is None else found | {"baseline": self.baselines}

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
