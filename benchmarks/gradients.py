"""What does a gradient cost, beside a pass?

    python -m benchmarks.gradients                                # made-up weights of the official size, public data
    python -m benchmarks.gradients --model MODEL --fasta FASTA --region chr1:600001-600200

In a window around a region: a pass of the full engine over all tracks of a head; the shared pass of the gradients; and
the gradient of the sum of one track over all bins. All take turns in one process after each has run once. Peak memory
is that of a process with the pass or with the gradients alone.

Without --model, a model of the official size with made-up weights, in which every part matters.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.inputs import ROOT, chosen_model, parser_of

NUM_TURNS = 3


class Bench:
    """A model and a window."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from enformer_vep.inference.device import import_tensorflow, prepare_device

        prepare_device(arguments.device)
        import_tensorflow()
        from enformer_vep.fetch.cache import Cache
        from enformer_vep.genome.layout import ModelInput, Span
        from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
        from enformer_vep.io.vcf.selection import Selection
        from enformer_vep.model.location import locate_model
        from enformer_vep.model.weights import load_model

        self.model = load_model(locate_model(arguments.model, Cache.at(None).folder)).model
        genome = Genome(arguments.fasta)
        self.codes = ReferenceCodes(genome)
        (region,) = Selection.from_options([arguments.region], pass_only=False, include_id_file=None).regions
        contig = genome.resolve(region.contig)
        assert contig is not None
        start = (region.start + region.end) // 2 - self.model.config.sequence_length_bp // 2
        self.layout = ModelInput((Span(contig, start, start + self.model.config.sequence_length_bp),))

    def passes(self) -> Callable[[], Any]:
        """Returns what runs a pass of the full engine."""
        from enformer_vep.inference.comparer import full_engine
        from enformer_vep.inference.engine import EngineSettings

        engine = full_engine(self.model, self.codes.fetch, EngineSettings("human"))
        return lambda: next(engine.predict([self.layout]))

    def gradients(self) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
        """Returns what runs the shared pass, and what turns what that keeps into the gradient of a track."""
        from enformer_vep.genome.codes import one_hot
        from enformer_vep.model.gradients import InputGradients, Target

        of = InputGradients(self.model, "human")
        sequence = one_hot(self.layout.codes(self.codes.fetch))
        bins = np.ones(self.model.config.num_bins, np.float32)
        target = Target(bins, np.zeros(1, np.int32), np.ones(1, np.float32))
        return lambda: of.forward(sequence), lambda kept: of.gradient(kept, target)


def measure(bench: Bench) -> dict[str, float]:
    """Lets all take turns; returns the least seconds of each."""
    run = bench.passes()
    forward, back = bench.gradients()
    seconds: dict[str, list[float]] = {"pass of the full engine": [], "shared pass": [], "gradient of a track": []}
    for turn in range(1 + NUM_TURNS):
        kept: list[Any] = []
        steps: list[Callable[[], Any]] = [
            run,
            lambda kept=kept: kept.append(forward()),
            lambda kept=kept: back(kept[0]),
        ]
        for (name, found), step in zip(seconds.items(), steps, strict=True):
            start = time.perf_counter()
            step()
            elapsed = time.perf_counter() - start
            print(f"turn {turn}: {name}: {elapsed:.1f} s", file=sys.stderr, flush=True)
            if turn:
                found.append(elapsed)
    return {name: min(found) for name, found in seconds.items()}


def peak_memory_gb(arguments: argparse.Namespace, what: str) -> float:
    """Runs a pass or a gradient by itself, in another process; returns its peak memory."""
    command = [sys.executable, "-m", "benchmarks.gradients", "--memory-of", what]
    for option in ("model", "fasta", "region", "device"):
        value = getattr(arguments, option)
        command += [f"--{option}", str(value)] if value is not None else []
    return float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()[-1])


def measure_memory(bench: Bench, what: str) -> float:
    """Runs a pass, or a shared pass and a gradient; returns the peak memory of this process, in GB."""
    from enformer_vep.run.identities import peak_memory_bytes

    if what == "pass":
        bench.passes()()
    else:
        forward, back = bench.gradients()
        for _ in range(2):
            back(forward())
    return peak_memory_bytes() / 1e9


def main() -> None:
    parser = parser_of(__doc__, fasta="hg38_sparse.fa.gz")
    parser.add_argument("--region", default="chr1:600001-600200")
    parser.add_argument("--device", help="cpu or gpu")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with chosen_model(arguments.model) as arguments.model:
        if arguments.memory_of:
            print(measure_memory(Bench(arguments), arguments.memory_of))
            return
        seconds = measure(Bench(arguments))
        least = seconds["pass of the full engine"]
        memory = {what: peak_memory_gb(arguments, what) for what in ("pass", "gradient")}
    print("| | s | passes | peak memory |")
    print("|---|---|---|---|")
    for name, found in seconds.items():
        peak = {"pass of the full engine": memory["pass"], "gradient of a track": memory["gradient"]}.get(name)
        print(f"| {name} | {found:.1f} | {found / least:.2f} | {f'{peak:.2f} GB' if peak else ''} |")


if __name__ == "__main__":
    main()
