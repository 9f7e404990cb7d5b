"""The settings of `saturate`, besides those that it has in common with `score`.

Nothing heavy is imported here: the command line takes its defaults from this module.
"""

from dataclasses import dataclass

DEFAULT_WINDOW = "shared:1000"
"""Neighbouring bases share one window, and so its reference; windows follow each other every 2 kb."""

DEFAULT_MAX_ALLELES = 30_000
"""Alleles of a run: the substitutions of 10 kb, which take the official model 18 hours on two CPU cores."""

MAX_BASES = 10_000_000
"""Bases whose list of changes is made at all, whatever --max-alleles."""

MAX_DELETION_BP = 100
"""Deletions longer than this are better chosen than listed."""


@dataclass(frozen=True)
class SaturateSettings:
    """What is changed.

    Attributes:
      regions: regions as for `score --region`, or BED files; at least one.
      max_deletion_bp: the longest deletions, 0 for none.
      max_alleles: the most alleles that a run may take.
    """

    regions: tuple[str, ...]
    max_deletion_bp: int = 0
    max_alleles: int = DEFAULT_MAX_ALLELES
