"""Finds Nextflow, and runs the workflow with it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.workflows.programs import NEXTFLOW, WORKFLOWS, need

BUILT = WORKFLOWS.parent / "build" / "nextflow" / "nextflow"
"""Where CI puts it."""


def find_nextflow(environment: dict[str, str]) -> str:
    """The launcher that NEXTFLOW names, CI's, or the one on the path; skips the test if there is none."""
    need(environment, "java")
    found = os.environ.get("NEXTFLOW") or (str(BUILT) if BUILT.exists() else None)
    found = found or shutil.which("nextflow", path=environment["PATH"])
    if found is None:
        pytest.skip(f"no Nextflow: workflows/nextflow/tools/get-nextflow {BUILT.parent} makes it, or set NEXTFLOW")
    return found


def nextflow_command(environment: dict[str, str], *words: str, before: Sequence[str] = ()) -> list[str]:
    """The command line that runs the workflow with these words."""
    return [find_nextflow(environment), *before, "run", str(NEXTFLOW / "main.nf"), "-ansi-log", "false", *words]


def run_nextflow(
    folder: Path, environment: dict[str, str], *words: str, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs the workflow in a folder."""
    command = nextflow_command(environment, *words, before=before)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
