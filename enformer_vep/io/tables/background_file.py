"""The file of a background: one row per statistic and track, as Parquet, with its record in the metadata.

Each row has the number of values, their mean, standard deviation and quartiles, and points of their distribution: order
statistics, ascending, as float32. Rows are written and read in blocks, so that neither needs the whole file in memory.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet

from enformer_vep.errors import InputError
from enformer_vep.io.tables.row_writer import ParquetRows, TableColumns
from enformer_vep.wording import cause

BACKGROUND_METADATA = b"enformer_vep.background"

ROW_GROUP_ROWS = 64

_SPREAD = ("mean", "standard_deviation", "q25", "q50", "q75")
_POINTS = pa.list_(pa.field("element", pa.float32()))
_FIELDS = {
    **dict.fromkeys(("statistic", "identifier", "description"), pa.string()),
    "num_values": pa.int64(),
    **dict.fromkeys(_SPREAD, pa.float32()),
    "points": _POINTS,
}

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Distribution:
    """How the scores of one track are distributed.

    Attributes:
      num_values: number of scores; NaN is not among them.
      mean: of the finite scores.
      standard_deviation: of the finite scores.
      quartiles: the three quartiles.
      points: float32 [points], order statistics, ascending; their ranks follow from num_values.
    """

    num_values: int
    mean: float
    standard_deviation: float
    quartiles: tuple[float, float, float]
    points: Float32s


@dataclass(frozen=True)
class TrackKey:
    """Which scores a row describes: the statistic, and the track's identifier and description."""

    statistic: str
    identifier: str
    description: str


class BackgroundWriter(ParquetRows):
    """Writes the rows of a background, in blocks. Used in a `with` block, at whose end the file is complete."""

    def __init__(self, stream: BinaryIO, record: dict[str, Any]) -> None:
        """Starts the file; `record` is the background's record as JSON values."""
        metadata = {BACKGROUND_METADATA: json.dumps(record, indent=2).encode()}
        # Neighbouring points share their first bytes.
        encoding = {"use_dictionary": ["statistic"], "use_byte_stream_split": ["points.list.element"]}
        super().__init__(stream, TableColumns(_FIELDS), metadata, group_rows=ROW_GROUP_ROWS, encoding=encoding)

    def add(self, rows: Sequence[tuple[TrackKey, Distribution]]) -> None:
        """Adds rows; how many at a time does not change the file."""
        if not rows:
            return
        keys, distributions = zip(*rows, strict=True)
        spreads = [(each.mean, each.standard_deviation, *each.quartiles) for each in distributions]
        ends = np.cumsum([0, *(len(each.points) for each in distributions)])
        points = pa.array(np.concatenate([each.points for each in distributions]))
        columns = [
            *([getattr(key, name) for key in keys] for name in ("statistic", "identifier", "description")),
            [each.num_values for each in distributions],
            *(np.array(column, np.float32) for column in zip(*spreads, strict=True)),
            pa.ListArray.from_arrays(pa.array(ends, pa.int32()), points, type=_POINTS),
        ]
        self.write(columns)


class BackgroundFile:
    """A background that is open for reading.

    Attributes:
      path: the file.
      record: its record, as JSON values.
      keys: of each row, its statistic and the track's identifier.
      num_values: of each row, how many scores it describes.
    """

    def __init__(self, path: str) -> None:
        """Reads all but the distributions.

        Raises:
          InputError: it does not exist, or is not a background.
        """
        self.path = path
        if not os.path.isfile(path):
            raise InputError(f"no such file: {path}: expected a file that 'enformer-vep background' wrote")
        try:
            # As in `open_parquet`: PyArrow would keep all points that were read until the end.
            self._file = pyarrow.parquet.ParquetFile(path, pre_buffer=False)
            metadata = (self._file.schema_arrow.metadata or {}).get(BACKGROUND_METADATA)
            if metadata is None:
                raise InputError(f"{path} is not a background: expected a file that 'enformer-vep background' wrote")
            self.record: dict[str, Any] = json.loads(metadata)
            names = self._file.read(columns=["statistic", "identifier", "num_values"])
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} is not a background, or is damaged: {cause(error)}") from error
        self.keys = list(zip(*(names[name].to_pylist() for name in ("statistic", "identifier")), strict=True))
        self.num_values: list[int] = names["num_values"].to_pylist()

    def points(self, rows: Sequence[int]) -> Iterator[tuple[int, Float32s]]:
        """Reads points of distributions, a block of rows at a time.

        Args:
          rows: the numbers of the rows that are wanted.

        Yields:
          For each row that is wanted, in the order of the file: its number, and its points.

        Raises:
          InputError: the file is damaged.
        """
        wanted = np.unique(np.array(rows, dtype=np.int64))
        first = 0
        try:
            for group in range(self._file.num_row_groups):
                end = first + self._file.metadata.row_group(group).num_rows
                inside = wanted[(wanted >= first) & (wanted < end)]
                if len(inside):
                    lists = self._file.read_row_group(group, columns=["points"])["points"].combine_chunks()
                    values, offsets = lists.values.to_numpy(), lists.offsets.to_numpy()
                    for row in inside:
                        at = int(row - first)
                        yield int(row), values[offsets[at] : offsets[at + 1]]
                first = end
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{self.path} is damaged: {cause(error)}; make it again") from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
