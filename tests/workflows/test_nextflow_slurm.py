"""The Nextflow workflow on a real Slurm cluster: jobs that are killed or stopped by the clock are done again."""

import re
import subprocess
from pathlib import Path

import pytest

from enformer_vep.demo.files import write_demo
from tests.workflows.loopback import lose_two_jobs, running_cluster, wait_for
from tests.workflows.nextflow_runs import nextflow_command
from tests.workflows.programs import WORKFLOWS, score_at_once

pytestmark = pytest.mark.xdist_group("workflows")

NUM_SHARDS = 6
SCORE = ["--window", "grid"]
TESTS = WORKFLOWS.parent / "tests" / "workflows"
CONFIGS = ["-c", str(TESTS / "small_jobs.config"), "-c", str(TESTS / "fast_looks.config")]


@pytest.mark.full
def test_a_run_that_loses_jobs_gives_the_bytes_of_a_single_run(tmp_path: Path, environment: dict[str, str]) -> None:
    demo = [tmp_path / name for name in ("genome.fa", "variants.vcf", "genes.gtf")]
    write_demo(*demo)
    # The GPU is simulated, so the model runs on the CPU.
    words = [*CONFIGS, "-profile", "slurm,gpu", "--account", "lab", "--device", "cpu"]
    words += ["--vcf", "variants.vcf", "--fasta", "genome.fa", "--gtf", "genes.gtf", "--model", "demo"]
    words += ["--shards", str(NUM_SHARDS), "--stats", "SAD,SADR", "--score_args", f"{' '.join(SCORE)} --part-size 3"]
    words += ["--annotate", "false", "--report", "false"]  # the same machinery: they would only take time
    command = nextflow_command(environment, *words)

    def has_saved(shard: int) -> bool:
        parts = f"work/enformervep-parts/*.{shard}-of-{NUM_SHARDS}/*.parts/part-*.arrow"
        return any(tmp_path.glob(parts))

    with running_cluster(environment) as cluster, (tmp_path / "printed.log").open("wb") as log:
        workflow = subprocess.Popen(command, cwd=tmp_path, env=cluster.environment, stdout=log, stderr=log)
        try:
            killed, too_slow = lose_two_jobs(cluster, has_saved, workflow)
            wait_for(lambda: workflow.poll() is not None, "the end of the workflow")
        finally:
            workflow.terminate()
            workflow.wait()
        jobs = cluster.recorded_jobs()
    printed = (tmp_path / "printed.log").read_text()
    assert workflow.returncode == 0, printed[-5000:]

    scoring = [job for job in jobs if "gres/gpu=1" in job.requested]
    assert sorted(job.state for job in scoring) == ["COMPLETED"] * NUM_SHARDS + ["FAILED", "TIMEOUT"]
    assert [job.state for job in jobs if job not in scoring] == ["COMPLETED"]  # the merge asks for no GPU
    for shard in (killed.shard, too_slow.shard):
        told = [
            script.with_name(".command.err").read_text()
            for script in tmp_path.glob("work/??/*/.command.sh")
            if f"--shard {shard}/{NUM_SHARDS} " in script.read_text()
        ]
        assert len(told) == 2
        assert any(re.search(r"; [1-9]\d* of them were finished by an earlier run", text) for text in told), told
    assert not list((tmp_path / "work" / "enformervep-parts").iterdir())

    single = tmp_path / "single.parquet"
    options = ["-f", demo[0], "-m", "demo", "-g", demo[2], "-o", single, "--stats", "SAD,SADR"]
    score_at_once(environment, 1, demo[1], *options, *SCORE)
    for beside in ("", ".genes.parquet", ".skipped.tsv"):
        merged = tmp_path / "results" / f"variants.enformer.parquet{beside}"
        assert merged.read_bytes() == Path(f"{single}{beside}").read_bytes()
