"""The arrays for TF-MoDISco have the shapes that it reads."""

from pathlib import Path

import numpy as np
import pytest

from enformer_vep.errors import InputError
from enformer_vep.io.arrays.modisco_files import write_modisco


def test_sequences_and_scores_are_transposed(tmp_path: Path) -> None:
    codes = [np.array([0, 3, 4], np.uint8), np.array([1, 1, 2], np.uint8)]
    scores = [np.arange(12, dtype=np.float32).reshape(3, 4), np.ones((3, 4), np.float32)]
    write_modisco(tmp_path / "sites", codes, scores)
    sequences = np.load(tmp_path / "sites.ohe.npz")["arr_0"]
    found = np.load(tmp_path / "sites.hypothetical.npz")["arr_0"]
    assert sequences.shape == found.shape == (2, 4, 3)
    assert sequences[0].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0]]  # A, T, and N, which is no letter
    assert found[0].tolist() == scores[0].T.tolist()


def test_regions_of_several_lengths_are_refused(tmp_path: Path) -> None:
    codes = [np.zeros(3, np.uint8), np.zeros(5, np.uint8)]
    with pytest.raises(InputError, match="these have 3 to 5 bp: make them equally long"):
        write_modisco(tmp_path / "sites", codes, [np.zeros((len(c), 4), np.float32) for c in codes])
    assert not list(tmp_path.iterdir())
