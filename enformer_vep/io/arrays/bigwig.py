"""Writes bigWig files of values by bins, through pyBigWig.

Of the two libraries that write bigWig, pybigtools leaves contigs without values out of the header, and panics on a full
disk. pyBigWig writes every contig; but it ends the process if a file cannot be opened, and does not tell the program if
the last bytes cannot be written. So the file is made beforehand here, and its end is looked at afterwards.
"""

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.genome.tiling import BinSpan
from enformer_vep.wording import cause

_MAGIC = 0x888FFC26.to_bytes(4, "little")
"""The first and the last bytes of a whole file."""


def check_bigwig_support() -> dict[str, str]:
    """Returns the version of what writes bigWig, by its name.

    Raises:
      OutputError: it is not installed.
    """
    try:
        import pyBigWig  # noqa: F401
    except ImportError as error:
        raise OutputError(
            "writing bigWig needs pyBigWig: install enformer-vep[bigwig], or write a table with -o OUT.parquet"
        ) from error
    return {"pyBigWig": version("pyBigWig")}


def write_bigwig(
    path: Path, contigs: Mapping[str, int], spans: Sequence[BinSpan], values: npt.NDArray[np.float32], bin_size_bp: int
) -> None:
    """Writes one value for each bin; bins that reach beyond a contig's ends are cut there.

    Args:
      path: the file, which must not exist.
      contigs: length of every contig, by its name; the header has all that have a base.
      spans: the bins, sorted by the names of their contigs and by position, none twice; at least one. All of them
        overlap their contig.
      values: float32 [bins of all spans].
      bin_size_bp: length of a bin.

    Raises:
      EnformerVepError: the file cannot be written.
    """
    import pyBigWig

    try:
        path.open("xb").close()
        file = pyBigWig.open(str(path), "w")
        try:
            # A reader may search for a contig as in a sorted list.
            file.addHeader([(name, length) for name, length in sorted(contigs.items()) if length])
            done = 0
            for span in spans:
                of_span = values[done : done + span.num_bins]
                _add(file, span, of_span, contigs[span.contig], bin_size_bp)
                done += span.num_bins
        finally:
            file.close()
    except (OSError, RuntimeError) as error:
        raise EnformerVepError(f"cannot write {path}: {cause(error)}") from error
    if not _is_whole(path):
        raise EnformerVepError(f"cannot write {path}: its end is missing, so the disk may be full")


def _add(file: Any, span: BinSpan, values: npt.NDArray[np.float32], length_bp: int, bin_size_bp: int) -> None:
    """Adds bins in steps of one size; before and after them, those that the contig's ends cut short."""
    starts, ends = span.edges(length_bp, bin_size_bp)
    is_cut = ends - starts < bin_size_bp
    first = int(is_cut[0])
    stop = max(first, len(values) - int(is_cut[-1]))

    def add_cut(number: int) -> None:
        place = {"ends": [int(ends[number])], "values": [float(values[number])]}
        file.addEntries([span.contig], [int(starts[number])], **place)

    if first:
        add_cut(0)
    if stop > first:
        whole = np.ascontiguousarray(values[first:stop])
        file.addEntries(span.contig, int(starts[first]), values=whole, span=bin_size_bp, step=bin_size_bp)
    if stop < len(values):
        add_cut(stop)


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return False
        file.seek(-len(_MAGIC), os.SEEK_END)
        return file.read() == _MAGIC
