"""Backgrounds at scale: percentiles of the demo's variants are uniform, and memory does not grow with the alleles."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from enformer_vep.cli import main
from enformer_vep.demo.files import write_demo
from enformer_vep.demo.world import TRACKS as DEMO_TRACKS
from enformer_vep.run.score.results import RUN_METADATA
from tests.run.background.test_percentiles import largest_gap
from tests.run.background.test_thousand_genomes import write_h5
from tests.score_tables import random_scores, write_scores
from tests.support import named_tracks, write_vcf

START, LENGTH = 200_000, 1_200


def score_random_snvs(folder: Path, num: int) -> list[Path]:
    """Scores SNVs of a piece of the demo's genome, drawn at random, in two runs of as many; returns the outputs."""
    write_demo(folder / "genome.fa", folder / "demo.vcf", folder / "genes.gtf")
    header, *lines = (folder / "genome.fa").read_text().split(">")[1].splitlines()
    name, genome = header.split()[0], "".join(lines)
    changes = np.random.default_rng(1).permutation(3 * LENGTH)
    outputs = []
    for part in range(2):
        records = []
        for change in np.sort(changes[part * num : (part + 1) * num]):
            pos = START + int(change) // 3
            ref = genome[pos - 1].upper()
            records.append((name, pos, ".", ref, "ACGT".replace(ref, "")[change % 3]))
        write_vcf(folder / f"{part}.vcf", records)
        out = folder / f"{part}.parquet"
        command = ["score", str(folder / f"{part}.vcf"), "-f", str(folder / "genome.fa"), "-m", "demo", "-o", str(out)]
        command += ["--window", "grid", "--stats", "SAD,SADR,logD2", "-q"]
        if part:
            assert main(["background", str(outputs[0]), "-o", str(folder / "background.parquet"), "-q"]) == 0
            command += ["--background", str(folder / "background.parquet")]
        assert main(command) == 0
        outputs.append(out)
    return outputs


@pytest.mark.full
def test_percentiles_of_the_demos_variants_are_uniform(tmp_path: Path) -> None:
    num = 500
    _, scored = score_random_snvs(tmp_path, num)
    table = pd.read_parquet(scored)
    assert len(table) == num
    columns = [f"{name}_percentile:{track}" for name in ("SAD", "SADR", "logD2") for track in DEMO_TRACKS]
    gaps = [largest_gap(table[column].to_numpy()) for column in columns]
    # Columns are correlated, but by Bonferroni, all of them are below the 1% bound of as many with this probability:
    # sqrt(-ln(0.005 / columns) / 2) sqrt(2 / num), which is 0.13 for 500.
    assert max(gaps) < np.sqrt(-np.log(0.005 / len(columns)) / 2) * np.sqrt(2 / num)
    # Raw scores are far from it.
    assert largest_gap(table["SAD:DEMO:DNASE:OPEN"].to_numpy()) > 0.2


PEAK = """
import sys
from enformer_vep.run.background import course as background
from enformer_vep.run.background import thousand_genomes
from enformer_vep.run.identities import peak_memory_bytes

kind, path, out = sys.argv[1:]
if kind == "scores":
    background.BLOCK_BYTES = 16 << 20
    background.make_background([path], out)
else:
    thousand_genomes.make_1000g_background(thousand_genomes.ThousandGenomesSettings((path,), "sum"), out)
print(peak_memory_bytes() / 1e6)
"""

MEMORY_TRACKS = named_tracks({f"T{i}": "" for i in range(20)})


def write_many_scores(folder: Path, num: int) -> Path:
    """Writes a wide table of one statistic and 20 tracks, a group of rows at a time."""
    small = write_scores(folder / "small.parquet", random_scores(1, 20), table=MEMORY_TRACKS, statistics=("SAD",))
    first = pq.read_table(small)
    record = json.loads(first.schema.metadata[RUN_METADATA])
    record["counts"] |= {"records": num, "alleles_read": num, "alleles_scored": num}
    schema = first.schema.with_metadata(first.schema.metadata | {RUN_METADATA: json.dumps(record).encode()})
    out = folder / "scores.parquet"
    with pq.ParquetWriter(out, schema) as writer:
        for start in range(0, num, 10_000):
            scores = random_scores(10_000, 20, seed=start)
            alleles = first.take(np.zeros(10_000, np.int64)).columns[:7]
            columns = [*alleles, *(pa.array(column) for column in scores.T)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    return out


def write_many_precomputed(folder: Path, num: int) -> Path:
    out = folder / "many.h5"
    write_h5(out, [("22", 1, "A", "C")])
    with h5py.File(out, "a") as file:
        for name in list(file):
            first = file[name][:]
            if not name.startswith("target"):
                del file[name]
                file.create_dataset(name, (num, *first.shape[1:]), first.dtype, chunks=(10_000, *first.shape[1:]))
                for start in range(0, num, 10_000):
                    file[name][start : start + 10_000] = first
    return out


@pytest.mark.full
@pytest.mark.parametrize("kind", ["scores", "1000g"])
def test_memory_does_not_grow_with_the_alleles(kind: str, tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the memory of a process apart from that of the one that started it")
    peaks = []
    for num in (100_000, 600_000):
        folder = tmp_path / str(num)
        folder.mkdir()
        path = (write_many_scores if kind == "scores" else write_many_precomputed)(folder, num)
        words = [sys.executable, "-c", PEAK, kind, str(path), str(folder / "background.parquet")]
        peaks.append(float(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
    print(f"peak memory: {peaks[0]:.0f} MB and {peaks[1]:.0f} MB")
    assert peaks[1] < peaks[0] + 30  # the scores alone of the 500,000 alleles more are 40 MB
