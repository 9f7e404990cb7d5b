"""The texts of annotations, made of Arrow's columns for many alleles at a time."""

from collections.abc import Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from enformer_vep.io.vcf.info_fields import InfoField, info_key, percent_encoded

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
    found: dict[str, InfoField] = {}
    for identifier, description in zip(identifiers, descriptions, strict=True):
        first = key = info_key(f"{prefix}_{statistic}_{identifier}")
        number = 1
        while key in found:
            number += 1
            key = f"{first}_{number}"
        found[key] = InfoField(
            key, "Float", f"Enformer's {statistic} of each ALT allele on {identifier}: {description}"
        )
    return list(found.values())
