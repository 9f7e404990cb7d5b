"""A source distribution and a wheel, built once from a copy of the checkout."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_LOCAL = ("dist", "build", "demo", "train-demo")
"""What commands of the Makefile leave at the root; `.gitignore` has them."""


@dataclass(frozen=True)
class Built:
    """What was built, and from which files.

    Attributes:
      source: paths of the files of the checkout, but for what begins with a dot at its root.
      sdist: paths of the files in the source distribution, below its one folder.
      wheel: the wheel's path.
    """

    source: frozenset[str]
    sdist: frozenset[str]
    wheel: Path

    def wheel_names(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as file:
            return set(file.namelist())

    def read(self, name: str) -> str:
        """Returns a text of the wheel's folder of metadata."""
        with zipfile.ZipFile(self.wheel) as file:
            return file.read(f"{self.wheel.name.rsplit('-', 3)[0]}.dist-info/{name}").decode()

    def metadata(self) -> Message:
        return Parser().parsestr(self.read("METADATA"))


def _ignored(folder: str, names: list[str]) -> Iterator[str]:
    at_root = Path(folder) == ROOT
    for name in names:
        is_made = name == "__pycache__" or name.endswith((".egg-info", ".pyc"))
        if is_made or (at_root and (name.startswith(".") or name in _LOCAL)):
            yield name


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if find_spec("build") is None or int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("building needs the packages build and setuptools>=77, which the extra 'test' has")
    folder = tmp_path_factory.mktemp("built")
    copy = folder / "source"
    shutil.copytree(ROOT, copy, ignore=lambda *found: set(_ignored(*found)))
    source = frozenset(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(sdist) as file:
        inside = frozenset(name.partition("/")[2] for name in file.getnames() if not file.getmember(name).isdir())
    return Built(source, inside, wheel)
