"""The settings of `report`, as typed values. Nothing heavy is imported: the command line has its defaults from here."""

from dataclasses import dataclass

DEFAULT_TOP = 20
MAX_TOP = 50
"""Alleles that are shown in detail, and the most of them: each has profiles, which make the page large."""


@dataclass(frozen=True)
class ProfileSettings:
    """What profiles are computed with.

    Attributes:
      fasta: the genome of the run: a file, or the name of a fetched one.
      model: the model of the run.
      gtf: genes that are drawn below the profiles, None for none.
      device: the device, None for the first GPU and else the CPU.
      cache: the folder of what was fetched, None for the user's.
    """

    fasta: str
    model: str
    gtf: str | None = None
    device: str | None = None
    cache: str | None = None


@dataclass(frozen=True)
class ReportSettings:
    """The settings of `report`.

    Attributes:
      scores: an output of `score`.
      out: the page.
      statistic: the statistic that is shown; None for the first of SADR and SAR that the scores have, or their first.
      top: how many of the strongest alleles are shown in detail.
      profiles: what profiles of these are computed with, None for no profiles.
      overwrite: whether an existing page is overwritten.
      quiet: whether there is no progress bar.
    """

    scores: str
    out: str
    statistic: str | None = None
    top: int = DEFAULT_TOP
    profiles: ProfileSettings | None = None
    overwrite: bool = False
    quiet: bool = False
