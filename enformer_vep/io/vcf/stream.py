"""The bytes of a VCF as lines: plain text, gzip and bgzip, recognised by content and read once, as a stream.

htslib is not used for text because it refuses gzip that is not bgzip, which is common. Damage has to be found here: a
reader that takes a truncated file for a complete one silently loses variants.
"""

import itertools
import os
import shutil
import stat
import zlib
from collections.abc import Iterator
from typing import IO

from enformer_vep.errors import DamagedVcfError, VcfError
from enformer_vep.io.bgzip import BLOCK_HEADER_BYTES, END_BLOCK, GZIP_MAGIC, MAX_BLOCK_BYTES, is_block
from enformer_vep.wording import cause

_EXPECTED = "expected a VCF, plain or compressed with gzip or bgzip, or a BCF"
_READ_BYTES = 1 << 16
_INFLATE_BYTES = 1 << 18
_MAX_LINE_BYTES = 1 << 30  # so that no file can fill the memory
_GZIP_WBITS = 31


class VcfStream:
    """A file that is read once, as lines.

    Attributes:
      name: the file's name in messages.
      is_regular: whether it can be read again and from any position, unlike a pipe.
      is_bgzip: whether it is compressed with bgzip.
      start: its first bytes, inflated; empty for an empty file, or if nothing can be inflated.
    """

    def __init__(self, path: str, name: str) -> None:
        """Opens a file.

        Args:
          path: the file, which may be a pipe.
          name: its name in messages.

        Raises:
          VcfError: it cannot be opened.
        """
        self.name = name
        try:
            self._file: IO[bytes] = open(path, "rb")  # noqa: SIM115
        except FileNotFoundError as error:
            raise VcfError(f"no such file: {name}: {_EXPECTED}") from error
        except IsADirectoryError as error:
            raise VcfError(f"{name} is a folder: {_EXPECTED}") from error
        except PermissionError as error:
            raise VcfError(f"{name} cannot be read: permission denied") from error
        except (OSError, ValueError) as error:  # a name that is too long, or holds a zero byte
            raise VcfError(f"{name!r} cannot be opened: {cause(error)}: {_EXPECTED}") from error
        self.is_regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        self._num_read = 0
        try:
            self._raw_start = self._read()
        except VcfError:
            self.close()
            raise
        self._is_gzip = self._raw_start.startswith(GZIP_MAGIC)
        self.is_bgzip = is_block(self._raw_start)
        self.start = _inflate_start(self._raw_start) if self._is_gzip else self._raw_start

    def lines(self) -> Iterator[bytes]:
        r"""Yields every line without its end, which is LF or CR LF, or missing in the last; call it once.

        Raises:
          DamagedVcfError: the file is cut short or damaged; the lines before that place have been yielded.
        """
        return self._split(self.chunks())

    def raw_lines(self) -> Iterator[bytes]:
        """Yields every line with its end, so that together they are all bytes of the file; call it once.

        Raises:
          DamagedVcfError: as `lines`.
        """
        return self._split(self.chunks(), keep_ends=True)

    def chunks(self) -> Iterator[bytes]:
        """Yields the inflated bytes in pieces of any size; call it once.

        Raises:
          DamagedVcfError: as `lines`.
        """
        if self._is_gzip:
            return self._inflate(self._raw_start)
        return itertools.chain([self._raw_start], iter(self._read, b""))

    def lines_from(self, virtual_offset: int) -> Iterator[bytes]:
        """Yields the lines from a place in a bgzipped file on, whatever was read before.

        Args:
          virtual_offset: the block's place in the file times 65,536, plus the place in the inflated block.

        Raises:
          DamagedVcfError: no line begins there, or the file is damaged.
        """
        place, skip = divmod(virtual_offset, MAX_BLOCK_BYTES)
        self._num_read = min(place, os.fstat(self._file.fileno()).st_size)
        self._file.seek(self._num_read)
        blocks = self._inflate(b"")
        first = next(blocks, b"")
        if skip > len(first) or (skip and first[skip - 1 : skip] != b"\n"):
            raise DamagedVcfError(f"{self.name}: no line begins at {virtual_offset:#x}, although its index says so")
        return self._split(itertools.chain([first[skip:]], blocks))

    def has_end_block(self) -> bool:
        """Returns whether a regular file ends with bgzip's last block; the reading position is kept."""
        place = self._file.tell()
        self._file.seek(max(0, self._file.seek(0, os.SEEK_END) - len(END_BLOCK)))
        end = self._file.read()
        self._file.seek(place)
        return end == END_BLOCK

    def copy_to(self, target: IO[bytes]) -> None:
        """Copies the file unchanged, instead of reading its lines."""
        target.write(self._raw_start)
        shutil.copyfileobj(self._file, target)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _read(self) -> bytes:
        try:
            data = self._file.read(_READ_BYTES)
        except OSError as error:
            raise DamagedVcfError(f"{self.name} cannot be read at byte {self._num_read}: {cause(error)}") from error
        self._num_read += len(data)
        return data

    def _split(self, chunks: Iterator[bytes], *, keep_ends: bool = False) -> Iterator[bytes]:
        begun: list[bytes] = []  # pieces of a line that continues in the next chunk
        num_begun = 0
        has_returns = False
        for chunk in chunks:
            has_returns = has_returns or b"\r" in chunk
            lines = chunk.split(b"\n")
            rest = lines.pop()
            if lines:
                if begun:
                    lines[0] = b"".join([*begun, lines[0]])
                    begun, num_begun = [], 0
                if keep_ends:
                    lines = [line + b"\n" for line in lines]
                elif has_returns:
                    lines = [line.rstrip(b"\r") for line in lines]
                yield from lines
            if rest:
                begun.append(rest)
                num_begun += len(rest)
                if num_begun > _MAX_LINE_BYTES:
                    raise DamagedVcfError(
                        f"{self.name} has a line longer than {_MAX_LINE_BYTES} bytes: check that it is a VCF"
                    )
        if begun:
            rest = b"".join(begun)
            yield rest if keep_ends else rest.rstrip(b"\r")

    def _inflate(self, buffer: bytes) -> Iterator[bytes]:
        """Inflates member after member; a bgzip block is checked before any of it is yielded."""
        member_is_block = False
        size = 0
        while True:
            if len(buffer) < BLOCK_HEADER_BYTES:
                buffer += self._read()
            if not buffer:
                break
            place = self._num_read - len(buffer)
            if not buffer.startswith(GZIP_MAGIC):
                if GZIP_MAGIC.startswith(buffer):
                    raise self._cut()
                raise DamagedVcfError(
                    f"{self.name} does not end with its compressed data: bytes that are not gzip follow at byte "
                    f"{place}; copy it again, or remove these bytes"
                )
            member_is_block = is_block(buffer)
            inflater = zlib.decompressobj(_GZIP_WBITS)
            held: list[bytes] = []
            size = 0
            while not inflater.eof:
                buffer = buffer or self._read()
                at_end = not buffer
                try:
                    data = inflater.decompress(buffer, _INFLATE_BYTES)
                except zlib.error as error:
                    raise DamagedVcfError(
                        f"{self.name} is damaged: the compressed data that begin at byte {place} cannot be inflated "
                        f"({error}); copy it again"
                    ) from error
                buffer = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                if at_end and not data and not inflater.eof:
                    raise self._cut()
                size += len(data)
                if member_is_block:
                    held.append(data)
                    if size > MAX_BLOCK_BYTES:
                        raise DamagedVcfError(
                            f"{self.name} is damaged: the bgzip block at byte {place} holds more than "
                            f"{MAX_BLOCK_BYTES} bytes; copy it again"
                        )
                elif data:
                    yield data
            if member_is_block:
                yield b"".join(held)
        if member_is_block and size:
            raise DamagedVcfError(
                f"{self.name} is cut short: it ends without bgzip's empty last block; copy it again, or if you know "
                "that it is complete, run 'gunzip' on it and score the result"
            )

    def _cut(self) -> DamagedVcfError:
        return DamagedVcfError(
            f"{self.name} is cut short: its compressed data are incomplete and stop at byte {self._num_read}; "
            "copy it again"
        )


def _inflate_start(raw: bytes) -> bytes:
    """Inflates as much as possible of a file's first bytes; errors are reported when the file is read."""
    while raw.startswith(GZIP_MAGIC):
        inflater = zlib.decompressobj(_GZIP_WBITS)
        try:
            data = inflater.decompress(raw, MAX_BLOCK_BYTES)
        except zlib.error:
            return b""
        if data:
            return data
        raw = inflater.unused_data
    return b""
