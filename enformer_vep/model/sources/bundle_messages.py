"""The two messages that a checkpoint's index is made of, declared here so that reading it needs no TensorFlow.

Only the fields that are read are declared; the parser skips others.
Source: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/framework/tensor_shape.proto and types.proto.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

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
"""Each message's fields: name, number, and a type of protobuf's or one of these messages ('[]': repeated)."""

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
