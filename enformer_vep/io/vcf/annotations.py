"""What a VCF is annotated with: fields of INFO, and their values for one allele after another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from enformer_vep.errors import InputError
from enformer_vep.io.vcf.info_fields import InfoField, line_item
from enformer_vep.wording import plural, shortened

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
        """Takes annotations in the order of the VCF.

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
        """Takes the annotations of the next record.

        Args:
          record: the record's number, from 0.
          fields: its columns, the first five at least unless it is malformed.

        Returns:
          One for each ALT allele; none if the record has no ALT, is not a record, or was not selected.

        Raises:
          InputError: the annotations are those of other alleles, or too few.
        """
        found: list[Annotation] = []
        while self._next.record == record:
            found.append(self._next)
            self._next = next(self._alleles, _END)
        if self._next.record <= record:
            raise InputError(f"{self._name} is not in the order of its VCF: use it as it was written")
        self.num_alleles += len(found)
        if not found:
            if self._is_complete:
                raise InputError(f"{self._name} has no row for record {record + 1:,} of the VCF: {_ADVICE}")
            return found
        if not found[0].place:  # a malformed line
            return []
        alts = [] if len(fields) < 5 else fields[4].split(b",")
        if len(found) != len(alts):
            raise InputError(
                f"{self._name} has {plural(len(found), 'allele')} of record {record + 1:,}, and the VCF has "
                f"{len(alts)}: {_ADVICE}"
            )
        for number, (annotation, alt) in enumerate(zip(found, alts, strict=True), start=1):
            place = b"\t".join((fields[0], fields[1], fields[3], alt))
            if annotation.allele != number or (annotation.place != place and not _are_same(annotation.place, place)):
                raise InputError(
                    f"{self._name} has {_shown(annotation.place)} as allele {annotation.allele} of record "
                    f"{record + 1:,}, and the VCF has {_shown(place)}: {_ADVICE}"
                )
        return [] if fields[4] in _NO_ALT else found

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
