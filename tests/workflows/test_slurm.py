"""Plain Slurm: the array job, and the script that starts a cluster on one machine."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.demo.files import write_demo
from tests.workflows.loopback import SCRIPT, Worker, hold_a_worker, running_cluster, wait_for
from tests.workflows.programs import WORKFLOWS

pytestmark = pytest.mark.xdist_group("workflows")

ARRAY = WORKFLOWS / "slurm" / "score_array.sbatch"


def cluster(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path) -> None:
    done = cluster("stop", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is refused for another reason")
def test_a_folder_that_no_socket_can_have_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25)
    done = cluster("start", str(folder))
    assert done.returncode == 1
    assert done.stderr.startswith("cluster: error: ")
    assert done.stderr.count("\n") == 1
    assert not folder.exists()


@pytest.mark.full
def test_an_array_that_is_submitted_again_finishes_what_was_killed(tmp_path: Path, environment: dict[str, str]) -> None:
    fasta, vcf = tmp_path / "genome.fa", tmp_path / "variants.vcf"
    write_demo(fasta, vcf, tmp_path / "genes.gtf")
    shards = tmp_path / "shards"
    shards.mkdir()
    options = ["--region", "made_up_2", "--window", "grid"]
    held: list[Worker] = []

    def has_saved(shard: int) -> bool:
        return any((shards / f"{shard}-of-2.parquet.parts").glob("part-*.arrow"))

    def hold_one() -> bool:
        held.extend(worker for worker in [hold_a_worker(slurm, has_saved)] if worker)
        return bool(held)

    with running_cluster(environment) as slurm:

        def submit(tasks: str) -> dict[str, str]:
            own = ["--mem=4000", "--cpus-per-task=2", f"--array={tasks}", f"--chdir={tmp_path}", "--parsable"]
            number = slurm.call(
                "sbatch", *own, str(ARRAY), "2", str(vcf), str(fasta), "demo", "--part-size", "2", *options
            ).strip()
            ended = ("COMPLETED", "FAILED")

            def states() -> dict[str, str]:
                return {job.number: job.state for job in slurm.jobs() if job.number.startswith(f"{number}_")}

            if not held:
                wait_for(hold_one, "a task with a saved part")
                os.kill(held[0].pid, signal.SIGKILL)
            wait_for(lambda: states() and all(state in ended for state in states().values()), f"the end of {number}")
            return {task.rpartition("_")[2]: state for task, state in states().items()}

        first = submit("1-2")
        killed = str(held[0].shard)
        assert first == {"1": "COMPLETED", "2": "COMPLETED"} | {killed: "FAILED"}
        # One task alone: its share is still that of two.
        assert submit(killed) == {killed: "COMPLETED"}
    assert "finished by an earlier run" in (shards / f"{killed}.log").read_text()

    merged, single = tmp_path / "merged.parquet", tmp_path / "single.parquet"
    assert main(["merge", str(merged), *map(str, sorted(shards.glob("*-of-2.parquet"))), "-q"]) == 0
    assert main(["score", str(vcf), "-f", str(fasta), "-m", "demo", "-o", str(single), "-q", *options]) == 0
    assert merged.read_bytes() == single.read_bytes()
