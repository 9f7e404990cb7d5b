"""The rows of a VCF: one for every ALT allele of every record."""

from typing import NamedTuple

from enformer_vep.genome.variant import MISSING, Variant


class AlleleFields(NamedTuple):
    """What identifies an allele in every table that is written, with the columns' names, types and order."""

    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    record: int
    allele: int


class VcfAllele(NamedTuple):
    """A variant, and where in its file it stands.

    Attributes:
      variant: the variant.
      record: number of the record in the file, from 0.
      allele: number of the ALT in its record, from 1.
      id: the record's ID, '.' if it has none.
      malformed: why the line is not a VCF record; `variant` and `id` then hold what could be read. Empty if it is one.
    """

    variant: Variant
    record: int
    allele: int
    id: str = MISSING
    malformed: str = ""

    def __str__(self) -> str:
        return str(self.variant)

    @property
    def fields(self) -> AlleleFields:
        """The allele as it is written."""
        variant = self.variant
        return AlleleFields(variant.chrom, variant.pos, self.id, variant.ref, variant.alt, self.record, self.allele)

    @classmethod
    def from_fields(cls, fields: AlleleFields) -> "VcfAllele":
        """Returns the allele with these fields, of a record that is not malformed."""
        variant = Variant(fields.chrom, fields.pos, fields.ref, fields.alt)
        return cls(variant, fields.record, fields.allele, fields.id)
