"""Reads the index of a TensorFlow checkpoint: each tensor's shape, type, place and stored checksum.

TensorFlow's own reader does not expose the checksums, which identify the weights without reading them. The index is a
sorted string table: blocks of prefix-compressed keys, each block with a checksum, whose values are protobuf messages.
Source: tensorflow/core/lib/io/table_format.txt and tensorflow/core/protobuf/tensor_bundle.proto.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from enformer_vep.errors import WeightsError
from enformer_vep.model.sources.source import masked_crc32c

FOOTER_BYTES = 48
TABLE_MAGIC = 0xDB4775248B80FB57
HEADER_KEY = b""
SLICE_MARK = b"\0"
"""What the key of a slice's values begins with; the tensor has an entry without values under its name."""

LITTLE_ENDIAN = 0

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "enformer_vep"

_MESSAGES = {
    "Dim": [("size", 1, _Field.TYPE_INT64)],
    "Shape": [("dim", 2, "Dim[]")],
    "Slice": [],
    "Entry": [
        ("dtype", 1, _Field.TYPE_INT32),
        ("shape", 2, "Shape"),
        ("shard_id", 3, _Field.TYPE_INT32),
        ("offset", 4, _Field.TYPE_INT64),
        ("size", 5, _Field.TYPE_INT64),
        ("crc32c", 6, _Field.TYPE_FIXED32),
        ("slices", 7, "Slice[]"),
    ],
    "Header": [("num_shards", 1, _Field.TYPE_INT32), ("endianness", 2, _Field.TYPE_INT32)],
}
"""The messages that an index is made of, declared here so that reading it needs no TensorFlow.

Only the fields that are read are declared; the parser skips others. Each message's fields: name, number, and a
type of protobuf's or one of these messages ('[]': repeated). Source also: tensorflow/core/framework/tensor_shape.proto.
"""

DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
"""TensorFlow's numbers of types that are likely to be met."""


def _declare() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}/bundle.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        for name, number, kind in fields:
            is_repeated = isinstance(kind, str) and kind.endswith("[]")
            field = declared.field.add(name=name, number=number)
            field.label = _Field.LABEL_REPEATED if is_repeated else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind.removesuffix('[]')}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()  # one of its own: TensorFlow's messages are in the default one
    pool.Add(file)
    return {
        message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{message}"))
        for message in ("Entry", "Header")
    }


_CLASSES = _declare()
EntryMessage: Any = _CLASSES["Entry"]
HeaderMessage: Any = _CLASSES["Header"]


@dataclass(frozen=True)
class BundleEntry:
    """One tensor of a checkpoint.

    Attributes:
      shape: its shape.
      dtype: the name of its type.
      shard: number of the data file it is in.
      offset: where it begins there, in bytes.
      size: its length in bytes.
      masked_crc32c: the checksum that TensorFlow stored for it.
      is_sliced: whether its values are stored under other keys, in slices.
    """

    shape: tuple[int, ...]
    dtype: str
    shard: int
    offset: int
    size: int
    masked_crc32c: int
    is_sliced: bool


@dataclass(frozen=True)
class BundleIndex:
    """The index of a checkpoint: its tensors by key, and its number of data files."""

    entries: dict[str, BundleEntry]
    num_shards: int


def read_bundle_index(path: Path) -> BundleIndex:
    """Reads a checkpoint's index file.

    Args:
      path: the file PREFIX.index.

    Raises:
      WeightsError: it is not the index of a checkpoint, or it is cut short or damaged, or of a big-endian machine.
    """
    try:
        table = path.read_bytes()
        entries, header = {}, HeaderMessage(num_shards=1)
        for key, value in _table_items(table):
            if key == HEADER_KEY:
                header = HeaderMessage.FromString(value)
            elif not key.startswith(SLICE_MARK):
                entries[key.decode("utf-8")] = _entry(value)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from error
    except Exception as error:  # damaged bytes can make the parser raise anything
        raise WeightsError(
            f"{path} is not the index of a TensorFlow checkpoint, or is damaged: download it again"
        ) from error
    if header.endianness != LITTLE_ENDIAN:
        raise WeightsError(f"{path} was written on a big-endian machine: write it again on a common one")
    return BundleIndex(entries, header.num_shards)


def _entry(message: bytes) -> BundleEntry:
    entry = EntryMessage.FromString(message)
    return BundleEntry(
        shape=tuple(dim.size for dim in entry.shape.dim),
        dtype=DTYPES.get(entry.dtype, f"type {entry.dtype}"),
        shard=entry.shard_id,
        offset=entry.offset,
        size=entry.size,
        masked_crc32c=entry.crc32c,
        is_sliced=bool(entry.slices),
    )


def _table_items(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = table[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != TABLE_MAGIC:
        raise ValueError("no table footer")
    _, at = _block_handle(footer, 0)  # the metaindex, unused
    index_handle, _ = _block_handle(footer, at)
    for _, handle_bytes in _block_items(table, index_handle):
        handle, _ = _block_handle(handle_bytes, 0)
        yield from _block_items(table, handle)


def _block_items(table: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    offset, size = handle
    typed_block, stored_crc = table[offset : offset + size + 1], table[offset + size + 1 : offset + size + 5]
    block, compression = typed_block[:-1], typed_block[-1]
    if compression != 0:
        raise ValueError("a compressed block, which TensorFlow does not write in checkpoints")
    if masked_crc32c(typed_block) != struct.unpack("<I", stored_crc)[0]:
        raise ValueError("a block with another checksum")
    (num_restarts,) = struct.unpack("<I", block[-4:])
    end = size - 4 * (num_restarts + 1)
    at, key = 0, b""
    while at < end:
        num_shared, at = _varint(block, at)
        num_own, at = _varint(block, at)
        num_value, at = _varint(block, at)
        key = key[:num_shared] + block[at : at + num_own]
        at += num_own
        yield key, block[at : at + num_value]
        at += num_value


def _block_handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
