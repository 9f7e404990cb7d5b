"""What INFO of a VCF may hold: keys, text in which nothing separates, and the header lines that declare fields."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, quote_from_bytes

_SAFE = "!#$&'()*+/:<>?@[]^`{}"
"""Besides letters, digits and _.-~: what neither separates fields, entries and subfields of INFO nor is a quotation."""

_NOT_IN_KEY = re.compile(r"[^0-9A-Za-z_.]")

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')

FieldType = Literal["String", "Float"]


def percent_encoded(text: str | bytes) -> str:
    """Returns text in which spaces, `; = , | % "` and everything beyond ASCII are written as VCF 4.3 says: %3B for ;.

    Bytes, and text of bytes that are not UTF-8 (surrogates), keep these bytes.
    """
    if isinstance(text, bytes):
        return quote_from_bytes(text, _SAFE)
    return quote(text, _SAFE, errors="surrogateescape")


def info_key(text: str) -> str:
    """Returns text as the key of a field of INFO: what a key may not have becomes '_'."""
    return _NOT_IN_KEY.sub("_", text)


def quoted(text: str) -> str:
    """Returns text as a value of a header line: one line, in quotation marks."""
    line = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{line}"'


def line_item(line: str, name: str) -> str | None:
    """Returns an item of a header line of items that has no quotation marks, such as its ID; None if it has none."""
    match = re.search(rf"[<,]{name}=([^,>]+)", _QUOTED.sub('""', line))
    return match[1] if match else None


def structured_line(key: str, items: Mapping[str, str]) -> str:
    """Returns a header line of items, `##key=<ID=value,Name="value">`; only the value of ID has no quotation marks."""
    texts = (f"{name}={value if name == 'ID' else quoted(value)}" for name, value in items.items())
    return f"##{key}=<{','.join(texts)}>"


@dataclass(frozen=True)
class InfoField:
    """A field of INFO with one value for each ALT allele.

    Attributes:
      key: its key.
      type: the type of its values.
      description: what it says.
    """

    key: str
    type: FieldType
    description: str

    def declaration(self, source: str, version: str) -> str:
        """Returns the header line that declares it, with the program that writes it."""
        return (
            f"##INFO=<ID={self.key},Number=A,Type={self.type},Description={quoted(self.description)},"
            f"Source={quoted(source)},Version={quoted(version)}>"
        )
