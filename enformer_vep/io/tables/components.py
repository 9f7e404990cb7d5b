"""The transform of scores into components, its file, and tables of components, Parquet or text.

It is robust scaling, principal components, robust scaling.

With x the scores of an allele, one per track:

    z = (x / divisor - centre) / scale            each track to a median of 0 and an interquartile range of 1
    y = components @ (z - mean)                   the principal components
    PC = (y - centre2) / scale2                   each component to the same median and range

The file is NumPy's .npz of plain arrays. It is read with `allow_pickle=False`: nothing in it can run.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import InputError, TransformError
from enformer_vep.io.files import whole_file
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_reader import read_columns, read_metadata, reading
from enformer_vep.io.tables.row_writer import (
    ALLELE_TYPES,
    ParquetRows,
    RowWriter,
    TableColumns,
    TextRows,
    Values,
)
from enformer_vep.wording import cause

FORMAT = 1
SUFFIX = ".npz"
Float64s = npt.NDArray[np.float64]

PUBLISHED = "published"
"""The name of the published weights, whatever their file."""

COMPONENTS_METADATA = b"enformer_vep.components"
"""The key of a table's record in Parquet's metadata."""

_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class TransformOrigin:
    """The scores that a transform is made for.

    Attributes:
      statistic: the statistic, such as SAD.
      divisor: the number by which scores are divided first: that of bins if it takes means and scores are sums.
      head: the head.
      weights: PUBLISHED, the digest of the weights' tensors, or empty if unknown.
      settings: settings of the run that scores must share, by their names in the run record; none if unknown.
      source: the file or the scores of which it was made, for people.
    """

    statistic: str
    divisor: float
    head: str
    weights: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Transform:
    """A transform of scores into components.

    Attributes:
      origin: the scores that it takes.
      indices: int64 [tracks], the tracks' numbers in the head, all different.
      identifiers: their identifiers; None if unknown.
      centre: float64 [tracks].
      scale: float64 [tracks], positive.
      mean: float64 [tracks].
      components: float64 [k, tracks].
      centre2: float64 [k].
      scale2: float64 [k], positive.
    """

    origin: TransformOrigin
    indices: npt.NDArray[np.int64]
    identifiers: tuple[str, ...] | None
    centre: Float64s
    scale: Float64s
    mean: Float64s
    components: Float64s
    centre2: Float64s
    scale2: Float64s

    def __post_init__(self) -> None:
        """Checks shapes and values.

        Raises:
          TransformError: an array has another shape, or values that no transform has; the message names it.
        """
        if self.components.ndim != 2 or 0 in self.components.shape:
            raise TransformError(f"components has the shape {self.components.shape}: expected (components, tracks)")
        num_components, num_tracks = self.components.shape
        lengths = dict.fromkeys(("indices", "centre", "scale", "mean"), num_tracks)
        for name, length in (lengths | dict.fromkeys(("centre2", "scale2"), num_components)).items():
            if getattr(self, name).shape != (length,):
                raise TransformError(f"{name} has the shape {getattr(self, name).shape}: expected ({length},)")
        for name in ("centre", "scale", "mean", "components", "centre2", "scale2"):
            if not np.isfinite(getattr(self, name)).all():
                raise TransformError(f"{name} has values that are not finite")
        for name in ("scale", "scale2"):
            if (getattr(self, name) <= 0).any():
                raise TransformError(f"{name} has values that are not positive")
        if len(np.unique(self.indices)) < num_tracks or (self.indices < 0).any():
            raise TransformError("indices are not the numbers of different tracks")
        if self.identifiers is not None and len(set(self.identifiers)) != num_tracks:
            raise TransformError(f"identifiers do not name {num_tracks} different tracks")
        if not (np.isfinite(self.origin.divisor) and self.origin.divisor > 0):
            raise TransformError(f"the divisor is {self.origin.divisor}: expected a positive number")

    @property
    def num_components(self) -> int:
        """Number of components."""
        return len(self.components)

    def first(self, num: int) -> "Transform":
        """Returns the transform into the first components alone."""
        return replace(self, components=self.components[:num], centre2=self.centre2[:num], scale2=self.scale2[:num])

    def name(self, track: int) -> str:
        """Names a track for a message, by its place here."""
        number = f"track {self.indices[track]} of the {self.origin.head} head"
        return number if self.identifiers is None else f"{self.identifiers[track]} ({number})"

    def apply(self, scores: npt.NDArray[np.floating[Any]]) -> Float64s:
        """Transforms scores.

        Args:
          scores: [alleles, tracks], in the order of `indices`. A score that is not finite makes every component NaN.

        Returns:
          float64 [alleles, k].
        """
        with np.errstate(invalid="ignore"):
            scaled = (scores.astype(np.float64) / self.origin.divisor - self.centre) / self.scale
            components = (((scaled - self.mean) @ self.components.T) - self.centre2) / self.scale2
        components[~np.isfinite(scaled).all(axis=1)] = np.nan
        return np.asarray(components, np.float64)


_VECTORS = ("centre", "scale", "mean", "components", "centre2", "scale2")


def save_transform(transform: Transform, path: Path) -> None:
    """Writes a transform; the file appears only when it is whole, and equal transforms give the same bytes.

    Raises:
      EnformerVepError: the file cannot be written.
    """
    arrays = {name: getattr(transform, name) for name in ("indices", *_VECTORS)}
    if transform.identifiers is not None:
        arrays["identifiers"] = np.array(transform.identifiers, dtype=np.str_)
    settings = json.dumps({"format": FORMAT, **asdict(transform.origin)})
    with whole_file(path) as stream:
        np.savez(stream, allow_pickle=False, about=np.array(settings), **arrays)


def load_transform(path: str) -> Transform:
    """Reads a transform.

    Raises:
      TransformError: the file cannot be read, or is no transform of a format that this version reads.
    """
    if not Path(path).is_file():
        raise TransformError(f"no such file: {path}: expected a transform, as --fit and convert-transform write it")
    try:
        arrays = _read_arrays(path)
        origin = _read_origin(str(arrays["about"]))
        names = arrays.get("identifiers")
        return Transform(
            origin,
            _whole_numbers(arrays["indices"]),
            None if names is None else tuple(str(name) for name in names),
            *(_numbers(name, arrays[name]) for name in ("centre", "scale", "mean", "components", "centre2", "scale2")),
        )
    except KeyError as error:
        raise TransformError(f"{path} is not a transform: it has no array {error.args[0]!r}") from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TransformError(f"{path} is not a transform: {cause(error)}") from error


def _read_arrays(path: str) -> dict[str, npt.NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise ValueError("expected an .npz file, as --fit and convert-transform write it")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _read_origin(text: str) -> TransformOrigin:
    about = json.loads(text)
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        number = about.get("format") if isinstance(about, dict) else None
        raise ValueError(f"its format is {number}, and this version of enformer-vep reads {FORMAT}")
    kinds = {"statistic": str, "divisor": (int, float), "head": str, "weights": str, "settings": dict, "source": str}
    for name, kind in kinds.items():
        if not isinstance(about.get(name), kind):  # type: ignore[arg-type]
            raise ValueError(f"{name} is {about.get(name)!r}")
    return TransformOrigin(**{name: about[name] for name in kinds})


def _numbers(name: str, array: npt.NDArray[Any]) -> Float64s:
    if array.dtype.kind != "f":
        raise ValueError(f"{name} holds {array.dtype}: expected floating-point numbers")
    return array.astype(np.float64)


def _whole_numbers(array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if array.dtype.kind not in "iu":
        raise ValueError(f"indices holds {array.dtype}: expected whole numbers")
    return array.astype(np.int64)


def component_names(num: int) -> list[str]:
    """Returns the names of the columns, as in DeepMind's notebook."""
    return [f"PC{number}" for number in range(num)]


def open_component_table(stream: BinaryIO, paths: OutputPaths, num: int, metadata: Mapping[bytes, bytes]) -> RowWriter:
    """Starts a table in the format of its name: fields of alleles, and float32 [alleles, k].

    Args:
      stream: the open file.
      paths: its name.
      num: number of components.
      metadata: written with the table if its format has a place for it.
    """
    columns = TableColumns(ALLELE_TYPES, [Values(component_names(num))])
    if paths.is_parquet:
        return ParquetRows(stream, columns, metadata, has_whole_batches=True)
    return TextRows(stream, columns, is_gzipped=paths.is_gzipped)


class ComponentRows:
    """A table that `components` wrote.

    Attributes:
      paths: the table.
      names: the names of the components.
      scores: the record of the run whose scores they are made of, as JSON values.
    """

    def __init__(self, path: str) -> None:
        """Reads the record and the columns of a table.

        Raises:
          InputError: it is not such a table.
        """
        self.paths = OutputPaths(path)
        if not self.paths.table.is_file():
            raise InputError(f"no such file: {path}: expected an output of 'enformer-vep components'")
        try:
            about = json.loads(self._about())
            self.names = [str(name) for name in about["components"]]
            self.scores: dict[str, Any] = dict(about["scores"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path} is not an output of 'enformer-vep components', or is damaged ({cause(error)})"
            ) from error

    def _about(self) -> bytes:
        if not self.paths.is_parquet:
            return self.paths.run.read_bytes()
        return read_metadata(self.paths.table)[COMPONENTS_METADATA]

    def read(self) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.float32]]]:
        """Yields consecutive alleles, with record and allele, and float32 [alleles, components].

        Raises:
          InputError: the table is damaged.
        """
        types = {"record": pa.int64(), "allele": pa.int64()} | {name: pa.float32() for name in self.names}
        with ExitStack() as stack, reading(self.paths.table):
            for batch in read_columns(self.paths.table, types, _BATCH_ROWS, stack):
                columns = [batch[name].to_numpy(zero_copy_only=False) for name in self.names]
                yield batch, np.stack(columns, axis=1)
