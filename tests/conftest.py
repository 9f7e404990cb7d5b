"""Fixtures that several test files share, and TensorFlow brought in quietly."""

import gc
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from enformer_vep.inference.device import import_tensorflow

if TYPE_CHECKING:
    from enformer_vep.model.enformer import Enformer

import_tensorflow()
gc.collect()
gc.freeze()  # what importing has made stays: it need not be looked through each time that a run clears its memory

# The same verdict on the same code: no limit in seconds, which a busy machine exceeds, and the same examples each time.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def logging_as_a_library() -> Iterator[None]:
    """Takes back what the program sets up for its log when a test runs it in this process."""
    yield
    logger = logging.getLogger("enformer_vep")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session", autouse=True)
def graphs_of_equal_models_traced_once() -> Iterator[None]:
    """Lets runs in this process that load equal models share the graphs of the first."""
    from enformer_vep.model import weights
    from tests.known_models import loading_equal_models_once

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "load_model", loading_equal_models_once())
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real genomes and variants beside the project; tests that need it are skipped without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the data beside the project are not there: {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_genome(shared_data: Path) -> str:
    """hg38 chr1:1-1,000,000, on which the golden figures were computed."""
    return str(shared_data / "genome" / "hg38_chr1_1m.fa.gz")


@pytest.fixture(scope="session")
def model() -> "Enformer":
    """A tiny model with the reference weights; no test may change it."""
    from tests.support import TINY_CONFIG, reference_model

    return reference_model(TINY_CONFIG)


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model with the sizes and the reference weights of the small goldens."""
    from enformer_vep.model.weights import save_model
    from tests.support import SMALL_CONFIG, reference_model

    folder = tmp_path_factory.mktemp("small") / "model"
    save_model(reference_model(SMALL_CONFIG), folder)
    return folder


@pytest.fixture
def tiny_demo(model: "Enformer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model stands where the demo model does, with its name and notice."""
    from enformer_vep.model.location import locate_model
    from enformer_vep.model.weights import save_model

    said = json.loads((locate_model("demo").prefix.parent / "config.json").read_text(encoding="utf-8"))
    save_model(model, tmp_path / "package" / "model", name=said["name"], notice=said["notice"])
    monkeypatch.setattr("enformer_vep.model.location.files", lambda package: tmp_path / "package")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, model: "Enformer") -> Path:
    """The tiny model, a genome, and a VCF of six alleles, one of which is skipped."""
    from enformer_vep.model.weights import save_model
    from tests.support import random_sequence, write_fasta, write_vcf

    folder = tmp_path_factory.mktemp("inputs")
    save_model(model, folder / "model")
    contig = random_sequence(5000)
    write_fasta(folder / "genome.fa", {"chr1": contig})
    records = [("chr1", pos, ".", contig[pos - 1], "ACGT"[(pos % 4)]) for pos in range(2000, 2005)]
    write_vcf(folder / "input.vcf", [*records, ("chr1", 2005, ".", "A", "<DEL>")])
    return folder


@pytest.fixture
def arguments(inputs: Path, tmp_path: Path) -> list[str]:
    """The command that scores `inputs` to `tmp_path / "out.tsv"`."""
    paths = {"-f": inputs / "genome.fa", "-m": inputs / "model", "-o": tmp_path / "out.tsv"}
    return ["score", str(inputs / "input.vcf"), *(str(word) for option in paths.items() for word in option)]


@pytest.fixture(scope="session")
def full_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official size with the reference weights: 1 GB on disk, written in a process of its own to spare memory."""
    folder = tmp_path_factory.mktemp("full") / "model"
    script = (
        "from pathlib import Path\nfrom enformer_vep.inference.device import import_tensorflow\nimport_tensorflow()\n"
        "from enformer_vep.model.config import OFFICIAL_CONFIG\nfrom enformer_vep.model.weights import save_model\n"
        "from tests.support import reference_model\nimport sys\n"
        "save_model(reference_model(OFFICIAL_CONFIG), Path(sys.argv[1]))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, cwd=Path(__file__).parents[1])
    (folder / "config.json").unlink()  # as the published checkpoint stands: its sizes are read from its tensors
    return folder
