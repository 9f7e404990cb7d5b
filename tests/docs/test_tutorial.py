"""The tutorial's notebook runs, and is stored with its outputs."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"

MAX_BYTES = 200_000


def test_it_is_stored_with_its_outputs_and_without_errors() -> None:
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"display_data", "execute_result"}
    assert sum("image/png" in output["data"] for output in outputs) == 3


def test_it_is_small_and_names_no_folder_of_a_machine() -> None:
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < MAX_BYTES
    text = re.sub(r'"image/png": "[^"]*"', "", text)
    assert re.search(r"/(?:home|root|tmp|work|Users)/", text) is None


@pytest.mark.full
@pytest.mark.skipif(find_spec("nbclient") is None, reason="nbclient is not installed")
def test_every_cell_runs_and_the_figures_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbclient
    import nbformat

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    for name in ("strongest.png", "saturated.png"):
        assert (tmp_path / name).stat().st_size > 5_000, name
