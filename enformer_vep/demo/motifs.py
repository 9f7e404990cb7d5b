"""The factors of the made-up world, and the sites that they bind: every match of their consensus, on either strand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.codes import Codes

BASES = "ACGT"

IUPAC: Mapping[str, str] = MappingProxyType(
    {"A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"}
)
"""Bases that a letter of a consensus stands for."""


@dataclass(frozen=True)
class Factor:
    """A transcription factor and the sequence that it binds.

    Attributes:
      name: the factor's.
      consensus: its site, in IUPAC letters. A sequence that differs from it in one base is not bound.
    """

    name: str
    consensus: str

    @cached_property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Bool [site length, 5]: whether the site may have a base there, in the order A C G T N."""
        return np.array([[base in IUPAC[letter] for base in (*BASES, "N")] for letter in self.consensus])

    @property
    def length_bp(self) -> int:
        """Length of a site."""
        return len(self.consensus)

    def mismatches(self, codes: Codes) -> npt.NDArray[np.uint8]:
        """Counts how a sequence differs from the site, at every place and on both strands.

        Args:
          codes: uint8 [length].

        Returns:
          uint8 [2, length - site length + 1]: the number of bases that differ from a site that begins there, read
          forward and read as the reverse complement.
        """
        num_places = max(len(codes) - self.length_bp + 1, 0)
        forward = self.allowed
        counts = np.zeros((2, num_places), dtype=np.uint8)
        for strand, allowed in enumerate((forward, forward[::-1, [3, 2, 1, 0, 4]])):
            for offset in range(self.length_bp):
                counts[strand] += ~allowed[offset][codes[offset : offset + num_places]]
        return counts

    def sites(self, codes: Codes) -> npt.NDArray[np.int64]:
        """Returns where sites begin in codes uint8 [length], in order; a site that reads both ways counts once."""
        return np.flatnonzero((self.mismatches(codes) == 0).any(axis=0))


FACTORS = (
    Factor("CTCF", "CCASYAGRKGGCRS"),
    Factor("GATA", "SAGATAAGGR"),
    Factor("AP1", "ATGASTCAT"),
    Factor("ETS", "ACCGGAAGTR"),
    Factor("SP1", "KGGGCGGRRY"),
    Factor("NRF1", "YGCGCAYGCGCR"),
    Factor("YY1", "AARATGGCGSC"),
    Factor("TBP", "STATAAAARG"),
)
"""Well-known factors, with a consensus of about 15 bits or more, so that sites are rare by chance."""

FACTOR_BY_NAME: Mapping[str, Factor] = MappingProxyType({factor.name: factor for factor in FACTORS})
