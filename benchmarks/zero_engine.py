"""An engine of zeros for runs whose model costs nothing, and the inputs for them: a genome and neighbouring SNVs."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from enformer_vep.genome.views import Comparison
from enformer_vep.inference.engine import ByStatistic, EngineCounts
from enformer_vep.io.tracks.table import unnamed_tracks
from enformer_vep.run import session
from enformer_vep.scoring import Statistic

CONTIG_BP = 20_000_000
FIRST_POS = 100_000
SPACING_BP = 20


class ZeroEngine:
    """Reads, encodes and lays both alleles as any engine does, and returns zeros."""

    def __init__(self, num_tracks: int) -> None:
        self._zeros = np.zeros((1, num_tracks))

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[ByStatistic]:
        for _ in comparisons:
            yield {statistic.name: self._zeros for statistic in statistics}

    def counts(self) -> EngineCounts:
        return EngineCounts(0, 0, 0, 1)


def use_zero_engine(num_tracks: int) -> None:
    """Makes every later run of this process use the engine of zeros, with so many tracks."""
    session.make_engine = lambda *_, **__: ZeroEngine(num_tracks)
    session.choose_tracks = lambda *_, **__: unnamed_tracks("human", num_tracks)


def write_inputs(folder: Path, num_records: int) -> None:
    """Writes genome.fa, a made-up contig of 20 Mb, and input.vcf, SNVs that are 20 bp apart."""
    bases = np.random.default_rng(1).choice(np.frombuffer(b"ACGT", np.uint8), CONTIG_BP)
    sequence = bases.tobytes().decode()
    with (folder / "genome.fa").open("w") as lines:
        lines.write(">chr1\n")
        lines.writelines(sequence[at : at + 60] + "\n" for at in range(0, CONTIG_BP, 60))
    choice = random.Random(1)
    with (folder / "input.vcf").open("w") as lines:
        lines.write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for i in range(num_records):
            pos = FIRST_POS + i * SPACING_BP % (CONTIG_BP - 2 * FIRST_POS)
            ref = sequence[pos - 1]
            alt = choice.choice("ACGT".replace(ref, ""))
            lines.write(f"chr1\t{pos}\trs{i}\t{ref}\t{alt}\t.\tPASS\tAF=0.1;AC=12\n")
