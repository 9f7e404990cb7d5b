"""Runs that tests stop half-way and resume: their alleles, their commands and what they write."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support import random_sequence

CONTIG = random_sequence(20_000)

Start = Callable[..., subprocess.Popen]


def records(contig: str, chrom: str, num: int, *, spacing: int) -> list[tuple]:
    """Records of two ALTs each, every tenth with one that is skipped."""
    found = []
    for i in range(num):
        pos = 1500 + i * spacing
        ref = contig[pos - 1].upper()
        other = "CGTA"["ACGT".index(ref)]
        found.append((chrom, pos, f"v{i}", ref, f"{other},{'<DEL>' if i % 10 == 0 else ref + 'AC'}"))
    return found


def arguments(inputs: Path, out: Path, *more: str) -> list[str]:
    paths = ["-f", str(inputs / "genome.fa"), "-m", str(inputs / "model"), "-o", str(out)]
    return ["score", str(inputs / "input.vcf"), *paths, "--part-size", "7", *more]


def outputs(out: Path) -> dict[str, bytes]:
    """The files that are the same bytes whenever a run is made."""
    return {path.name: path.read_bytes() for path in (out, out.with_name(f"{out.name}.skipped.tsv"))}


def wait_for_a_part(run: subprocess.Popen, work: Path) -> None:
    """Waits as long as the run lives, however slow the machine, and holds it where it is."""
    while not list(work.glob("part-*.arrow")):
        assert run.poll() is None, "the run ended before a part was finished"
        time.sleep(0.01)
    run.send_signal(signal.SIGSTOP)
    assert not work.with_suffix("").exists(), "the run ended before it could be stopped"


def stop_half_way(start: Start, inputs: Path, out: Path) -> None:
    """Leaves an unfinished run, with some of its parts."""
    run = start(*arguments(inputs, out))
    wait_for_a_part(run, out.with_name(f"{out.name}.parts"))
    run.kill()
    run.communicate()
