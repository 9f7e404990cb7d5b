"""Choices about genes: names that the command line, the settings and the readers share."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

TranscriptChoice = Literal["all", "basic", "canonical", "MANE"]
TRANSCRIPT_CHOICES: tuple[TranscriptChoice, ...] = get_args(TranscriptChoice)

TRANSCRIPT_TAGS: Mapping[TranscriptChoice, tuple[str, ...]] = MappingProxyType(
    {
        "basic": ("basic", "gencode_basic"),
        "canonical": ("Ensembl_canonical", "RefSeq Select"),
        "MANE": ("MANE_Select", "MANE Select"),
    }
)
"""The tags of the transcripts of each choice: those of GENCODE and Ensembl, and those of RefSeq."""

GeneWindow = Literal["variant", "tss"]
"""Where promoters are scored: in the window of the variant, or in one around the gene's start."""
GENE_WINDOWS: tuple[GeneWindow, ...] = get_args(GeneWindow)

GeneColumns = Literal["summary", "tracks"]
"""What is written of a gene: the strongest track of each group, or the score of every track."""
GENE_COLUMNS: tuple[GeneColumns, ...] = get_args(GeneColumns)
