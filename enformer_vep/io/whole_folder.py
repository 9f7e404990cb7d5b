"""Writes folders that appear only when they are whole."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.wording import cause, option


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
    if not path.parent.is_dir():
        raise OutputError(f"the output folder {path.parent} does not exist: create it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to the output folder {path.parent}: permission denied")
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
        made = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            yield made
            mask = os.umask(0)
            os.umask(mask)
            made.chmod(0o777 & ~mask)
            flush_folder(made)
            _put_in_place(made, path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    except OSError as error:
        raise EnformerVepError(f"cannot write {path}: {cause(error)}") from error


def flush_folder(folder: Path) -> None:
    """Waits until all files of a folder are on the disk."""
    for file in filter(Path.is_file, folder.rglob("*")):
        with file.open("rb") as written:
            os.fsync(written.fileno())


def _put_in_place(made: Path, path: Path) -> None:
    if not path.exists():
        made.rename(path)
        return
    earlier = Path(
        tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old.")
    )  # an empty folder can be renamed over
    try:
        path.rename(earlier)
        made.rename(path)
    except BaseException:  # among them a signal to stop
        if not path.exists():
            earlier.rename(path)
        raise
    finally:
        shutil.rmtree(earlier, ignore_errors=True)
