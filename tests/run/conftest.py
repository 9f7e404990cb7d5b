"""What the tests of whole runs share."""

from pathlib import Path

import pytest

from enformer_vep.model.enformer import Enformer
from tests.pipeline_runs import write_inputs


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, model: Enformer) -> Path:
    """The tiny model and the small genome of `pipeline_runs.run`; no test may change them."""
    return write_inputs(tmp_path_factory.mktemp("pipeline"), model)
