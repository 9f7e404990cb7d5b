"""How fast is everything but the model, and does its memory stay flat? An engine that returns zeros stands in for it.

    python -m benchmarks.throughput [--records 10000 100000 1000000] [--num-tracks 10] [--suffix .parquet]

Each size runs in a process of its own, pinned to one core where the system can. Neighbouring variants 20 bp apart on a
made-up contig of 20 Mb; windows of 196,608 bp are read, encoded and laid for both alleles of each.
"""

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path


def measure(num_records: int, num_tracks: int, suffix: str, results: "multiprocessing.Queue[dict]") -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    from benchmarks.zero_engine import use_zero_engine, write_inputs
    from enformer_vep.run.score import course
    from enformer_vep.run.settings import CheckSettings, InputSettings, OutputSettings, ScoreSettings, ScoringSettings

    use_zero_engine(num_tracks)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_inputs(folder, num_records)
        settings = ScoreSettings(
            InputSettings(str(folder / "input.vcf"), str(folder / "genome.fa")),
            ScoringSettings("demo"),
            output=OutputSettings(str(folder / f"out{suffix}"), part_size=1000),
            check=CheckSettings(quiet=True),
        )
        start = time.perf_counter()
        summary = course.score_vcf(settings)
        seconds = time.perf_counter() - start
        size = (folder / f"out{suffix}").stat().st_size
    results.put(
        {
            "records": num_records,
            "tracks": num_tracks,
            "seconds": round(seconds, 1),
            "variants_per_second": round(summary.num_scored / seconds),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "output_mb": size // 2**20,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--num-tracks", type=int, default=10)
    parser.add_argument("--suffix", default=".parquet")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for num_records in arguments.records:
        results = context.Queue()
        process = context.Process(target=measure, args=(num_records, arguments.num_tracks, arguments.suffix, results))
        process.start()
        print(json.dumps(results.get()), flush=True)
        process.join()


if __name__ == "__main__":
    main()
