import re
import subprocess
import sys
from pathlib import Path

import pytest

import enformer_vep
from tests.packaging.conftest import ROOT, Built

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("wheel")]  # a build takes some seconds


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(built: Built) -> None:
    package = {name for name in built.source if name.startswith("enformer_vep/")}
    names = built.wheel_names()
    assert {name for name in names if ".dist-info/" not in name} == package
    assert {"enformer_vep/py.typed", "enformer_vep/demo/model/config.json", "enformer_vep/report/page.js"} <= package
    folder = f"enformer_vep-{enformer_vep.__version__}.dist-info/"
    vendored = {f"{folder}licenses/{name}" for name in package if name.endswith(".LICENSE")}
    assert len(vendored) == 2
    own = {folder + name for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")}
    assert names - package == vendored | own | {f"{folder}licenses/LICENSE"}


def test_the_source_distribution_has_the_repository(built: Built) -> None:
    made = {"PKG-INFO", *(name for name in built.sdist if name.startswith("enformer_vep.egg-info/"))}
    assert built.sdist - made == built.source
    assert {"tests/data/full.npz", "docs/report.png", "setup.py", "enformer_vep/report/vendor/uPlot.LICENSE"} <= (
        built.sdist
    )


def test_the_metadata_name_the_version_the_licences_and_the_pythons(built: Built) -> None:
    metadata = built.metadata()
    assert metadata["Name"] == "enformer-vep"
    assert metadata["Version"] == enformer_vep.__version__
    assert metadata["License-Expression"] == "Apache-2.0 AND MIT"
    assert metadata.get_all("License-File") == [
        "LICENSE",
        "enformer_vep/report/vendor/tabulator.LICENSE",
        "enformer_vep/report/vendor/uPlot.LICENSE",
    ]
    pythons = re.findall(r"Python :: (3\.\d+)", "\n".join(metadata.get_all("Classifier", [])))
    assert pythons == ["3.10", "3.11", "3.12", "3.13"]
    assert metadata["Requires-Python"] == f">={pythons[0]}"


def test_the_description_is_the_readme_without_dead_links(built: Built) -> None:
    metadata = built.metadata()
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = str(metadata.get_payload())
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    first, last = (
        (ROOT / "README.md").read_text(encoding="utf-8").split("\n")[0],
        "The Enformer model and its weights are",
    )
    assert text.startswith(f"{first}\n")
    assert last in text


def test_the_program_starts_from_the_wheel_outside_of_the_checkout(built: Built, tmp_path: Path) -> None:
    place, home = tmp_path / "place", tmp_path / "home"
    home.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(place)]
    subprocess.run([*install, str(built.wheel)], check=True, cwd=home, capture_output=True)
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(place)}
    done = subprocess.run(
        [str(place / "bin" / "enformer-vep"), "--version"], env=environment, cwd=home, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.split()[-1]) == (0, enformer_vep.__version__), done.stderr
    where = [sys.executable, "-c", "import enformer_vep; print(enformer_vep.__file__)"]
    found = subprocess.run(where, env=environment, cwd=home, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(found) == place / "enformer_vep" / "__init__.py"
    assert list(home.iterdir()) == []
