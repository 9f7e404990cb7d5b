"""What does a variant cost, by engine, placement and precision, and how far off is it?

    make bench                                         # or
    python -m benchmarks.engines --model MODEL --vcf VCF --fasta FASTA --device gpu --batch-size 8

Three workloads from a VCF: `isolated`, SNVs over 200 kb apart; `dense`, the alleles of a region as they stand;
`saturation`, all three changes at each of 100 neighbouring bases. Every engine runs the first allele of its workload to
be warm; then they take turns, in alternating order, in one process. The table's seconds are per allele. Of the
saturation a part is run: its 300 alleles cost as much as the first with its window's reference, and 299 times the
others' mean. The full engine runs both alleles of each variant. The error is the root mean square over tracks of the
SADs' difference from those of the full engine in float32 on the same windows, relative to their standard deviation over
tracks; the largest of the alleles that both ran. Peak memory is that of a process with that engine alone.

Without --model, a model of the official size with made-up weights, in which every part matters.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from benchmarks.inputs import ROOT, chosen_model, look_at, parser_of, scorable

ISOLATION_BP = 200_000
SATURATED_BASES = 100
NUM_TURNS = 3
NUM_CENTRED = 3
"""Alleles of a turn in windows of their own, each of which takes long."""

NUM_FOR_MEMORY = 3
"""Alleles that are run to see how much memory they need."""
PRECISIONS = ("float32", "mixed", "bfloat16")


class Contender(NamedTuple):
    """An engine on a workload."""

    workload: str
    placement: str
    precision: str

    def __str__(self) -> str:
        return f"{self.workload} {self.placement} {self.precision}"


@dataclass
class Measured:
    """What was seen of a contender: seconds of the first allele, seconds and number of others, and the SADs."""

    first_seconds: float = 0.0
    other_seconds: float = 0.0
    num_others: int = 0
    scores: dict[int, np.ndarray] = field(default_factory=dict)

    def add(self, seconds: float, num: int) -> None:
        """Adds a turn's seconds, and the number of alleles or passes that they were for."""
        self.other_seconds += seconds
        self.num_others += num


def contenders(shared_bp: int) -> list[Contender]:
    """Each workload's own placement in each precision, and the official one."""
    shared = f"shared:{shared_bp}"
    return [
        *(Contender("isolated", "centred", precision) for precision in PRECISIONS),
        *(Contender("dense", "grid", precision) for precision in PRECISIONS),
        Contender("dense", "centred", "float32"),
        *(Contender("saturation", shared, precision) for precision in PRECISIONS),
        Contender("saturation", "centred", "float32"),
    ]


class Bench:
    """A model, a genome, and the alleles of each workload."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from enformer_vep.inference.device import import_tensorflow, prepare_device

        self.arguments = arguments
        self.device = prepare_device(arguments.device)
        import_tensorflow()
        from enformer_vep.fetch.cache import Cache
        from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
        from enformer_vep.model.location import locate_model
        from enformer_vep.model.weights import load_model

        self.model = load_model(locate_model(arguments.model, Cache.at(None).folder)).model
        self.genome = Genome(arguments.fasta)
        self.codes = ReferenceCodes(self.genome)
        dense, isolated = self._real_alleles()
        numbers = {"isolated": arguments.isolated, "dense": arguments.dense, "saturation": arguments.saturation}
        found = {"isolated": isolated, "dense": dense, "saturation": self._all_changes(dense[0])}
        self.alleles = {workload: found[workload][:number] for workload, number in numbers.items()}

    def _real_alleles(self) -> tuple[list[Any], list[Any]]:
        """The alleles of the region that the engines can score, and the isolated ones of the whole file."""
        isolated: list[Any] = []
        for variant in scorable(self.arguments.vcf, self.genome, ISOLATION_BP // 4):
            is_far = (
                not isolated or variant.chrom != isolated[-1].chrom or variant.pos - isolated[-1].pos > ISOLATION_BP
            )
            if is_far and variant.pos > ISOLATION_BP // 2 and len(variant.ref) == len(variant.alt) == 1:
                isolated.append(variant)
        of_region = scorable(self.arguments.vcf, self.genome, ISOLATION_BP // 4, self.arguments.region)
        dense = list(islice(of_region, self.arguments.dense))
        if len(dense) < self.arguments.dense or len(isolated) < self.arguments.isolated:
            raise SystemExit(f"{len(dense)} alleles in {self.arguments.region}, {len(isolated)} isolated: too few")
        return dense, isolated

    def _all_changes(self, variant: Any) -> list[Any]:
        """All three changes at each of the bases from a variant on."""
        from enformer_vep.genome.variant import Interval, Variant

        contig = self.genome.resolve(variant.chrom)
        assert contig is not None
        bases = self.genome.fetch(Interval(contig, variant.start, variant.start + SATURATED_BASES)).decode().upper()
        return [
            Variant(variant.chrom, variant.pos + i, ref, alt)
            for i, ref in enumerate(bases)
            for alt in sorted(set("ACGT") - {ref})
        ]

    def engine(self, contender: Contender) -> Any:
        """The reusing engine in a contender's precision."""
        from enformer_vep.genome.windows import Placement
        from enformer_vep.inference.comparer import reusing_engine
        from enformer_vep.inference.engine import EngineSettings

        settings = EngineSettings(
            "human",
            batch_size=self.arguments.batch_size,
            precision=contender.precision,  # type: ignore[arg-type]
            variant_offsets=Placement.parse(contender.placement).offsets(self.model.config.geometry),
            is_fused=self.device.kind == "CPU",
        )
        return reusing_engine(self.model, self.codes.fetch, settings)

    def full_engine(self) -> Any:
        """The full engine."""
        from enformer_vep.inference.comparer import full_engine
        from enformer_vep.inference.engine import EngineSettings

        settings = EngineSettings("human", batch_size=self.arguments.batch_size)
        return full_engine(self.model, self.codes.fetch, settings)

    def run(self, engine: Any, contender: Contender, numbers: Sequence[int], into: Measured) -> float:
        """Runs some alleles, given by their numbers in the workload; returns the seconds that it took."""
        from enformer_vep.scoring import STATISTICS

        alleles = self.alleles[contender.workload]
        geometry = self.model.config.geometry
        comparisons = [look_at(alleles[number], self.codes, geometry, contender.placement) for number in numbers]
        start = time.perf_counter()
        found = list(engine.compare(comparisons, [STATISTICS["SAD"]]))
        seconds = time.perf_counter() - start
        for number, scores in zip(numbers, found, strict=True):
            into.scores[number] = scores["SAD"][0]
        return seconds


def compare(bench: Bench) -> list[dict[str, Any]]:
    """Lets all contenders take turns, with the full engine among them; returns the rows of the table."""
    running = contenders(bench.arguments.shared_bp)
    engines = {contender: bench.engine(contender) for contender in running}
    measured = {contender: first_allele(bench, engine, contender) for contender, engine in engines.items()}
    full_engine = bench.full_engine()
    bench.run(full_engine, running[0], [0], Measured())
    full = {contender[:2]: Measured() for contender in running if contender.precision == "mixed"}
    for turn in range(NUM_TURNS):
        for contender in running if turn % 2 == 0 else reversed(running):
            numbers = turns(len(bench.alleles[contender.workload]))[turn]
            if contender.placement == "centred":
                numbers = numbers[:NUM_CENTRED]
            seconds = bench.run(engines[contender], contender, numbers, measured[contender])
            measured[contender].add(seconds, len(numbers))
            say(f"turn {turn + 1}: {contender}: {seconds / len(numbers):.2f} s for each of {len(numbers)}")
            if contender.precision == "mixed":
                passes = full_engine.counts().transformer_passes
                seconds = bench.run(full_engine, contender, numbers[:1], full[contender[:2]])
                full[contender[:2]].add(seconds, full_engine.counts().transformer_passes - passes)
    return rows_of(measured, full)


def first_allele(bench: Bench, engine: Any, contender: Contender) -> Measured:
    """Warms an engine up with the first allele of its workload."""
    measured = Measured()
    if contender.workload == "saturation":  # its first allele counts: another window warms the graphs up
        bench.run(engine, contender._replace(workload="isolated"), [0], Measured())
    measured.first_seconds = bench.run(engine, contender, [0], measured)
    say(f"warm: {contender}, the first allele took {measured.first_seconds:.1f} s")
    return measured


def turns(num_alleles: int) -> list[range]:
    """Divides the alleles after the first into as many turns as there are, as equal as can be."""
    ends = [1 + (num_alleles - 1) * turn // NUM_TURNS for turn in range(NUM_TURNS + 1)]
    return [range(start, end) for start, end in pairwise(ends)]


def rows_of(measured: dict[Contender, Measured], full: dict[tuple[str, ...], Measured]) -> list[dict[str, Any]]:
    """The rows of the table: the full engine, whose others are passes and not alleles, and each contender."""
    full_seconds = 2 * sum(m.other_seconds for m in full.values()) / sum(m.num_others for m in full.values())
    rows = [{"workload": "each", "placement": "any", "engine": "full", "seconds": full_seconds, "ratio": 1.0}]
    for contender, found in measured.items():
        seconds = found.other_seconds / found.num_others
        if contender.workload == "saturation":
            num_alleles = 3 * SATURATED_BASES
            seconds = (found.first_seconds + (num_alleles - 1) * seconds) / num_alleles
        expected = full.get(contender[:2], Measured()).scores
        errors = [
            np.sqrt(np.mean((found.scores[number] - scores) ** 2)) / scores.std() for number, scores in expected.items()
        ]
        row = {"workload": contender.workload, "placement": contender.placement, "engine": contender.precision}
        row |= {"seconds": seconds, "ratio": full_seconds / seconds, "error": max(errors, default=None)}
        rows.append(row)
    return rows


def peak_memory_gb(arguments: argparse.Namespace, contender: Contender | None) -> float:
    """Runs an engine by itself on the alleles of a workload, in another process; returns its peak memory."""
    name = "full" if contender is None else json.dumps(contender)
    command = [sys.executable, "-m", "benchmarks.engines", "--memory-of", name]
    for option in ("model", "vcf", "fasta", "region", "device", "batch_size", "isolated", "dense", "saturation"):
        value = getattr(arguments, option)
        command += [f"--{option.replace('_', '-')}", str(value)] if value is not None else []
    return float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()[-1])


def measure_memory(bench: Bench, name: str) -> float:
    """Runs one engine on the alleles of its workload; returns the peak memory of this process, in GB."""
    from enformer_vep.run.identities import peak_memory_bytes

    if name == "full":
        engine, contender = bench.full_engine(), contenders(1)[0]
    else:
        contender = Contender(*json.loads(name))
        engine = bench.engine(contender)
    num_alleles = 1 if name == "full" else min(NUM_FOR_MEMORY, len(bench.alleles[contender.workload]))
    for number in range(num_alleles):
        bench.run(engine, contender, [number], Measured())
    return peak_memory_bytes() / 1e9


def show(rows: list[dict[str, Any]]) -> None:
    """Prints the table, as Markdown."""
    print("| workload | window | engine | s per variant | times as fast | peak memory | error |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        memory = f"{row['memory_gb']:.2f} GB" if row.get("memory_gb") else ""
        error = f"{row['error']:.2%}" if row.get("error") is not None else ""
        print(
            f"| {row['workload']} | {row['placement']} | {row['engine']} | {row['seconds']:.2f} | {row['ratio']:.2f} "
            f"| {memory} | {error} |"
        )


def say(text: str) -> None:
    """Tells how far it is."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = parser_of(__doc__, fasta="hg38_sparse.fa.gz")
    parser.add_argument("--region", default="chr1:600001-700000", help="of the dense alleles")
    parser.add_argument("--device", help="cpu or gpu")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--isolated", type=int, default=4, help="alleles of this workload that are run")
    parser.add_argument("--dense", type=int, default=25)
    parser.add_argument("--saturation", type=int, default=25)
    parser.add_argument("--shared-bp", type=int, default=1000, help="distance of shared windows")
    parser.add_argument("--no-memory", action="store_true", help="leave out the processes that measure memory")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with chosen_model(arguments.model) as arguments.model:
        if arguments.memory_of:
            print(measure_memory(Bench(arguments), arguments.memory_of))
            return
        rows = compare(Bench(arguments))
        if not arguments.no_memory:
            for row, contender in zip(rows, [None, *contenders(arguments.shared_bp)], strict=True):
                row["memory_gb"] = peak_memory_gb(arguments, contender)
        show(rows)


if __name__ == "__main__":
    main()
