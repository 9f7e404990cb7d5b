"""Where the workflows are, and what the machine has of the programs that they need."""

import shutil
import subprocess
from pathlib import Path

import pytest

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
SNAKEMAKE = WORKFLOWS / "snakemake"
NEXTFLOW = WORKFLOWS / "nextflow"


def need(environment: dict[str, str], *programs: str) -> None:
    """Skips the test if a program is missing, and says which."""
    if missing := [program for program in programs if shutil.which(program, path=environment["PATH"]) is None]:
        pytest.skip(f"not installed: {', '.join(missing)} (see .ci/run and the extra 'workflows')")


def score_at_once(environment: dict[str, str], num_cores: int, *arguments: object) -> None:
    """Scores in a single run on as many cores as the workflow's jobs have: another number changes the last bits."""
    done = subprocess.run(
        ["enformer-vep", "score", *map(str, arguments), "-q"],
        env=environment | {"TF_NUM_INTRAOP_THREADS": str(num_cores)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
