"""Writes the arrays that TF-MoDISco reads: one-hot sequences and hypothetical scores of equally long regions.

`modisco motifs -s PREFIX.ohe.npz -a PREFIX.hypothetical.npz` of modisco-lite takes them: one array of shape [N, 4, L]
in each, in the order A C G T.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import InputError
from enformer_vep.genome.codes import Codes, one_hot
from enformer_vep.io.files import whole_file

ONE_HOT_SUFFIX = ".ohe.npz"
SCORES_SUFFIX = ".hypothetical.npz"


def modisco_paths(prefix: Path) -> tuple[Path, Path]:
    """Returns the files of the sequences and of the scores."""
    return prefix.with_name(prefix.name + ONE_HOT_SUFFIX), prefix.with_name(prefix.name + SCORES_SUFFIX)


def check_equal_lengths(lengths_bp: Sequence[int]) -> None:
    """Checks that regions can be one array.

    Raises:
      InputError: they differ in length.
    """
    shortest, longest = min(lengths_bp), max(lengths_bp)
    if shortest != longest:
        raise InputError(
            f"TF-MoDISco reads regions of one length, but these have {shortest:,} to {longest:,} bp: make them equally "
            "long"
        )


def write_modisco(prefix: Path, codes: Sequence[Codes], scores: Sequence[npt.NDArray[np.float32]]) -> None:
    """Writes both files, replacing those of an earlier run.

    Args:
      prefix: what their names begin with.
      codes: of each region uint8 [L].
      scores: of each region float32 [L, 4], hypothetical: what each letter would contribute, centred by position.

    Raises:
      InputError: the regions differ in length.
      EnformerVepError: a file cannot be written.
    """
    check_equal_lengths([len(of_region) for of_region in codes])
    arrays = [np.stack([one_hot(of_region) for of_region in codes]), np.stack(scores)]
    for path, array in zip(modisco_paths(prefix), arrays, strict=True):
        with whole_file(path) as file:
            np.savez_compressed(file, np.ascontiguousarray(array.transpose(0, 2, 1), dtype=np.float32))
