"""Runs of `predict` on the small genome, and what the full engine predicts there by itself."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pybigtools
import pyBigWig

from enformer_vep.cli import main
from enformer_vep.genome.codes import encode
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.layout import ModelInput, Span
from enformer_vep.genome.variant import Interval
from enformer_vep.inference.comparer import Comparer, full_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.model.enformer import Enformer
from tests.pipeline_runs import GENOME
from tests.support import TINY_CONFIG

GEOMETRY: Geometry = TINY_CONFIG.geometry
LENGTHS = {name: len(sequence) for name, sequence in GENOME.items()}
ROUNDING = 2e-6
"""Of float32 sums, relative to the largest prediction, whether of one allele or of the difference of two."""


def predict(folder: Path, out: Path | str, *words: str) -> int:
    return main(["predict", *words, "-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", str(out), "-q"])


def full(model: Enformer, contig: str, start: int, *, strand: str = "+") -> np.ndarray:
    """The full engine's prediction of a window, as the model gives it: float32 [16 bins, 5 tracks]."""
    return full_windows(model, contig, [start], strand=strand)[0]


def full_windows(
    model: Enformer, contig: str, starts: Iterable[int], *, strand: str = "+", genome: Mapping[str, str] = GENOME
) -> list[np.ndarray]:
    """The full engine's predictions of windows of a genome that begin there."""
    engine, sequences = _engine(model)
    name = f"{contig} {hash(genome[contig])}"  # so that no two genomes are taken for one
    sequences[name] = genome[contig]
    return list(engine.predict(ModelInput((Span(name, start, start + 3072, strand),)) for start in starts))


@lru_cache(maxsize=1)
def _engine(model: Enformer) -> tuple[Comparer, dict[str, str]]:
    """The full engine, which takes seconds to build its graph, and the sequences that it reads."""
    sequences: dict[str, str] = {}

    def fetch(interval: Interval) -> np.ndarray:
        padded = "N" * 10_000 + sequences[interval.contig] + "N" * 10_000
        return encode(padded[interval.start + 10_000 : interval.end + 10_000].encode())

    return full_engine(model, fetch, EngineSettings("human")), sequences


def expected_bins(model: Enformer, contig: str, windows_per_bin: int = 1) -> np.ndarray:
    """All bins of a contig by the definition: bin n is in the windows whose 16 scored bins begin at a multiple of
    16 / N and have it among them."""
    num_bins, stride = -(-LENGTHS[contig] // 128), 16 // windows_per_bin
    total, count = np.zeros((num_bins, 5)), np.zeros(num_bins, int)
    firsts = range(-16 + stride, num_bins, stride)
    windows = full_windows(model, contig, [(first - 4) * 128 for first in firsts])
    for first, values in zip(firsts, windows, strict=True):
        for number in range(max(first, 0), min(first + 16, num_bins)):
            total[number] += values[number - first]
            count[number] += 1
    assert (count == windows_per_bin).all()
    return total / windows_per_bin


def tolerance(*predictions: np.ndarray) -> dict[str, float]:
    """What predictions that are rounded otherwise may differ by from these, or their differences from theirs."""
    return {"rtol": 2e-5, "atol": ROUNDING * max(float(np.abs(values).max()) for values in predictions)}


def read(folder: Path, track: int, contig: str, kind: str = "") -> list[tuple[int, int, float]]:
    path = str(folder / f"human_{track}{kind}.bw")
    with pyBigWig.open(path) as file:
        intervals = list(file.intervals(contig) or [])
    with pybigtools.open(path) as file:
        assert list(file.records(contig)) == intervals
    return intervals
