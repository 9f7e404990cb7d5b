"""A real Slurm cluster on the loopback, and what a test does to its jobs."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.workflows.programs import WORKFLOWS, need

SCRIPT = WORKFLOWS / "slurm" / "cluster"
PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sinfo", "sacctmgr", "srun")
PATIENCE_S = 900
"""After which a test gives up; nothing is expected to come near it."""


class Job(NamedTuple):
    """What accounting knows of a job; times are seconds since the epoch, 0 if unknown."""

    number: str
    state: str
    node: str
    start_s: int
    requested: str
    comment: str


class Worker(NamedTuple):
    """A process of `enformer-vep score` that works on a shard."""

    pid: int
    job: str
    shard: int


@dataclass(frozen=True)
class Loopback:
    """The cluster that runs, for programs that are started with its environment."""

    environment: dict[str, str]

    def call(self, *command: str) -> str:
        """Runs a client of Slurm; returns what it prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they were submitted."""
        fields = "JobID,State,NodeList,Start,ReqTRES,Comment"
        clock = {"SLURM_TIME_FORMAT": "%s"}
        lines = subprocess.run(
            ["sacct", "-X", "-n", "-P", "-o", fields],
            env=self.environment | clock,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        return [
            Job(number, state.split()[0], node, int(start) if start.isdigit() else 0, requested, comment)
            for number, state, node, start, requested, comment in (line.split("|") for line in lines)
        ]

    def recorded_jobs(self) -> list[Job]:
        """All jobs, once the accounting has their ends, of which it hears a little later than the scheduler."""
        known = set(re.findall(r"\bJobId=(\d+)", self.call("scontrol", "show", "jobs", "--oneliner")))

        def has_all() -> bool:
            jobs = self.jobs()
            is_over = all(job.state not in ("PENDING", "RUNNING", "COMPLETING") for job in jobs)
            return is_over and known <= {job.number for job in jobs}

        wait_for(has_all, "the records of all jobs")
        return self.jobs()

    def workers(self) -> list[Worker]:
        """The processes that score shards in jobs of this cluster."""
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}"
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_text().split("\0")
                variables = (process / "environ").read_text(errors="replace").split("\0")
            except OSError:
                continue  # it has ended
            job = next((word.partition("=")[2] for word in variables if word.startswith("SLURM_JOB_ID=")), None)
            if job and mark in variables and "--shard" in words and Path(words[1]).name == "enformer-vep":
                shard = int(words[words.index("--shard") + 1].partition("/")[0])
                found.append(Worker(int(process.name), job, shard))
        return found


@contextmanager
def running_cluster(environment: dict[str, str]) -> Iterator[Loopback]:
    """Starts the cluster and stops it; skips the test if the machine cannot have one, and says why."""
    need(environment, *PROGRAMS)
    if os.geteuid() != 0:
        pytest.skip(f"Slurm's daemons run as root here; this is user {os.geteuid()}")
    # The path of a socket may not be long, as those of pytest's folders are.
    with TemporaryDirectory(prefix="slurm.", dir="/tmp") as folder:
        started = subprocess.run(
            [SCRIPT, "start", folder], env=environment, capture_output=True, text=True, check=False
        )
        assert started.returncode == 0, started.stderr
        try:
            lines = subprocess.run(
                [SCRIPT, "env", folder], env=environment, capture_output=True, text=True, check=True
            ).stdout.splitlines()
            own = dict(line.removeprefix("export ").split("=", 1) for line in lines)
            yield Loopback(environment | own)
        finally:
            stopped = subprocess.run(
                [SCRIPT, "stop", folder], env=environment, capture_output=True, text=True, check=False
            )
            assert stopped.returncode == 0, stopped.stderr


def wait_for(is_true: Callable[[], object], what: str, workflow: "subprocess.Popen[bytes] | None" = None) -> None:
    """Waits until something holds; fails if the workflow ends before."""
    until = time.monotonic() + PATIENCE_S
    while not is_true():
        assert workflow is None or workflow.poll() is None, f"the workflow ended before {what}"
        assert time.monotonic() < until, f"not seen: {what}"
        time.sleep(0.1)


def hold_a_worker(cluster: Loopback, has_saved: Callable[[int], bool], *besides: int) -> Worker | None:
    """Stops a process that has saved a part of its shard, but not the whole; None if there is none now."""
    for worker in cluster.workers():
        if worker.shard in besides or not has_saved(worker.shard):
            continue
        try:
            os.kill(worker.pid, signal.SIGSTOP)
        except ProcessLookupError:
            continue
        if has_saved(worker.shard):  # it is held in its work; the parts go when the output is complete
            return worker
        os.kill(worker.pid, signal.SIGCONT)
    return None


def lose_two_jobs(
    cluster: Loopback,
    has_saved: Callable[[int], bool],
    workflow: "subprocess.Popen[bytes]",
) -> tuple[Worker, Worker]:
    """Kills one process that has saved a part, and lets the job of another one run out of time.

    Args:
      cluster: where the workflow's jobs run.
      has_saved: whether there is a saved part of a shard, by its number.
      workflow: the workflow that submits the jobs.

    Returns:
      The process that was killed and the one whose job was too slow, when accounting knows of both.
    """
    held: list[Worker] = []

    def hold_another() -> bool:
        worker = hold_a_worker(cluster, has_saved, *(other.shard for other in held))
        held.extend([worker] if worker else [])
        return worker is not None

    wait_for(hold_another, "a job with a saved part", workflow)
    wait_for(hold_another, "another job with a saved part", workflow)
    killed, too_slow = held
    # A job that hangs until its time is up, as if its limit had been shorter.
    cluster.call("scontrol", "update", f"JobId={too_slow.job}", "EndTime=now+1")
    os.kill(killed.pid, signal.SIGKILL)
    states = {killed.job: "FAILED", too_slow.job: "TIMEOUT"}
    wait_for(lambda: states.items() <= {job.number: job.state for job in cluster.jobs()}.items(), str(states))
    return killed, too_slow
