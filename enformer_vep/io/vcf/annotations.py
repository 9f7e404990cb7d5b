"""The annotations of a VCF: fields of INFO, and their values for one allele after another."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import quote, quote_from_bytes

import pyarrow as pa
import pyarrow.compute

from enformer_vep.errors import InputError
from enformer_vep.wording import plural, shortened

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
      description: its description in the header.
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


SCORED = "scored"
"""The status of an allele that has scores. That of another one is why it was skipped."""

SEPARATOR = "|"

MISSING_VALUE = b"."

PLACE_COLUMNS = ("chrom", "pos", "ref", "alt")

_FIRST_SUBFIELDS = ("STATUS", "GENE")
_GROUP_SUBFIELDS = ("TRACK", "SCORE", "PERCENTILE")
_LAST_SUBFIELD = "Consequence"
"""Always empty: `bcftools +split-vep` refuses a field that has no subfield of this name."""


def subfields(groups: Sequence[str]) -> list[str]:
    """Names the subfields of an entry of ENFORMER, for groups of tracks such as CHIP:TF."""
    of_groups = [f"{group.replace(':', '_')}_{name}" for group in groups for name in _GROUP_SUBFIELDS]
    return [*_FIRST_SUBFIELDS, *of_groups, _LAST_SUBFIELD]


def skipped_entry(reason: bytes, groups: Sequence[str]) -> bytes:
    """Returns the entry of an allele that was skipped."""
    return reason + SEPARATOR.encode() * (len(subfields(groups)) - 1)


def scored_entries(num_alleles: int, genes: pa.Array | None, groups: Sequence[tuple[pa.Array, Any, Any]]) -> pa.Array:
    """Joins the entries of alleles that have scores.

    Args:
      num_alleles: how many there are.
      genes: encoded names of genes, None if there are none.
      groups: of each group its strongest tracks' encoded identifiers, and float32 [alleles] of their scores and of
        their percentiles; None if there are none.

    Returns:
      The entries as text.
    """
    nothing = pa.repeat("", num_alleles)
    columns = [pa.repeat(SCORED, num_alleles), nothing if genes is None else genes]
    for tracks, scores, percentiles in groups:
        columns += [tracks, numbers(scores), nothing if percentiles is None else numbers(percentiles)]
    return pyarrow.compute.binary_join_element_wise(*columns, nothing, SEPARATOR)


def places(columns: Sequence[pa.Array]) -> pa.Array:
    """Joins CHROM, POS, REF and ALT with tabs, as bytes."""
    texts = [column.cast(pa.string()) if pa.types.is_integer(column.type) else column for column in columns]
    return pyarrow.compute.binary_join_element_wise(*(text.cast(pa.binary()) for text in texts), b"\t")


def numbers(values: Any) -> pa.Array:
    """Writes float32s with the fewest digits from which they can be restored, and NaN as an empty text."""
    floats = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values
    column = pa.array(floats, pa.float32(), from_pandas=True)
    return column.cast(pa.string()).fill_null("")


def encoded(texts: pa.Array) -> pa.Array:
    """Percent-encodes texts, of which many are the same; those that are missing become empty."""
    by_value = texts.dictionary_encode()
    names = pa.array([percent_encoded(value) for value in by_value.dictionary.to_pylist()], pa.string())
    return names.take(by_value.indices).fill_null("")


def track_values(scores: Any) -> list[bytes]:
    """Writes the scores of a track, float32 [alleles], as values of a field of its own."""
    texts = numbers(scores).cast(pa.binary()).to_pylist()
    return cast("list[bytes]", [text or MISSING_VALUE for text in texts])


def track_fields(
    statistic: str, identifiers: Sequence[str], descriptions: Sequence[str], prefix: str
) -> list[InfoField]:
    """Declares a field for each of some tracks; what would have the key of another one gets a number at its end."""
    fields: dict[str, InfoField] = {}
    for identifier, description in zip(identifiers, descriptions, strict=True):
        first = key = info_key(f"{prefix}_{statistic}_{identifier}")
        number = 1
        while key in fields:
            number += 1
            key = f"{first}_{number}"
        fields[key] = InfoField(
            key, "Float", f"Enformer's {statistic} of each ALT allele on {identifier}: {description}"
        )
    return list(fields.values())


SOURCE = "enformer-vep"
"""By which the header's declarations of fields are known as ours."""

ABOUT_KEY = "enformer_vep"
"""The key of the header line that says what a VCF was annotated with."""

ENFORMER = "ENFORMER"

_INFO_LINE = "##INFO=<"
_OUR_SOURCE = f'Source="{SOURCE}"'

_NO_ALT = (b".", b"")
_ADVICE = "annotate the VCF that was scored"


class Annotation(NamedTuple):
    """The values of one allele.

    Attributes:
      record: number of its record, from 0.
      allele: number of the ALT in it, from 1.
      place: CHROM, POS, REF and ALT with tabs between; empty for a line that is not a record.
      values: of each field, its value as text.
    """

    record: int
    allele: int
    place: bytes
    values: tuple[bytes, ...]


_END = Annotation(1 << 62, 0, b"", ())


@dataclass(frozen=True)
class Declarations:
    """The fields that are written, and what else the header says of them.

    Attributes:
      fields: the fields; those of an earlier annotation are replaced.
      about: the line that says what the VCF is annotated with.
      version: of this program.
    """

    fields: tuple[InfoField, ...]
    about: str
    version: str

    @property
    def lines(self) -> list[str]:
        """The header lines."""
        return [self.about, *(field.declaration(SOURCE, self.version) for field in self.fields)]

    def replaced_key(self, line: str) -> str | None:
        """Returns the key of the field that a header line declares, if it is ours or one that is written now."""
        key = line_item(line, "ID") if line.startswith(_INFO_LINE) else None
        if key is None:
            return None
        is_ours = key == ENFORMER or (key.startswith(ENFORMER) and _OUR_SOURCE in line)
        return key if is_ours or any(field.key == key for field in self.fields) else None


class Annotations:
    """The annotations of a VCF, taken record by record."""

    def __init__(self, alleles: Iterator[Annotation], *, is_complete: bool, name: str) -> None:
        """Reads annotations in the order of the VCF.

        Args:
          alleles: the annotations.
          is_complete: whether there must be some for every record; otherwise whole records may lack them.
          name: where they come from, for messages.
        """
        self._alleles = alleles
        self._is_complete = is_complete
        self._name = name
        self._next = next(alleles, _END)
        self.num_alleles = 0

    def of_record(self, record: int, fields: Sequence[bytes]) -> list[Annotation]:
        """Returns the annotations of the next record.

        Args:
          record: the record's number, from 0.
          fields: its columns, the first five at least unless it is malformed.

        Returns:
          One for each ALT allele; none if the record has no ALT, is not a record, or was not selected.

        Raises:
          InputError: the annotations are those of other alleles, or too few.
        """
        of_record: list[Annotation] = []
        while self._next.record == record:
            of_record.append(self._next)
            self._next = next(self._alleles, _END)
        if self._next.record <= record:
            raise InputError(f"{self._name} is not in the order of its VCF: use it as it was written")
        self.num_alleles += len(of_record)
        if not of_record:
            if self._is_complete:
                raise InputError(f"{self._name} has no row for record {record + 1:,} of the VCF: {_ADVICE}")
            return of_record
        if not of_record[0].place:  # a malformed line
            return []
        alts = [] if len(fields) < 5 else fields[4].split(b",")
        if len(of_record) != len(alts):
            raise InputError(
                f"{self._name} has {plural(len(of_record), 'allele')} of record {record + 1:,}, and the VCF has "
                f"{len(alts)}: {_ADVICE}"
            )
        for number, (annotation, alt) in enumerate(zip(of_record, alts, strict=True), start=1):
            place = b"\t".join((fields[0], fields[1], fields[3], alt))
            if annotation.allele != number or (annotation.place != place and not _are_same(annotation.place, place)):
                raise InputError(
                    f"{self._name} has {_shown(annotation.place)} as allele {annotation.allele} of record "
                    f"{record + 1:,}, and the VCF has {_shown(place)}: {_ADVICE}"
                )
        return [] if fields[4] in _NO_ALT else of_record

    def check_end(self, num_records: int) -> None:
        """Checks that nothing is left after the last record.

        Raises:
          InputError: something is.
        """
        if self._next is not _END:
            raise InputError(
                f"{self._name} has rows for record {self._next.record + 1:,}, and the VCF has "
                f"{plural(num_records, 'record')}: {_ADVICE}"
            )


def _are_same(first: bytes, second: bytes) -> bool:
    """Compares places whose text differs: Parquet has no bytes that are not UTF-8, and POS may begin with zeros."""
    return _normalized(first) == _normalized(second)


def _normalized(place: bytes) -> tuple[str, ...]:
    chrom, pos, *alleles = place.decode("utf-8", "replace").split("\t")
    return chrom, pos.lstrip("0"), *alleles


def _shown(place: bytes) -> str:
    return shortened(place.decode("utf-8", "replace").replace("\t", " "))
