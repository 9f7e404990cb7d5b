"""How long do weights take to load, and how much memory do two processes take that use the same ones?

    python -m benchmarks.loading               # made-up weights of the official size, as a checkpoint and converted
    python -m benchmarks.loading MODEL ...

Each file is read once before, so that the system has it in memory. The processes load it and score one SNV each; their
memory is read while both are there. 'private' is what only one of them uses, and 'in proportion' counts what they
share by halves (Pss of /proc/PID/smaps_rollup, Linux), TensorFlow's own libraries included.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inputs import chosen_model

ROOT = Path(__file__).parents[1]


def memory(pid: int) -> dict[str, float]:
    """What a process uses, in GB: 'private' and 'in proportion'."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {name: int(number) / 2**20 for name, number in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    return {"private": found["Private_Dirty"] + found["Private_Clean"], "in proportion": found["Pss"]}


def work(model: str, precision: str) -> None:
    """Loads a model, says how long it took, scores an SNV, and waits until it is told to stop."""
    from enformer_vep.inference.device import prepare_device

    prepare_device("cpu", precision)
    from enformer_vep.fetch.cache import Cache
    from enformer_vep.genome.codes import N_CODE
    from enformer_vep.genome.variant import Variant
    from enformer_vep.inference.comparer import reusing_engine
    from enformer_vep.inference.engine import EngineSettings
    from enformer_vep.model.location import locate_model
    from enformer_vep.model.weights import load_model
    from enformer_vep.scoring import STATISTICS
    from tests.comparisons import Contig, look_at

    began = time.perf_counter()
    loaded = load_model(locate_model(model, Cache.at(None).folder)).model
    print(time.perf_counter() - began, flush=True)
    print("loaded", flush=True)
    sys.stdin.readline()
    contig = Contig(np.random.default_rng(1).integers(0, N_CODE, 400_000, dtype=np.uint8))
    ref = contig.letters(199_999, 200_000)
    snv = Variant("1", 200_000, ref, "ACGT"[("ACGT".index(ref) + 1) % 4])
    engine = reusing_engine(loaded, contig.fetch, EngineSettings("human", precision=precision))
    comparison = look_at(snv, contig.fetch, loaded.config.geometry)
    list(engine.compare([comparison], [STATISTICS["SAD"]]))
    print("scored", flush=True)
    sys.stdin.readline()


def measure(model: str, precision: str) -> dict[str, Any]:
    """Runs two processes at once."""
    command = [sys.executable, "-m", "benchmarks.loading", model, "--work", precision]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    found: dict[str, Any] = {"seconds": []}
    processes = []
    for _ in range(2):  # one after the other, so that neither slows the other's loading
        processes.append(subprocess.Popen(command, cwd=ROOT, **pipes))
        found["seconds"].append(float(processes[-1].stdout.readline()))
        assert processes[-1].stdout.readline() == "loaded\n"
    for stage in ("loaded", "scored"):
        if stage == "scored":
            for process in processes:
                process.stdin.write("\n")
                process.stdin.flush()
                assert process.stdout.readline() == "scored\n"
        figures = [memory(process.pid) for process in processes]
        found |= {f"{stage}, {name}": [one[name] for one in figures] for name in figures[0]}
    for process in processes:
        process.communicate("\n")
    return found


def main() -> None:
    """Measures and prints the table, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--precision", choices=["float32", "mixed"], default="float32")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.models[0], arguments.work)
        return
    models = arguments.models
    with tempfile.TemporaryDirectory() as name, chosen_model(models[0] if models else None) as model:
        if not models:
            from enformer_vep.run.weights import convert_model

            models = [model, f"{name}/own.safetensors"]
            convert_model(models[0], models[1], overwrite=False)
        rows = {}
        for model in models:
            files = [Path(model)] if Path(model).is_file() else sorted(Path(model).iterdir())
            for path in files:
                path.read_bytes()
            rows[os.path.basename(model)] = measure(model, arguments.precision)
    print("| | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows))
    for quantity in next(iter(rows.values())):
        unit = "s" if quantity == "seconds" else "GB"
        cells = (" and ".join(f"{number:.2f}" for number in row[quantity]) + f" {unit}" for row in rows.values())
        print(f"| {quantity} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
