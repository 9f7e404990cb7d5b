"""The policies for alleles that change the length."""

from enum import Enum


class IndelPolicy(Enum):
    """Which sequences an allele that changes the length is compared in; docs/indels.md explains each."""

    LEFT = "left"
    AVERAGE = "average"
    STITCH = "stitch"
    TOWER = "tower"


DEFAULT_INDEL_POLICY = IndelPolicy.TOWER
"""docs/indels.md has the figures that it was chosen by."""
