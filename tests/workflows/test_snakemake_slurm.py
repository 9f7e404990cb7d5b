"""The Snakemake workflow on a real Slurm cluster whose jobs are killed, stopped by the clock and kept off a node."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from enformer_vep.demo.files import write_demo
from tests.workflows.loopback import lose_two_jobs, running_cluster, wait_for
from tests.workflows.programs import SNAKEMAKE, need, score_at_once

pytestmark = pytest.mark.xdist_group("workflows")

SCORE = "--stats SAD,SADR --window grid"
NUM_SHARDS = 6

PROFILE = [
    "--profile", str(SNAKEMAKE / "profiles" / "slurm"), "--slurm-init-seconds-before-status-checks", "1",
    "--default-resources", "mem_mb=1000", "runtime=30", "slurm_account=lab",
    "--set-threads", "score=2",
    "--set-resources", "score:gpu=1", "score:mem_mb=4000", "score:runtime=30",
]  # fmt: skip
"""The profile for Slurm, for small nodes and a short wait between looks at the jobs."""


@pytest.mark.full
def test_a_run_that_loses_jobs_gives_the_bytes_of_a_single_run(tmp_path: Path, environment: dict[str, str]) -> None:
    need(environment, "snakemake")
    (tmp_path / "demo").mkdir()
    (tmp_path / "config").mkdir()
    demo = [tmp_path / "demo" / name for name in ("genome.fa", "variants.vcf", "genes.gtf")]
    write_demo(*demo)
    config = yaml.safe_load((SNAKEMAKE / ".test" / "config" / "config.yaml").read_text())
    assert config["shards"] == NUM_SHARDS
    config |= {"annotate": False, "report": False}  # the same machinery: they would only take time
    config["options"]["score"] = f"{SCORE} --part-size 3"
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(config))

    def has_saved(shard: int) -> bool:
        parts = f"*/{shard}-of-{NUM_SHARDS}.scores.parquet.parts/part-*.arrow"
        return any((tmp_path / "results" / "shards").glob(parts))

    with running_cluster(environment) as cluster, (tmp_path / "snakemake.log").open("wb") as log:
        command = ["snakemake", "-s", str(SNAKEMAKE / "workflow" / "Snakefile"), *PROFILE]
        workflow = subprocess.Popen(command, cwd=tmp_path, env=cluster.environment, stdout=log, stderr=log)
        try:
            killed, too_slow = lose_two_jobs(cluster, has_saved, workflow)
            cluster.call("scontrol", "update", "NodeName=node2", "State=DRAIN", "Reason=test")
            before = {job.number for job in cluster.jobs() if job.start_s}
            wait_for(lambda: workflow.poll() is not None, "the end of the workflow")
        finally:
            workflow.terminate()
            workflow.wait()
        jobs = cluster.recorded_jobs()
    assert workflow.returncode == 0, (tmp_path / "snakemake.log").read_text()[-5000:]

    scoring = [job for job in jobs if job.comment.startswith("rule_score")]
    assert sorted(job.state for job in scoring) == ["COMPLETED"] * NUM_SHARDS + ["FAILED", "TIMEOUT"]
    assert all("gres/gpu=1" in job.requested for job in scoring)
    later = [job for job in jobs if job.number not in before]
    assert later
    assert {job.node for job in later} == {"node1"}
    for shard in (killed.shard, too_slow.shard):
        told = (tmp_path / "logs" / "score" / f"{shard}-of-{NUM_SHARDS}.log").read_text()
        assert re.search(r"; [1-9]\d* of them were finished by an earlier run", told), told

    single = tmp_path / "single.parquet"
    words = ["-f", demo[0], "-m", "demo", "-g", demo[2], "--summary", "-o", single]
    score_at_once(environment, 2, demo[1], *words, *SCORE.split())
    for beside in ("", ".genes.parquet", ".summary.tsv", ".skipped.tsv"):
        merged = tmp_path / "results" / f"scores.parquet{beside}"
        assert merged.read_bytes() == Path(f"{single}{beside}").read_bytes()
