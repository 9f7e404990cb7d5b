"""How fast does `annotate` write scores into a VCF, and does its memory stay flat? Made-up scores, no model.

    python -m benchmarks.annotate [--records 10000 100000 1000000] [--tracks 12] [--out .vcf.gz]

Each size and kind of scores (a table of all tracks, and a summary of it alone) runs in a process of its own, pinned to
one core where the system can. The VCF has three samples; every tenth record has two ALT alleles, and one of a hundred
alleles was skipped.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ASSAYS = ("DNASE", "CHIP:H3K27ac", "CHIP:CTCF", "CAGE")
PART_RECORDS = 10_000
SAMPLES = "GT:AD:DP:GQ\t0/1:12,9:21:99\t0/0:30,0:30:90\t1/1:0,17:17:51"


def write_vcf(path: Path, num_records: int) -> None:
    with path.open("w") as lines:
        lines.write('##fileformat=VCFv4.2\n##INFO=<ID=AF,Number=A,Type=Float,Description="a">\n')
        lines.write('##INFO=<ID=AC,Number=A,Type=Integer,Description="a">\n##FILTER=<ID=q,Description="q">\n')
        for name, number, kind in (("GT", "1", "String"), ("AD", "R", "Integer"), ("DP", "1", "Integer")):
            lines.write(f'##FORMAT=<ID={name},Number={number},Type={kind},Description="f">\n')
        lines.write('##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="f">\n##contig=<ID=chr1,length=248956422>\n')
        lines.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n")
        for record in range(num_records):
            alt, info = ("C,G", "AF=0.1,0.2;AC=1,2") if record % 10 == 0 else ("C", "AF=0.1;AC=1")
            lines.write(f"chr1\t{10_000 + 40 * record}\trs{record}\tA\t{alt}\t50.5\tPASS\t{info}\t{SAMPLES}\n")


def parts(num_records: int, num_tracks: int) -> Iterator[Any]:
    from enformer_vep.errors import SkipReason
    from enformer_vep.genome.variant import Variant
    from enformer_vep.io.vcf.alleles import VcfAllele
    from enformer_vep.run.score.parts import Part, SkippedAllele

    rng = np.random.default_rng(1)
    for start in range(0, num_records, PART_RECORDS):
        alleles = [
            VcfAllele(Variant("chr1", 10_000 + 40 * record, "A", alt), record, number, f"rs{record}")
            for record in range(start, min(start + PART_RECORDS, num_records))
            for number, alt in enumerate(("C", "G") if record % 10 == 0 else ("C",), start=1)
        ]
        scored = [allele for allele in alleles if allele.record % 100 != 50]
        skipped = [each for each in alleles if each.record % 100 == 50]
        scores = rng.standard_t(2, (len(scored), num_tracks)).astype(np.float32)
        yield Part(scored, scores, [SkippedAllele(each, SkipReason.REF_MISMATCH, "") for each in skipped])


def write_scores(out: Path, vcf: Path, num_records: int, num_tracks: int, summary: str) -> None:
    from enformer_vep.io.tables.formats import TableSettings
    from enformer_vep.io.tables.outputs import OutputPaths
    from enformer_vep.run.identities import identify_file
    from enformer_vep.run.run_record import Counts, RunRecord
    from enformer_vep.run.score.results import ResultWriter, WholeFiles
    from tests.run_records import COURSE
    from tests.score_tables import identity_of
    from tests.support import named_tracks

    tracks = named_tracks({f"ENC{index}": f"{ASSAYS[index % 4]}:cell {index}" for index in range(num_tracks)})
    num_alleles = num_records + -(-num_records // 10)
    num_skipped = 2 * -(-(num_records - 50) // 100)
    identity = identity_of(tracks, vcf=identify_file(vcf), statistics=("SAD",), summary=summary)
    record = RunRecord(
        identity, None, Counts(num_records, 0, num_alleles, num_alleles - num_skipped, num_skipped, {}, 0)
    )
    paths = OutputPaths(str(out), summary=summary)  # type: ignore[arg-type]
    paths.work.mkdir()
    with WholeFiles(paths) as files:
        settings = TableSettings(("SAD",), tracks, summary=summary)  # type: ignore[arg-type]
        writer = ResultWriter(files, paths, settings, record)
        for part in parts(num_records, num_tracks):
            writer.write(part)
        writer.finish(replace(record, course=COURSE))


def measure(vcf: Path, scores: Path, out: Path, results: "multiprocessing.Queue[dict[str, Any]]") -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    from enformer_vep.run.annotate.course import AnnotateSettings, annotate_vcf
    from enformer_vep.run.identities import peak_memory_bytes

    start, processor = time.perf_counter(), time.process_time()
    annotate_vcf(AnnotateSettings(str(vcf), str(scores), str(out)))
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    results.put({"seconds": seconds, "processor_seconds": processor, "peak_memory_mb": peak_memory_bytes() >> 20})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--tracks", type=int, default=12)
    parser.add_argument("--out", default=".vcf.gz", help="end of the output's name: .vcf, .vcf.gz or .bcf")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for num_records in arguments.records:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            vcf = folder / "input.vcf"
            write_vcf(vcf, num_records)
            for summary in ("none", "only"):
                scores = folder / f"{summary}.parquet"
                write_scores(scores, vcf, num_records, arguments.tracks, summary)
                results = context.Queue()
                out = folder / f"{summary}{arguments.out}"
                process = context.Process(target=measure, args=(vcf, scores, out, results))
                process.start()
                found = results.get()
                process.join()
                rates = {
                    "records": num_records,
                    "scores": "summary" if summary == "only" else f"{arguments.tracks} tracks",
                    "records_per_second": round(num_records / found["seconds"]),
                    "records_per_processor_second": round(num_records / found["processor_seconds"]),
                    "peak_memory_mb": found["peak_memory_mb"],
                }
                print(json.dumps(rates), flush=True)


if __name__ == "__main__":
    main()
