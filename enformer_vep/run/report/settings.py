"""The settings of `report`, as typed values. Nothing heavy is imported: the command line has its defaults from here."""

from dataclasses import dataclass

DEFAULT_TOP = 20
MAX_TOP = 50
"""Alleles that are shown in detail, and the most of them: each has profiles, which make the page large."""


@dataclass(frozen=True)
class ProfileSettings:
    """The settings of profiles.

    Attributes:
      fasta: the genome of the run: a file, or the name of a fetched one.
      model: the model of the run.
      device: the device, None for the first GPU and else the CPU.
      cache: the folder of what was fetched, None for the user's.
    """

    fasta: str
    model: str
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
      gtf: genes that are drawn below the profiles, and of which the nearest is named if the run has no genes.
      saturations: outputs of `saturate`, of which logos of these are made.
      contributions: outputs of `contributions`, likewise.
      overwrite: whether an existing page is overwritten.
      quiet: whether there is no progress bar.
    """

    scores: str
    out: str
    statistic: str | None = None
    top: int = DEFAULT_TOP
    profiles: ProfileSettings | None = None
    gtf: str | None = None
    saturations: tuple[str, ...] = ()
    contributions: tuple[str, ...] = ()
    overwrite: bool = False
    quiet: bool = False
