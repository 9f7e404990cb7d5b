"""The reference genome as codes, which are read and encoded once for neighbouring windows."""

from functools import lru_cache

import numpy as np

from enformer_vep.genome.codes import N_CODE, Codes, encode
from enformer_vep.genome.variant import Interval
from enformer_vep.io.genome.fasta import BLOCK_BP, NUM_BLOCKS, Genome


class ReferenceCodes:
    """Codes of any interval of a genome. Several threads can use it at a time.

    Attributes:
      genome: the genome.
    """

    def __init__(self, genome: Genome) -> None:
        self.genome = genome
        self._block = lru_cache(maxsize=NUM_BLOCKS)(self._read_block)

    def fetch(self, interval: Interval) -> Codes:
        """Returns codes uint8 [length], N beyond the contig's ends; a new array each time.

        Raises:
          FastaReadError: the genome can no longer be read.
        """
        codes = np.full(interval.length, N_CODE, dtype=np.uint8)
        start = max(interval.start, 0)
        end = min(interval.end, self.genome.contigs[interval.contig])
        blocks = (
            range(start // BLOCK_BP, -(-end // BLOCK_BP)) if start < end else ()
        )  # the interval may lie beyond the contig
        for number in blocks:
            block_start = number * BLOCK_BP
            first, last = max(start, block_start), min(end, block_start + BLOCK_BP)
            block = self._block(interval.contig, number)
            codes[first - interval.start : last - interval.start] = block[first - block_start : last - block_start]
        return codes

    def _read_block(self, contig: str, number: int) -> Codes:
        start = number * BLOCK_BP
        end = min(start + BLOCK_BP, self.genome.contigs[contig])
        return encode(self.genome.fetch(Interval(contig, start, end)))
