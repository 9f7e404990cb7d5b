"""The environment in which the tests run workflows."""

import os
import sys
from pathlib import Path

import pytest

from tests.workflows.programs import WORKFLOWS


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """This interpreter's programs come first, so that the jobs of a workflow run this enformer-vep."""
    programs = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    package = f"{WORKFLOWS.parent}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")
    own = {"PATH": programs, "PYTHONPATH": package}
    return {name: value for name, value in os.environ.items() if not name.startswith("ENFORMER_VEP_")} | own
