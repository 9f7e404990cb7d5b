"""Where the workflows are, and what the machine has of the programs that they need."""

import shutil
from pathlib import Path

import pytest

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
SNAKEMAKE = WORKFLOWS / "snakemake"
NEXTFLOW = WORKFLOWS / "nextflow"


def need(environment: dict[str, str], *programs: str) -> None:
    """Skips the test if a program is missing, and says which."""
    if missing := [program for program in programs if shutil.which(program, path=environment["PATH"]) is None]:
        pytest.skip(f"not installed: {', '.join(missing)} (see .ci/run and the extra 'workflows')")
