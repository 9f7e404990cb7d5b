"""Files and folders that appear only when they are whole, and folders' names."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.genome.variant import Variant
from enformer_vep.wording import cause, option

MAX_ALLELE_LETTERS = 20
"""Of an allele that is written out; a longer one is named by its first letters and its length."""

NUM_LETTERS = 8
MAX_CONTIG_LETTERS = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9.+_-]")


def check_parent(path: Path) -> None:
    """Checks that the folder of an output can be written.

    Raises:
      OutputError: it is missing, or cannot be written.
    """
    if not path.parent.is_dir():
        raise OutputError(f"the output folder {path.parent} does not exist: create it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to the output folder {path.parent}: permission denied")


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Checks that a file can be written, and writes nothing.

    Raises:
      OutputError: the folder is missing or cannot be written, or the file exists and must not be replaced.
    """
    check_parent(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder: choose the name of a file")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists: choose another output, or use {option('--overwrite')}")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for writing, which is renamed to its name when the block ends; if it fails, nothing is left.

    Raises:
      EnformerVepError: the file cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                yield cast("BinaryIO", file)
                file.flush()
                os.fchmod(file.fileno(), 0o666 & ~_umask())
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise EnformerVepError(f"cannot write {path}: {cause(error)}") from error


def check_folder(path: Path, is_replaceable: Callable[[Path], bool], *, overwrite: bool) -> None:
    """Checks that a folder can be written, and writes nothing.

    Args:
      path: the folder, which need not exist.
      is_replaceable: whether an existing folder has only what an earlier run may have written.
      overwrite: whether it may be replaced then.

    Raises:
      OutputError: its parent is missing or cannot be written, or it exists and must not be replaced.
    """
    if path.name in ("", ".."):
        raise OutputError(f"{path} is a folder of other files: name a new folder")
    check_parent(path)
    if not path.exists() and not path.is_symlink():
        return
    if not overwrite:
        raise OutputError(f"{path} exists: choose another output, or use {option('--overwrite')}")
    if path.is_symlink() or not path.is_dir() or not is_replaceable(path):
        raise OutputError(f"{path} has other files than this command writes, and is not overwritten: name a new folder")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Makes a folder for the block to fill, which is renamed to its name when the block ends.

    A folder of this name is replaced. If the block fails, it stays as it was, and nothing is left of the new one.

    Yields:
      The folder under its temporary name, in the same parent.

    Raises:
      EnformerVepError: the folder cannot be written.
    """
    try:
        new = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            yield new
            new.chmod(0o777 & ~_umask())
            flush_folder(new)
            _put_in_place(new, path)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    except OSError as error:
        raise EnformerVepError(f"cannot write {path}: {cause(error)}") from error


def flush_folder(folder: Path) -> None:
    """Waits until all files of a folder are on the disk."""
    for file in filter(Path.is_file, folder.rglob("*")):
        with file.open("rb") as written:
            os.fsync(written.fileno())


def _put_in_place(new: Path, path: Path) -> None:
    if not path.exists():
        new.rename(path)
        return
    earlier = Path(
        tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old.")
    )  # an empty folder can be renamed over
    try:
        path.rename(earlier)
        new.rename(path)
    except BaseException:  # among them a signal to stop
        if not path.exists():
            earlier.rename(path)
        raise
    finally:
        shutil.rmtree(earlier, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class FolderNames:
    """Gives each variant a name of its own, such as chr1_12345_A_G, also where upper and lower case are the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, variant: Variant) -> str:
        """Returns the name of the next variant; the same variant has another one the next time."""
        contig = _UNSAFE.sub("-", variant.chrom)[:MAX_CONTIG_LETTERS].lstrip(".") or "-"
        plain = "_".join([contig, str(variant.pos), _allele(variant.ref), _allele(variant.alt)])
        name, number = plain, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{plain}_{number}"
        self._taken.add(name.lower())
        return name


def _allele(bases: str) -> str:
    bases = bases.upper()
    return _UNSAFE.sub("-", bases if len(bases) <= MAX_ALLELE_LETTERS else f"{bases[:NUM_LETTERS]}-{len(bases)}bp")
