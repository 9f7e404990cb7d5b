"""What do many shards cost beside the model? An engine of zeros stands in for it.

    python -m benchmarks.shards start [--records 1000000] [--shards 200] [--sample 5]
    python -m benchmarks.shards merge [--records 20000 60000] [--shards 200] [--num-tracks 5313]

`start` runs shards that are spread evenly over the VCF, each in a new process, and prints the seconds from the start of
the process to the first allele that is handed to the engine, and the processor's seconds until then. `merge` writes all
shards of VCFs of two sizes, merges them in a new process, and prints its seconds and its peak memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def settings_of(folder: Path, out: Path, shard: str):
    from enformer_vep.run.settings import (
        CheckSettings,
        InputSettings,
        OutputSettings,
        ScoreSettings,
        ScoringSettings,
        Shard,
    )

    return ScoreSettings(
        InputSettings(str(folder / "input.vcf"), str(folder / "genome.fa"), shard=Shard.parse(shard)),
        ScoringSettings("demo"),
        output=OutputSettings(str(out), part_size=1000),
        check=CheckSettings(quiet=True),
    )


def run_start(folder: Path, shard: str, started: float) -> None:
    """Runs a shard up to its first allele, and prints how long that took since `started`, in seconds of the epoch."""
    from benchmarks.zero_engine import ZeroEngine, use_zero_engine
    from enformer_vep.run.score import course

    use_zero_engine(10)

    def compare(*_) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        spent = usage.ru_utime + usage.ru_stime
        print(json.dumps({"shard": shard, "seconds": round(time.time() - started, 2), "cpu_seconds": round(spent, 2)}))
        sys.stdout.flush()
        os._exit(0)

    ZeroEngine.compare = compare
    with tempfile.TemporaryDirectory() as out:
        course.score_vcf(settings_of(folder, Path(out, "out.parquet"), shard))


def measure_start(num_records: int, num_shards: int, sample: int) -> None:
    from benchmarks.zero_engine import write_inputs

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_inputs(folder, num_records)
        for place in range(sample + 1):  # the first run is not counted: it indexes the genome and reads files from disk
            number = 1 + (num_shards - 1) * max(place - 1, 0) // max(sample - 1, 1)
            command = [sys.executable, "-m", "benchmarks.shards", "run-start", str(folder), f"{number}/{num_shards}"]
            found = subprocess.run([*command, repr(time.time())], check=True, capture_output=True, text=True).stdout
            print(("first, not warm: " if place == 0 else "") + found.splitlines()[-1], flush=True)


def run_shards(folder: Path, num_shards: int, num_tracks: int) -> None:
    """Scores all shards in this process."""
    from benchmarks.zero_engine import use_zero_engine
    from enformer_vep.run.score import course

    use_zero_engine(num_tracks)
    for number in range(1, num_shards + 1):
        course.score_vcf(settings_of(folder, folder / f"shard{number}.parquet", f"{number}/{num_shards}"))


def run_merge(folder: Path) -> None:
    from enformer_vep.run.score.merge import merge_shards

    start = time.perf_counter()
    print(merge_shards(str(folder / "merged.parquet"), [str(path) for path in folder.glob("shard*.parquet")]))
    seconds, usage = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    size = (folder / "merged.parquet").stat().st_size
    print(
        json.dumps(
            {"seconds": round(seconds, 1), "peak_memory_mb": usage.ru_maxrss // 1024, "output_mb": size // 2**20}
        )
    )


def measure_merge(sizes: list[int], num_shards: int, num_tracks: int) -> None:
    from benchmarks.zero_engine import write_inputs

    for num_records in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            write_inputs(Path(temporary), num_records)
            module = [sys.executable, "-m", "benchmarks.shards"]
            subprocess.run([*module, "run-shards", temporary, str(num_shards), str(num_tracks)], check=True)
            subprocess.run([*module, "run-merge", temporary], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    start, merge = commands.add_parser("start"), commands.add_parser("merge")
    start.add_argument("--records", type=int, default=1_000_000)
    start.add_argument("--sample", type=int, default=5)
    merge.add_argument("--records", type=int, nargs="+", default=[20_000, 60_000])
    merge.add_argument("--num-tracks", type=int, default=5_313)
    for command in (start, merge):
        command.add_argument("--shards", type=int, default=200)
    inner = {"run-start": ["folder", "shard", "started"], "run-shards": ["folder", "num_shards", "num_tracks"]}
    for name, values in {**inner, "run-merge": ["folder"]}.items():
        command = commands.add_parser(name)  # a process that the others start
        for value in values:
            command.add_argument(value)
    arguments = parser.parse_args()
    if arguments.command == "start":
        measure_start(arguments.records, arguments.shards, arguments.sample)
    elif arguments.command == "merge":
        measure_merge(arguments.records, arguments.shards, arguments.num_tracks)
    elif arguments.command == "run-start":
        run_start(Path(arguments.folder), arguments.shard, float(arguments.started))
    elif arguments.command == "run-shards":
        run_shards(Path(arguments.folder), int(arguments.num_shards), int(arguments.num_tracks))
    else:
        run_merge(Path(arguments.folder))


if __name__ == "__main__":
    main()
