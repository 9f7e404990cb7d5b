"""Files outside of the package that name its version by hand agree with it."""

import re
from pathlib import Path

import pytest

import enformer_vep
from tests.packaging.conftest import ROOT

# Each has one group: a version, of which there may be only the first parts (`>=0.1`).
_VERSION = r"v?(\d+(?:\.\d+)*)"
ANYWHERE = re.compile(rf"enformer[-_]vep(?:\[[a-z,]+\])?\"?'?(?: *[=<>~!]=? *|==|:|@|-){_VERSION}")
IN_FILE = {
    "meta.yaml": re.compile(rf"""set version = ["']{_VERSION}["']"""),
    "recipe.yaml": re.compile(rf"""^ +version: ["']?{_VERSION}["']?$""", re.MULTILINE),
    "CITATION.cff": re.compile(rf"""^version: ["']?{_VERSION}["']?$""", re.MULTILINE),
    ".zenodo.json": re.compile(rf'^ *"version": "{_VERSION}"', re.MULTILINE),
    "Dockerfile": re.compile(rf"""org\.opencontainers\.image\.version=["']?{_VERSION}"""),
}

FOLDERS = ("workflows", "packaging", ".github")


def files() -> list[Path]:
    below = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    at_root = [path for path in sorted(ROOT.iterdir()) if path.name in IN_FILE or path.suffix == ".def"]
    return [path for path in below + at_root if path.is_file() and path.suffix not in (".png", ".gz", ".pyc")]


def versions(name: str, text: str) -> list[str]:
    """Returns the versions of the package that a file names."""
    return ANYWHERE.findall(text) + (IN_FILE[name].findall(text) if name in IN_FILE else [])


def agrees(version: str) -> bool:
    return f"{enformer_vep.__version__}.".startswith(f"{version}.")


def test_every_version_outside_of_the_package_agrees_with_it() -> None:
    named = {str(path.relative_to(ROOT)): versions(path.name, path.read_text("utf-8", "replace")) for path in files()}
    assert any(named.values()), "no file names the version: the patterns of this test are out of date"
    wrong = {name: found for name, found in named.items() if not all(map(agrees, found))}
    assert wrong == {}, f"expected {enformer_vep.__version__}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("environment.yml", "  - bioconda::enformer-vep=1.2.3\n"),
        ("environment.yaml", "      - enformer-vep[gpu]>=1.2.3\n"),
        ("main.nf", "container 'quay.io/biocontainers/enformer-vep:1.2.3--pyhdfd78af_0'\n"),
        ("apptainer.def", 'pip install "enformer-vep==1.2.3"\n'),
        ("meta.yaml", '{% set version = "1.2.3" %}\n'),
        ("recipe.yaml", 'context:\n  version: "1.2.3"\n'),
        ("CITATION.cff", "version: 1.2.3\n"),
        (".zenodo.json", '  "version": "1.2.3",\n'),
        ("Dockerfile", 'LABEL org.opencontainers.image.version="1.2.3"\n'),
    ],
)
def test_versions_are_found(name: str, text: str) -> None:
    assert versions(name, text) == ["1.2.3"]
    assert not agrees("1.2.3")


def test_a_part_of_the_version_agrees_only_at_its_dots() -> None:
    major, minor, _ = enformer_vep.__version__.split(".")
    assert agrees(f"{major}.{minor}")
    assert not agrees(f"{major}.{minor}1")
