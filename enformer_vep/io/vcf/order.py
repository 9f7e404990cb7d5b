"""Whether a VCF is sorted, and its tabix index."""

import os
from contextlib import suppress
from pathlib import Path

import pysam
import pysam.bcftools

from enformer_vep.errors import EnformerVepError
from enformer_vep.wording import cause

TBI, CSI = ".tbi", ".csi"

_MAX_TBI_BP = 1 << 29
"""The end of the last base that a .tbi can hold: 512 Mb."""


class VcfOrder:
    """Whether the records seen so far are sorted: those of a contig together, and in the order of their positions.

    Attributes:
      is_sorted: whether they are.
      is_long: whether a record reaches beyond what a .tbi can index.
    """

    def __init__(self) -> None:
        self.is_sorted = True
        self.is_long = False
        self._contig: bytes | str | None = None
        self._pos = 0
        self._seen: set[bytes | str] = set()

    def see(self, contig: bytes | str, pos: int, length_bp: int) -> None:
        """Takes the next record: its contig, its position from 1, and the length of REF."""
        if contig != self._contig:
            self.is_sorted = self.is_sorted and contig not in self._seen
            self._seen.add(contig)
            self._contig = contig
        elif pos < self._pos:
            self.is_sorted = False
        self._pos = pos
        if pos + length_bp > _MAX_TBI_BP:
            self.is_long = True


def drop_index(path: Path) -> None:
    """Removes the indexes beside a file, which will be replaced."""
    for suffix in (TBI, CSI):
        with suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")


def index_vcf(path: Path, kind: str) -> Path | None:
    """Writes the index of a whole, sorted VCF or BCF beside it.

    Args:
      path: the file, compressed with bgzip.
      kind: TBI or CSI.

    Returns:
      The index; None if htslib cannot index the file, for example since a line is not a record.

    Raises:
      EnformerVepError: it cannot be written.
    """
    index = Path(f"{path}{kind}")
    temporary = path.with_name(f".{index.name}.{os.getpid()}")
    verbosity = pysam.set_verbosity(0)  # htslib would also print what is reported here
    try:
        pysam.bcftools.index("--csi" if kind == CSI else "--tbi", "-o", str(temporary), str(path))
        os.replace(temporary, index)
    except pysam.SamtoolsError:
        return None
    except OSError as error:
        raise EnformerVepError(f"cannot write {index}: {cause(error)}") from error
    finally:
        pysam.set_verbosity(verbosity)
        with suppress(FileNotFoundError):
            temporary.unlink()
    return index
