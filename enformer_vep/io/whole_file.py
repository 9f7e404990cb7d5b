"""Writes single files that appear only when they are whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.wording import cause, option


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Checks that a file can be written, and writes nothing.

    Raises:
      OutputError: the folder is missing or cannot be written, or the file exists and must not be replaced.
    """
    if not path.parent.is_dir():
        raise OutputError(f"the output folder {path.parent} does not exist: create it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to the output folder {path.parent}: permission denied")
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
