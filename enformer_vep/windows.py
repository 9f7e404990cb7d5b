"""Where a variant's window lies: the placement policies."""

from dataclasses import dataclass

from enformer_vep.geometry import Geometry
from enformer_vep.variant import Interval, Variant

CENTRED = "centred"
"""The official placement: the first REF base at L/2 - 1."""


@dataclass(frozen=True)
class Window:
    """The model's input around a variant.

    Attributes:
      interval: the reference window on the genome; the contig is named as in the FASTA.
      offset_bp: where the variant's first REF base stands in it.
    """

    interval: Interval
    offset_bp: int


def centred_window(variant: Variant, contig: str, geometry: Geometry) -> Window:
    """Returns the official window of a variant, which may reach beyond the contig's ends.

    Args:
      variant: the allele.
      contig: the variant's contig as the FASTA names it.
      geometry: the model's lengths.
    """
    start = variant.start - geometry.variant_offset_bp
    return Window(Interval(contig, start, start + geometry.sequence_length_bp), geometry.variant_offset_bp)


def max_allele_bp(geometry: Geometry) -> int:
    """Returns the longest REF or ALT that a centred window has room for (98,305 bp officially)."""
    return geometry.sequence_length_bp - geometry.variant_offset_bp
