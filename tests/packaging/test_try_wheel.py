import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest

from tests.packaging.conftest import ROOT

SCRIPT = ROOT / "tools" / "try_wheel.py"

METADATA = """Metadata-Version: 2.4
Name: enformer-vep
Version: 1.2.3
Classifier: Programming Language :: Python :: 3
Classifier: Programming Language :: Python :: 3.10
Classifier: Programming Language :: Python :: 3.13
Requires-Dist: tensorflow>=2.16.1
Requires-Dist: protobuf>=4.25; python_version < "3.13"
Requires-Dist: protobuf>=5.28.3; python_version >= "3.13"
Provides-Extra: gpu
Requires-Dist: tensorflow[and-cuda]>=2.16.1; extra == "gpu"
Provides-Extra: plots
Requires-Dist: matplotlib>=3.8; extra == "plots"
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "enformer_vep-1.2.3-py3-none-any.whl"
    with ZipFile(path, "w") as file:
        file.writestr("enformer_vep-1.2.3.dist-info/METADATA", METADATA)
    return path


def script(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True, check=False)


def test_cases_are_the_pythons_and_the_extras_with_newest_and_lowest_versions(wheel: Path) -> None:
    expected = [
        "3.10-newest",
        "3.10-lowest",
        "3.13-newest",
        "3.13-lowest",
        "gpu-newest",
        "plots-newest",
        "plots-lowest",
    ]
    assert script(wheel, "--list").stdout.split() == expected


def test_what_is_installed_depends_on_the_python_and_the_extra(wheel: Path) -> None:
    opened = SimpleNamespace(**runpy.run_path(str(SCRIPT))).Wheel.open(wheel)
    assert list(map(str, opened.requirements("3.10", None))) == ["tensorflow>=2.16.1", "protobuf>=4.25"]
    assert list(map(str, opened.requirements("3.13", "plots"))) == [
        "tensorflow>=2.16.1",
        "protobuf>=5.28.3",
        "matplotlib>=3.8",
    ]
    assert str(opened.requirements("3.13", "gpu")[-1]) == "tensorflow[and-cuda]>=2.16.1"


def test_unusable_arguments_are_refused(wheel: Path, tmp_path: Path) -> None:
    done = script(wheel, "--only", "plots-newest", "3.9-newest")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("no such case: 3.9-newest; --list prints all")
    done = script(tmp_path / "missing.whl")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("missing.whl is not a wheel: build one with make dist")
