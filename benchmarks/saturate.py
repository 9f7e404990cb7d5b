"""What does a base of a saturation cost, and what would its alleles cost the full engine?

    python -m benchmarks.saturate                      # 20 bp of real sequence at the official size
    python -m benchmarks.saturate --model MODEL --fasta FASTA --region chr1:600101-600300 --alleles 6

`enformer-vep saturate` runs the region with the reusing engine, and `enformer-vep score` runs a few of the same alleles
with the full engine, in the same windows and one after the other: half of them before, half after. Each is a process of
its own, and its run record says what it took: seconds of scoring, with the reference window and without loading the
model, and peak memory. The full engine's graph is built by its first allele, which counts.

The error is the root mean square over tracks of the SADs' difference, relative to their standard deviation over tracks;
the largest of the alleles that both ran.

Without --model, a model of the official size with made-up weights, in which every part matters.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.inputs import ROOT, chosen_model, parser_of
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.run.arguments import find_regions, parse_regions
from enformer_vep.run.explain.saturate import find_bases
from enformer_vep.run.explain.settings import DEFAULT_SATURATE_WINDOW

NUM_FIELDS = 7
"""Columns of a table before its scores."""


@dataclass(frozen=True)
class Ran:
    """A finished run: its scores by allele, seconds of scoring, and peak memory."""

    table: pd.DataFrame
    seconds: float
    peak_gb: float


def run(arguments: argparse.Namespace, out: Path, *command: str) -> Ran:
    """Runs a command of the program in a process of its own."""
    options = ["-f", arguments.fasta, "-m", arguments.model, "-o", str(out), "-q", "--window", arguments.window]
    options += ["--device", arguments.device] if arguments.device else []
    words = [sys.executable, "-m", "enformer_vep", *command, *options]
    subprocess.run(words, check=True, cwd=ROOT)
    record = json.loads(Path(f"{out}.run.json").read_text())
    return Ran(pd.read_parquet(out), record["seconds_scoring"], record["peak_memory_bytes"] / 1e9)


def all_changes(region: str, fasta: str) -> list[str]:
    """Lists the substitutions of a region as lines of a VCF, each with one ALT."""
    with closing(Genome(fasta)) as genome:
        bases = find_bases(find_regions(parse_regions([region]), genome), genome)
    return [f"{found.contig}\t{found.pos}\t.\t{found.ref}\t{alt}" for found in bases.changes() for alt in found.alts]


def write_vcf(path: Path, lines: list[str]) -> str:
    """Writes a VCF of these lines."""
    path.write_text("\n".join(["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT", *lines, ""]))
    return str(path)


def largest_error(found: pd.DataFrame, full: pd.DataFrame) -> float:
    """Compares the alleles that both have."""
    keys = ["chrom", "pos", "ref", "alt"]
    found, full = (table.drop(columns=["id", "record", "allele"]).set_index(keys) for table in (found, full))
    x, y = found.loc[full.index].to_numpy(np.float64), full.to_numpy(np.float64)
    return float((np.sqrt(((x - y) ** 2).mean(axis=1)) / y.std(axis=1)).max())


def measure(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Runs all, and returns the lines of the report."""
    precision = ("--precision", arguments.precision)
    changes = all_changes(arguments.region, arguments.fasta)
    chosen = [changes[place] for place in np.linspace(0, len(changes) - 1, 2 * arguments.alleles).round().astype(int)]

    def run_full(name: str, lines: list[str]) -> Ran:
        vcf = write_vcf(folder / f"{name}.vcf", lines)
        return run(arguments, folder / f"{name}.parquet", "score", vcf, "--engine", "full")

    before = run_full("before", chosen[::2])
    reusing = run(arguments, folder / "saturated.parquet", "saturate", arguments.region, *precision)
    full = [before, run_full("after", chosen[1::2])]
    num_alleles = len(reusing.table)
    of_full = sum(each.seconds for each in full) / sum(len(each.table) for each in full)
    of_reusing = reusing.seconds / num_alleles
    error = largest_error(reusing.table, pd.concat([each.table for each in full]))
    rows = [
        (f"reusing, {arguments.precision}", num_alleles, of_reusing, reusing.peak_gb),
        ("full, float32", len(chosen), of_full, max(each.peak_gb for each in full)),
    ]
    return [
        f"{arguments.region}: {num_alleles} alleles, {reusing.table.shape[1] - NUM_FIELDS} tracks, {arguments.window}",
        "",
        "| engine | alleles run | s per allele | s per base | peak memory |",
        "|---|---|---|---|---|",
        *(f"| {name} | {num} | {of_one:.2f} | {3 * of_one:.2f} | {gb:.2f} GB |" for name, num, of_one, gb in rows),
        "",
        f"{of_full / of_reusing:.1f} times as fast; largest error {error:.2%}",
    ]


def main() -> None:
    parser = parser_of(__doc__, fasta="hg38_chr1_1m.fa.gz")
    parser.add_argument("--region", default="chr1:600101-600120")
    parser.add_argument("--window", default=DEFAULT_SATURATE_WINDOW, help="placement of windows")
    parser.add_argument("--precision", default="float32", help="of the reusing engine")
    parser.add_argument("--device", help="cpu or gpu")
    parser.add_argument("--alleles", type=int, default=2, help="alleles of the full engine before, and again after")
    arguments = parser.parse_args()
    with chosen_model(arguments.model) as arguments.model, tempfile.TemporaryDirectory() as folder:
        print("\n".join(measure(arguments, Path(folder))))


if __name__ == "__main__":
    main()
