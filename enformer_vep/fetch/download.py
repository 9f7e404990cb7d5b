"""Downloads remote files into the cache's folder `downloads`, checked, and one process at a time."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock
import pooch

from enformer_vep.errors import FetchError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.remote import RemoteFile
from enformer_vep.fetch.transfer import Patience, Transfer, write_error
from enformer_vep.wording import cause


class ByteBar:
    """A progress bar that counts bytes. Used in a `with` block."""

    def __init__(self, name: str, *, is_quiet: bool) -> None:
        """Prepares a bar.

        Args:
          name: what is shown before it.
          is_quiet: whether nothing is shown, even on a terminal.
        """
        self._name = name
        self._is_shown = not is_quiet and sys.stderr.isatty()
        self._bar: Any = None

    def at(self, done: int, total: int | None) -> None:
        """Shows how many bytes are done, of how many."""
        if not self._is_shown:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self._name,
                total=total,
                initial=done,
                unit="B",
                unit_scale=True,
                dynamic_ncols=True,
                file=sys.stderr,
            )
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> "ByteBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Downloader:
    """Downloads files into a cache.

    Attributes:
      cache: the cache.
      mirror: a web folder that has the files under their places, None for where they are published.
      is_quiet: whether no progress is shown.
      patience: how long servers are waited for.
    """

    cache: Cache
    mirror: str | None = None
    is_quiet: bool = False
    patience: Patience = field(default_factory=Patience)

    def get(self, file: RemoteFile, checksum: str | None = None) -> Path:
        """Returns the path of a file in `downloads`, which is downloaded unless it is there.

        A file that was placed there by hand is taken if its checksum is right. Call this with the item's `locked`.

        Args:
          file: the file.
          checksum: 'sha256:...' or 'md5:...', None if the caller checks the file in another way.

        Raises:
          FetchError: it cannot be downloaded, or is another file.
        """
        target = self.cache.downloads / file.place
        if target.is_file():
            if checksum is None or (its_checksum := checksum_of(target, checksum)) == checksum:
                logger.info("%s was there before", target)
                return target
            logger.warning("%s is another file: expected %s, found %s; downloading it", target, checksum, its_checksum)
        self._make_folder(target.parent)
        url = file.at(self.mirror)
        with ByteBar(target.name, is_quiet=self.is_quiet) as bar:
            transfer = Transfer(target, bar, self.patience, file.room)
            try:
                self._retrieve(url, target, checksum, transfer)
            except OtherFileError as error:
                if not transfer.is_resumed:
                    raise
                logger.info("%s: what an earlier attempt had left does not fit: starting over", error)
                self._retrieve(url, target, checksum, transfer)
        transfer.discard()
        return target

    def _retrieve(self, url: str, target: Path, checksum: str | None, transfer: Transfer) -> None:
        logger.info("downloading %s", url)
        pooch.get_logger().setLevel("WARNING")  # it would tell the same in other words
        try:
            pooch.retrieve(url, checksum, fname=target.name, path=target.parent, downloader=transfer)
        except FetchError:
            raise
        except OSError as error:
            raise write_error(target, error) from error
        except ValueError as error:  # of which FetchError is one
            its_checksum = checksum_of(transfer.part, checksum) if checksum and transfer.part.is_file() else "another"
            transfer.discard()
            raise OtherFileError(
                f"{url} is not the file that was expected: its checksum should be {checksum}, and is {its_checksum}; "
                "nothing of it was kept"
            ) from error

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob("tmp*"):  # pooch's, when it was killed
                left.unlink()
        except OSError as error:
            raise FetchError(f"cannot write to {folder}: {cause(error)}; choose another folder with --cache") from error


class OtherFileError(FetchError):
    """A whole file has another checksum."""


def checksum_of(path: Path, like: str) -> str:
    """Returns a file's checksum of the kind that another one has."""
    kind = like.split(":")[0]
    return f"{kind}:{pooch.file_hash(str(path), alg=kind)}"


@contextmanager
def locked(cache: Cache, name: str) -> Iterator[None]:
    """Keeps other processes from fetching the same thing; waits until none does.

    Raises:
      FetchError: the cache cannot be written.
    """
    path = cache.lock(name)
    lock = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it locks by a file's existence where the file system has no locks
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                logger.info("waiting: another process is fetching %s", name)
                lock.acquire()
    except NotImplementedError:
        logger.warning("this file system has no locks: make sure that no other process fetches %s", name)
    except OSError as error:
        raise FetchError(
            f"cannot write to {path.parent}: {cause(error)}; choose another folder with --cache"
        ) from error
    try:
        yield
    finally:
        lock.release(force=True)
