"""Recognises gzip and bgzip, and writes bgzip, the gzip of many small blocks that tabix can index."""

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

GZIP_MAGIC = b"\x1f\x8b"

END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty bgzip block that ends a complete file."""

BLOCK_HEADER_BYTES = 18
MAX_BLOCK_BYTES = 1 << 16
"""A bgzip block never holds more, inflated or not."""

BLOCK_BYTES = 0xFF00
"""Bytes of text in a block, as in bgzip: even text that cannot be compressed then fits the 64 KiB of a block."""

LEVEL = 6
"""Compression level, as in bgzip: level 9 takes a third longer for 0.2% fewer bytes of scores."""

_HEADER = struct.Struct("<12sBBHH")  # gzip's own, then an extra field "BC" of 2 bytes: the block's length less 1
_GZIP = END_BLOCK[:12]
_TRAILER = struct.Struct("<II")
_RAW_WBITS = -15


def is_block(data: bytes) -> bool:
    """Returns whether data begin with the header of a bgzip block: gzip whose only extra field is BC, of 2 bytes."""
    return (
        len(data) >= BLOCK_HEADER_BYTES
        and data.startswith(GZIP_MAGIC)
        and bool(data[3] & 4)
        and data[12:16] == b"BC\x02\x00"
    )


def is_whole(path: Path) -> bool:
    """Returns whether a file is bgzip and ends as a complete one does. What is between is not read."""
    with path.open("rb") as file:
        if not is_block(file.read(BLOCK_HEADER_BYTES)):
            return False
        file.seek(-min(len(END_BLOCK), path.stat().st_size), os.SEEK_END)
        return file.read() == END_BLOCK


def to_block(content: bytes) -> bytes:
    """Compresses at most `BLOCK_BYTES` to one block."""
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW_WBITS)
    deflated = deflater.compress(content) + deflater.flush()
    length = _HEADER.size + len(deflated) + _TRAILER.size
    header = _HEADER.pack(_GZIP, ord("B"), ord("C"), 2, length - 1)
    return header + deflated + _TRAILER.pack(zlib.crc32(content), len(content))


class BgzipWriter:
    """Compresses what is written to it. The bytes do not depend on how the content is divided into writes.

    pysam's writer is not used, since it does not take a stream, loses the reason for a failure and prints htslib's
    messages. `close` writes the rest and the last block; the underlying stream stays open.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting = bytearray()

    def write(self, content: bytes, /) -> int:
        """Adds bytes; full blocks go to the stream."""
        self._waiting += content
        while len(self._waiting) >= BLOCK_BYTES:
            self._stream.write(to_block(bytes(self._waiting[:BLOCK_BYTES])))
            del self._waiting[:BLOCK_BYTES]
        return len(content)

    def close(self) -> None:
        """Ends the file."""
        if self._waiting:
            self._stream.write(to_block(bytes(self._waiting)))
        self._stream.write(END_BLOCK)
