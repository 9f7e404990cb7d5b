"""Reads DeepMind's precomputed scores of the 1000 Genomes variants: HDF5, as basenji_sad.py writes it.

Arrays by variant: snp, chr, pos (1-based), ref, alt; by track: target_ids, target_labels; and SAD and SAR, float16
[variants, tracks]. One file has one chromosome.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.wording import cause

STATISTICS = ("SAD", "SAR")
"""Those of the tool's statistics that the files have, by the same names."""

_REQUIRED = ("chr", "pos", "ref", "alt", "target_ids")


class PrecomputedAlleles(NamedTuple):
    """Some variants of a file: contigs, 1-based positions, and both alleles."""

    chroms: list[str]
    positions: list[int]
    refs: list[str]
    alts: list[str]


class PrecomputedScores:
    """An open file of precomputed scores. Used in a `with` block.

    Attributes:
      path: where it is.
      num_rows: number of variants.
      identifiers: of the tracks.
      descriptions: of the tracks, empty if the file has none.
      statistics: which of STATISTICS it has.
    """

    def __init__(self, path: str) -> None:
        """Opens a file.

        Raises:
          InputError: it cannot be read, or lacks an array or has one of another shape; or h5py is missing.
        """
        try:
            import h5py
        except ImportError as error:
            raise InputError(
                "reading DeepMind's scores requires h5py: install it with pip install 'enformer-vep[background]'"
            ) from error
        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise InputError(
                f"{path} cannot be read as HDF5: {cause(error)}; expected a file of precomputed scores, such as "
                "1000G.MAF_threshold=0.005.22.h5"
            ) from error
        try:
            self._check()
            self.num_rows = len(self._file["pos"])
            with _reading(path):
                self.identifiers = _texts(self._file["target_ids"][:])
                labels = self._file.get("target_labels")
                self.descriptions = [""] * len(self.identifiers) if labels is None else _texts(labels[:])
            self.statistics = tuple(name for name in STATISTICS if name in self._file)
        except InputError:
            self._file.close()
            raise

    def __enter__(self) -> "PrecomputedScores":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _check(self) -> None:
        shapes: dict[str, Any] = {
            name: getattr(self._file.get(name), "shape", None) for name in (*_REQUIRED, *STATISTICS)
        }
        if missing := [name for name in _REQUIRED if shapes[name] is None]:
            raise InputError(
                f"{self.path} has no array {missing[0]}: expected {', '.join(_REQUIRED)}, and {' or '.join(STATISTICS)}"
            )
        expected = (*shapes["pos"], *shapes["target_ids"])
        if not any(shapes[name] for name in STATISTICS):
            raise InputError(f"{self.path} has no array {' or '.join(STATISTICS)}")
        for name in STATISTICS:
            if shapes[name] is None:
                continue
            actual = f"{self._file[name].dtype} of shape {shapes[name]}"
            if actual != f"float16 of shape {expected}":
                raise InputError(f"{self.path}: expected {name} to be float16 of shape {expected}, found {actual}")
        for name in ("chr", "ref", "alt"):
            if shapes[name] != shapes["pos"]:
                raise InputError(f"{self.path}: expected {name} to have shape {shapes['pos']}, found {shapes[name]}")

    def alleles(self, rows: range) -> PrecomputedAlleles:
        """Reads some variants.

        Raises:
          EnformerVepError: the file is damaged.
        """
        some = slice(rows.start, rows.stop)
        with _reading(self.path):
            chroms, refs, alts = (_texts(self._file[name][some]) for name in ("chr", "ref", "alt"))
            positions: list[int] = self._file["pos"][some].tolist()
        return PrecomputedAlleles(chroms, positions, refs, alts)

    def scores(self, statistic: str, rows: range, tracks: range) -> npt.NDArray[np.float16]:
        """Reads scores of some variants and tracks: float16 [rows, tracks].

        Raises:
          EnformerVepError: the file is damaged.
        """
        with _reading(self.path):
            scores: npt.NDArray[np.float16] = self._file[statistic][rows.start : rows.stop, tracks.start : tracks.stop]
        return scores


@contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise EnformerVepError(f"{path} is damaged: {cause(error)}; download it again") from error


def _texts(values: npt.NDArray[Any]) -> list[str]:
    """Returns text that is stored as bytes or as str."""
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values.tolist()]
