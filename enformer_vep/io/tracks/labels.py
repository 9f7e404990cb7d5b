"""What a track measures: assay, target and biosample, read from the descriptions of the published track tables.

A description is ASSAY:BIOSAMPLE or CHIP:TARGET:BIOSAMPLE. Tracks from GEO have 'TITLE / SOURCE / CELL TYPE' for a
biosample, with '.' for what is missing, and some have no target, or the antibody's maker in its place; the title then
names the target, if anything does.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

DNASE, ATAC, CHIP, CAGE = ASSAYS = ("DNASE", "ATAC", "CHIP", "CAGE")

CHIP_HISTONE = "CHIP:HISTONE"
CHIP_TF = "CHIP:TF"
OTHER = "OTHER"
GROUPS = (DNASE, ATAC, CHIP_HISTONE, CHIP_TF, CAGE, OTHER)

HISTONE_MARKS = frozenset(
    (
        "H2AFZ",
        "H2AZ",
        "H3K4ME1",
        "H3K4ME2",
        "H3K4ME3",
        "H3K9AC",
        "H3K9ME1",
        "H3K9ME2",
        "H3K9ME3",
        "H3K14AC",
        "H3K27AC",
        "H3K27ME3",
        "H3K36ME3",
        "H3K79ME2",
        "H4K20ME1",
    )
)
"""The targets of CHIP:HISTONE, in upper case: the marks by which Chorus (chorus/analysis/scorers.py) tells histone
tracks from others, 1,890 in the published human head. CHIP:TF is every other ChIP track: besides factors, those of
polymerases and controls, and 111 of rarer marks (H2BK12ac, H4K8ac ...), of H3F3A and of H3 itself."""

_NO_TARGETS = frozenset({".", "abcam", "active", "RNA"})
"""What stands in the target's place where the published tables have none: a gap, or a word of the antibody's name."""

_TITLES = tuple(
    re.compile(pattern)
    for pattern in (
        r"batch\d+_chrom1_LoVo_(.+)_(?:Goat|Mouse|Rabbit)_PassedQC",  # the antibody's animal
        r"ChIP_([^-]+)-(?:peak|trough)-.*",
        r"ChIP-seq (\S+) ,.*",
        r"([\w -]{1,30}?) ChIP .*",
        r"(\S+) (?:at|in) .*",
        r"([^_]+)_.*ZT\d.*",  # TARGET_TISSUE_TIME
    )
)
"""Titles that name a target."""

_TAG = re.compile(r"(?:eGFP|3xFLAG)-|h(?=[A-Z]{3})")
"""What stands before a factor's name: the tag by which it was pulled down, or h for human."""

_CLUSTER = re.compile(r"(.+)-clusters_\d+-cluster_\d+")


class TrackLabels(NamedTuple):
    """What a track measures; each is empty where the description does not say it.

    Attributes:
      assay: DNASE, ATAC, CHIP or CAGE.
      target: what ChIP pulled down, such as H3K4me3 or CTCF.
      biosample: the cells or the tissue.
    """

    assay: str
    target: str
    biosample: str


LABELS = TrackLabels._fields


def parse_description(description: str) -> TrackLabels:
    """Reads what a track measures from its description; all labels are empty if it does not begin with an assay."""
    assay, colon, text = description.partition(":")
    assay = assay.strip().upper()
    if not colon or assay not in ASSAYS:
        return TrackLabels("", "", "")
    target = ""
    if assay == CHIP:
        first, colon, rest = text.partition(":")
        target, text = (first, rest) if colon else ("", text)
    title, *sources = (part.strip() for part in text.split(" / "))
    if assay == CHIP:
        target = _target(target.strip(), title)
    return TrackLabels(assay, target, _biosample(title, sources))


def _target(published: str, title: str) -> str:
    if published in _NO_TARGETS:
        matches = (pattern.fullmatch(title) for pattern in _TITLES)
        published = next((match[1] for match in matches if match), "")
    tag = _TAG.match(published)
    return published[tag.end() :] if tag else published


def _biosample(title: str, sources: Sequence[str]) -> str:
    if sources:
        return " / ".join(part for part in sources if part not in ("", ".", title) and not part.endswith(" IP"))
    if cluster := _CLUSTER.fullmatch(title):
        return cluster[1].replace("_", " ")
    while (shorter := re.sub(r"(?:,|\bbiol_|\btech_)$", "", title).rstrip()) != title:
        title = shorter
    return title


def track_group(assay: str, target: str) -> str:
    """Returns the group of a track, one of GROUPS, by its labels in upper or lower case."""
    assay = assay.upper()
    if assay == CHIP:
        return CHIP_HISTONE if target.upper() in HISTONE_MARKS else CHIP_TF
    return assay if assay in ASSAYS else OTHER


def add_labels(table: pd.DataFrame) -> None:
    """Adds columns assay, target and biosample to a table with descriptions, where it does not have them."""
    labels = pd.DataFrame([parse_description(text) for text in table["description"]], columns=LABELS, dtype=object)
    for name in LABELS:
        if name not in table.columns:
            table[name] = labels[name].to_numpy()
