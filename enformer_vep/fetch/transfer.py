"""Downloads one file over HTTP, and goes on where an earlier attempt broke off.

pooch's own downloader starts over after every failure; this one can take its place. What has arrived lies in NAME.part;
beside it, NAME.part.json says which version of the file it is a piece of. The server is asked for the rest only of that
version (`Range` with `If-Range`, RFC 9110): if it has another one, or no ranges, it sends the whole file again.
"""

import errno
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import requests
import urllib3

from enformer_vep import __version__
from enformer_vep.errors import DiskFullError, FetchError, TransferError, UnreachableError
from enformer_vep.wording import cause, sized


def validator(response: requests.Response) -> str:
    """Returns what identifies the version of a file in If-Range, which takes no weak tags; '' if nothing does."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def length(response: requests.Response) -> int | None:
    """Returns how many bytes the answer's body has, None if it does not say."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def content_range(response: requests.Response) -> tuple[int, int | None]:
    """Returns where a partial answer begins, and the file's whole length."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if match is None:
        return -1, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def whole_length(response: requests.Response) -> int | None:
    """Returns the file's length that an answer 416 gives."""
    match = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
    return None if match is None else int(match[1])


def plain_reason(error: Exception) -> str:
    """Returns the innermost reason of an error of requests, whose own text is long."""
    reason: Any = error.args[0] if error.args else error
    text = " ".join(str(getattr(reason, "reason", reason)).split())
    text = re.split(r"(?:\)|>): ", text, maxsplit=1)[-1]  # what comes before names an object
    return re.sub(r"\[Errno -?\d+\] ", "", text)


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    Attributes:
      attempts: failures in a row, counted from the last that brought something new, after which the download fails.
      connect_seconds: until a connection stands.
      stall_seconds: without a byte, until a connection counts as dead.
      pause_seconds: before the second attempt. It doubles from there, up to `longest_pause_seconds`.
      longest_pause_seconds: the longest pause.
      sleep: waits for a number of seconds.
    """

    attempts: int = 5
    connect_seconds: float = 20
    stall_seconds: float = 60
    pause_seconds: float = 1
    longest_pause_seconds: float = 30
    sleep: Callable[[float], None] = time.sleep

    def pause(self, num_failures: int) -> float:
        """Returns the seconds to wait after failures in a row."""
        return min(self.pause_seconds * 2.0 ** (num_failures - 1), self.longest_pause_seconds)


logger = logging.getLogger(__name__)

CHUNK_BYTES = 2**16
"""Bytes that a stalled connection can lose at most."""

_RETRIED = (408, 425, 429)
"""Answers 4xx that are a matter of time; so are all 5xx. The other 4xx are final."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Bar(Protocol):
    """Shows the progress of a download."""

    def at(self, done: int, total: int | None) -> None:
        """Shows how many bytes are there, of how many."""


@dataclass(frozen=True)
class _Version:
    """Which version of which file a partial download is a piece of."""

    url: str
    validator: str  # an ETag or a date, as If-Range takes it
    total: int | None

    def is_other_in(self, response: requests.Response) -> bool:
        """Whether a server ignored If-Range and sent a part of another version."""
        sent = [value for name in ("ETag", "Last-Modified") if (value := response.headers.get(name))]
        return bool(sent) and self.validator not in sent

    @classmethod
    def read(cls, path: Path) -> "_Version | None":
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


class _AttemptError(Exception):
    """An attempt that failed, and after which another may succeed."""


class _NoAnswerError(_AttemptError):
    """The server could not be reached."""


class Transfer:
    """Downloads a file to a place, through a partial file beside it. Can be given to pooch as its downloader."""

    def __init__(self, target: Path, bar: Bar, patience: Patience, room: float = 1.0) -> None:
        """Names the files.

        Args:
          target: the place that the file will have.
          bar: shows the progress.
          patience: how long the server is waited for.
          room: how many times the file's length must be free on the disk.
        """
        self.part = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._name = target.name
        self._bar = bar
        self._patience = patience
        self._room = room
        self._has_ranges = True
        self.is_resumed = False
        """Whether a piece of the file comes from an earlier process."""

    def __call__(self, url: str, output_file: str, pooch: Any = None) -> None:
        """Downloads to the partial file, and makes it available as `output_file`.

        The partial file stays until `discard`: a process that is killed while the checksum is computed loses nothing.

        Raises:
          FetchError: the server refuses, or sends too little again and again, or the disk is full.
        """
        self.download(url)
        with suppress(FileNotFoundError):
            os.unlink(output_file)
        try:
            os.link(self.part, output_file)
        except OSError:  # a file system without hard links
            os.replace(self.part, output_file)

    def discard(self) -> None:
        """Removes the partial file."""
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def download(self, url: str) -> None:
        """Downloads until the partial file is whole.

        Raises:
          FetchError: as `__call__`.
        """
        num_failures, has_answered, furthest = 0, False, self._have()
        self.is_resumed = furthest > 0
        while True:
            try:
                self._attempt(url)
                return
            except _AttemptError as error:
                reason = error
            has_answered |= not isinstance(reason, _NoAnswerError)
            have = self._have()
            num_failures = 1 if have > furthest else num_failures + 1
            furthest = max(have, furthest)
            if num_failures >= self._patience.attempts:
                break
            pause = self._patience.pause(num_failures)
            logger.info("%s: %s; trying again in %g s", self._name, reason, pause)
            self._patience.sleep(pause)
        if not has_answered:
            raise UnreachableError(f"{url} cannot be reached: {reason}")
        kept = f"; {sized(have)} are kept, and the same command continues from there" if self._can_continue() else ""
        raise TransferError(f"{url}: {reason}, {num_failures} times in a row{kept}")

    def _have(self) -> int:
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def _can_continue(self) -> bool:
        return self._have() > 0 and self._note.is_file()

    def _attempt(self, url: str) -> None:
        """Sends one request, and takes what comes."""
        version = _Version.read(self._note)
        have = self._have() if version is not None and version.url == url else 0
        if have and version is not None and have == version.total:
            return  # it was whole when an earlier process ended
        headers = {"User-Agent": f"enformer-vep/{__version__}", "Accept-Encoding": "identity"}
        if have and version is not None:
            headers |= {"Range": f"bytes={have}-", "If-Range": version.validator}
        with self._get(url, headers) as response:
            if response.status_code == 416 and have:
                if whole_length(response) == have:
                    return
                self.discard()
                raise _AttemptError("the server has less of the file than was received before: starting over")
            self._check_status(url, response)
            total = length(response)
            if response.status_code == 206:
                start, whole = content_range(response)
                if (
                    start != have
                    or version is None
                    or (version.total or whole) != whole
                    or version.is_other_in(response)
                ):
                    self.discard()
                    raise _AttemptError("the server sent another part of the file than was asked for: starting over")
                total = whole
                self._check_room(total, have)
            else:
                # It was asked for a part, and sent the whole of the same version: it knows no ranges.
                self._has_ranges &= not (have and version is not None and version.validator == validator(response))
                have = 0
                self.discard()
                self._check_room(total, have)
                self._note_version(_Version(url, validator(response), total), response)
            self._receive(response, have, total)

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        timeout = (self._patience.connect_seconds, self._patience.stall_seconds)
        try:
            return requests.get(url, headers=headers, stream=True, timeout=timeout)
        except requests.exceptions.TooManyRedirects as error:
            raise FetchError(f"{url}: {plain_reason(error)}") from error
        except requests.exceptions.SSLError as error:
            if "certificate" in str(error).lower():
                raise FetchError(f"{url}: {plain_reason(error)}") from error
            raise _AttemptError("the encrypted connection broke off") from error
        except (requests.exceptions.ReadTimeout, requests.exceptions.ChunkedEncodingError) as error:
            raise _AttemptError("the server accepts connections, but does not answer") from error
        except requests.exceptions.ConnectTimeout as error:
            raise _NoAnswerError(f"no connection within {self._patience.connect_seconds:g} s") from error
        except requests.exceptions.ConnectionError as error:
            if "Connection aborted" in str(error) or "reset" in str(error):
                raise _AttemptError("the server closed the connection") from error
            raise _NoAnswerError(plain_reason(error)) from error
        except (requests.exceptions.RequestException, ValueError, UnicodeError) as error:
            raise FetchError(f"{url} cannot be used as a URL: {cause(error)}") from error

    def _check_status(self, url: str, response: requests.Response) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        answer = f"the server answered {status} {response.reason or ''}".rstrip()
        if status >= 500 or status in _RETRIED:
            raise _AttemptError(answer)
        where = "" if response.url == url else f" for {response.url}, to which it led"
        raise FetchError(f"{url}: {answer}{where}: expected the file {self._name}; look at the address or the mirror")

    def _note_version(self, version: _Version, response: requests.Response) -> None:
        """Writes down which version of the file is received, if a part of it can be asked for later."""
        if version.validator and self._has_ranges and response.headers.get("Accept-Ranges", "") != "none":
            with _writing(self._note):
                self._note.write_text(json.dumps(asdict(version)), encoding="utf-8")

    def _check_room(self, total: int | None, have: int) -> None:
        if total is None:
            return
        needed = int(total * self._room) - have
        free = shutil.disk_usage(self.part.parent).free
        if free < needed:
            raise DiskFullError(
                f"{self.part.parent} has {sized(free)} free, but {self._name} needs {sized(needed)}: make room, or "
                "choose another folder with --cache"
            )

    def _receive(self, response: requests.Response, have: int, total: int | None) -> None:
        with _writing(self.part), self.part.open("ab" if have else "wb") as part:
            self._bar.at(have, total)
            try:
                while chunk := self._read(response, have, total):
                    part.write(chunk)
                    have += len(chunk)
                    self._bar.at(have, total)
            finally:
                part.flush()
            os.fsync(part.fileno())
        if total is not None and have != total:
            raise _AttemptError(_broken_off(have, total))

    def _read(self, response: requests.Response, have: int, total: int | None) -> bytes:
        """Reads bytes as they were sent: a .gz that a server calls an encoding must not be unpacked."""
        try:
            return bytes(response.raw.read(CHUNK_BYTES, decode_content=False))
        except urllib3.exceptions.ReadTimeoutError as error:
            raise _AttemptError(f"nothing came for {self._patience.stall_seconds:g} s") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _AttemptError(_broken_off(have, total)) from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns an error of the system into one line."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> FetchError:
    """Returns the error of a file that cannot be written."""
    if error.errno in _FULL:
        return DiskFullError(
            f"the disk is full: {path} cannot grow further and is kept; make room and give the same command again, or "
            "choose another folder with --cache"
        )
    return FetchError(f"cannot write {path}: {cause(error)}; choose another folder with --cache")


def _broken_off(have: int, total: int | None) -> str:
    return f"the connection broke off after {sized(have)}" + ("" if total is None else f" of {sized(total)}")
