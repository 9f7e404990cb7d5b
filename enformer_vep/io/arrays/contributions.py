"""Contributions of bases: written as a table, a row per base of a sequence and scalar; read from it or from arrays."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import InputError
from enformer_vep.io.arrays.zarr_folder import check_zarr_support, read_attributes
from enformer_vep.io.tables.outputs import NPZ_SUFFIX, ZARR_SUFFIX
from enformer_vep.io.tables.row_reader import open_parquet, read_metadata, reading
from enformer_vep.io.tables.row_writer import ParquetRows, TableColumns
from enformer_vep.wording import cause

LETTERS = "ACGTN"
GROUP_ROWS = 1 << 18
"""Rows of a row group, at least, unless the table ends."""

Float32s = npt.NDArray[np.float32]

KIND = "contributions"
SUFFIXES = (".parquet", NPZ_SUFFIX, ZARR_SUFFIX)

_COLUMNS = ["scalar", "sequence", "allele", "chrom", "pos", "base", "contribution"]
_NAMES = _COLUMNS[:4]


@dataclass(frozen=True, eq=False)
class ContributionRows:
    """The bases of one sequence, for one scalar.

    Attributes:
      sequence: the sequence's name.
      allele: 'ref', 'alt', or empty.
      chrom: the contig.
      scalar: the name of what is explained.
      positions: int64 [L], 1-based; 0 for bases that are not the genome's.
      codes: uint8 [L].
      contributions: float32 [L].
      hypothetical: float32 [L, 4].
      effects: float32 [L, 4].
    """

    sequence: str
    allele: str
    chrom: str
    scalar: str
    positions: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint8]
    contributions: Float32s
    hypothetical: Float32s
    effects: Float32s


_TEXT = pa.dictionary(pa.int32(), pa.string())

_FIELDS = {
    **dict.fromkeys(("scalar", "sequence", "allele", "chrom"), _TEXT),
    "pos": pa.int64(),
    "base": _TEXT,
    "contribution": pa.float32(),
    **{f"{kind}:{letter}": pa.float32() for kind in ("hypothetical", "effect") for letter in LETTERS[:4]},
}


def write_contribution_table(
    stream: BinaryIO, rows: Iterator[ContributionRows], metadata: Mapping[bytes, bytes]
) -> None:
    """Writes a table, in whose row groups every sequence is whole.

    Args:
      stream: the file.
      rows: the bases of sequences, in their order.
      metadata: what the schema's metadata has.
    """
    columns, encoding = TableColumns(_FIELDS), {"use_dictionary": True}
    with ParquetRows(
        stream, columns, metadata, group_rows=GROUP_ROWS, has_whole_batches=True, encoding=encoding
    ) as table:
        for of_sequence in rows:
            table.write(_columns(of_sequence))


def _columns(rows: ContributionRows) -> list[pa.Array]:
    length = len(rows.codes)

    def repeated(text: str) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(length, np.int32)), pa.array([text]))

    return [
        *map(repeated, (rows.scalar, rows.sequence, rows.allele, rows.chrom)),
        pa.array(rows.positions, pa.int64(), mask=rows.positions == 0),
        pa.DictionaryArray.from_arrays(pa.array(rows.codes.astype(np.int32)), pa.array(list(LETTERS))),
        pa.array(rows.contributions),
        *(pa.array(np.ascontiguousarray(column)) for column in rows.hypothetical.T),
        *(pa.array(np.ascontiguousarray(column), mask=np.isnan(column)) for column in rows.effects.T),
    ]


@dataclass(frozen=True, eq=False)
class ExplainedBases:
    """The bases of one sequence, and what each contributes to one scalar.

    Attributes:
      scalar: the name of what is explained.
      sequence: the region, or the variant.
      allele: 'ref' or 'alt'; empty for a region.
      contig: as the FASTA names it.
      positions: int64 [L], 1-based; 0 for bases that are not the genome's.
      letters: the bases.
      contributions: float32 [L].
    """

    scalar: str
    sequence: str
    allele: str
    contig: str
    positions: npt.NDArray[np.int64]
    letters: str
    contributions: npt.NDArray[np.float32]


@dataclass(frozen=True)
class SavedContributions:
    """A finished output of `contributions`.

    Attributes:
      path: the output.
      run: the run record without its course, as JSON values.
    """

    path: Path
    run: Mapping[str, Any]

    @classmethod
    def find(cls, path: str, run_name: str) -> "SavedContributions":
        """Reads the sequences and scalars that were explained, and no contributions.

        Args:
          path: the output.
          run_name: the name that the metadata of a table have for the run record.

        Raises:
          InputError: it is no such output, or cannot be read.
        """
        if not path.endswith(SUFFIXES) or not Path(path).exists():
            problem = "no such file" if not Path(path).exists() else "unknown format"
            hint = "; bigWig files have no letters" if Path(path).is_dir() else ""
            raise InputError(
                f"{problem}: {path}: expected what 'enformer-vep contributions' writes to OUT.parquet, OUT.npz or "
                f"OUT.zarr{hint}"
            )
        text = _run_text(Path(path), run_name)
        try:
            run = json.loads(text)
        except ValueError:
            run = {}
        if not isinstance(run, dict) or run.get("kind") != KIND:
            raise InputError(f"{path} is not an output of 'enformer-vep contributions', or is damaged")
        return cls(Path(path), run)

    @property
    def scalars(self) -> list[str]:
        """The names of the explained scalars."""
        return list(self.run["scalars"])

    def sequences(self) -> Iterator[ExplainedBases]:
        """Yields every sequence for every scalar. A table is read by row groups; arrays are in memory as a whole.

        Raises:
          InputError: the output is damaged.
        """
        with reading(self.path):
            try:
                yield from self._of_table() if self.path.suffix == ".parquet" else self._of_arrays()
            except (KeyError, ValueError, zipfile.BadZipFile) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"{self.path} is damaged: {cause(error)}") from error

    def _of_table(self) -> Iterator[ExplainedBases]:
        with open_parquet(self.path) as file:
            for number in range(file.num_row_groups):  # a sequence is whole in one of them
                frame = file.read_row_group(number, columns=_COLUMNS).to_pandas()
                codes = np.stack([frame[name].astype("category").cat.codes for name in _NAMES])
                edges = np.flatnonzero((np.diff(codes, axis=1) != 0).any(axis=0)) + 1
                for first, end in zip([0, *edges], [*edges, len(frame)], strict=True):
                    rows = frame.iloc[first:end]
                    scalar, sequence, allele, contig = (str(rows[name].iloc[0]) for name in _NAMES)
                    yield ExplainedBases(
                        scalar,
                        sequence,
                        allele,
                        contig,
                        rows["pos"].fillna(0).to_numpy(np.int64),
                        "".join(rows["base"]),
                        rows["contribution"].to_numpy(np.float32),
                    )

    def _of_arrays(self) -> Iterator[ExplainedBases]:
        with _arrays(self.path) as arrays:
            names, alleles, contigs, letters, scalars = (
                [str(value) for value in arrays[name][...]]
                for name in ("sequence", "allele", "contig", "letters", "scalar")
            )
            positions, one_hot, hypothetical = (arrays[name] for name in ("pos", "one_hot", "hypothetical"))
            for number, scalar in enumerate(scalars):
                values = (hypothetical[number] * one_hot[...]).sum(axis=-1)
                for row, name in enumerate(names):
                    yield ExplainedBases(
                        scalar, name, alleles[row], contigs[row], positions[row], letters[row], values[row]
                    )


def _run_text(path: Path, name: str) -> str:
    """Returns the run record as it was written, JSON; empty if there is none."""
    if path.suffix == ".parquet":
        return read_metadata(path).get(name.encode(), b"").decode(errors="replace")
    if path.name.endswith(ZARR_SUFFIX):
        return str(read_attributes(path).get(name, ""))
    try:
        with _arrays(path) as arrays:
            return str(arrays["run"]) if "run" in arrays else ""
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a NumPy archive, or is damaged: {cause(error)}") from error


@contextmanager
def _arrays(path: Path) -> Iterator[Any]:
    if path.name.endswith(ZARR_SUFFIX):
        check_zarr_support()
        import zarr

        yield zarr.open_group(path, mode="r")
        return
    with closing(cast("Any", np.load(path, allow_pickle=False))) as archive:
        yield archive
