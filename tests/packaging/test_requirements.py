"""What setup.cfg asks for is what the package imports, and each extra is documented and tried."""

import ast
import re
import runpy
import sys
from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.conftest import ROOT

DISTRIBUTIONS = {
    "google.protobuf": "protobuf",
    "google_crc32c": "google-crc32c",
    "joblib": "scikit-learn",
    "markupsafe": "jinja2",
    "sklearn": "scikit-learn",
    "sonnet": "dm-sonnet",
    "urllib3": "requests",
}
"""What a module belongs to, or comes with, where the names differ."""

NOT_NEEDED = {"polars", "typing-extensions"}
"""Imported only where a user hands over an object of it, or when types are checked."""

DEVELOPERS = {"dev", "docs", "release", "test"}
"""Extras for work in a checkout."""


def setup_cfg() -> ConfigParser:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def extras() -> dict[str, list[Requirement]]:
    found = setup_cfg()["options.extras_require"]
    return {name: list(map(Requirement, lines.strip().splitlines())) for name, lines in found.items()}


def needed() -> list[Requirement]:
    return list(map(Requirement, setup_cfg()["options"]["install_requires"].strip().splitlines()))


def imported(path: Path) -> set[str]:
    """Returns the distributions whose modules a file imports, by the names that setup.cfg uses."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module)
    found = set()
    for module in modules:
        top, _, rest = module.partition(".")
        if top not in sys.stdlib_module_names and top != "enformer_vep":
            name = f"{top}.{rest.partition('.')[0]}" if top == "google" else top
            found.add(canonicalize_name(DISTRIBUTIONS.get(name, name)))
    return found


def names(requirements: list[Requirement]) -> set[str]:
    return {str(canonicalize_name(found.name)) for found in requirements}


def test_a_plain_install_brings_what_the_package_imports_and_no_more() -> None:
    used = set().union(*(imported(path) for path in (ROOT / "enformer_vep").rglob("*.py")))
    plain = names(needed())
    assert plain <= used
    optional = set().union(*(names(found) for name, found in extras().items() if name not in DEVELOPERS))
    assert used - plain - NOT_NEEDED <= optional


def test_every_requirement_of_users_has_a_lower_bound() -> None:
    for name, found in {"": needed(), **extras()}.items():
        if name not in DEVELOPERS:
            assert [str(one) for one in found if ">=" not in str(one.specifier)] == []


def test_extras_of_one_package_agree_on_its_bound() -> None:
    bounds: dict[str, set[str]] = {}
    for found in extras().values():
        for one in found:
            bounds.setdefault(canonicalize_name(one.name), set()).add(str(one.specifier))
    assert {name: found for name, found in bounds.items() if len(found) > 1} == {}


def test_each_extra_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", (ROOT / "docs" / "setup.md").read_text(encoding="utf-8"), re.MULTILINE)
    contributing = set(re.findall(r"^- `([a-z]+)`: ", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE))
    assert set(extras()) - DEVELOPERS <= set(rows)
    assert set(extras()) & DEVELOPERS <= contributing


def test_each_extra_is_tried_or_resolved_by_try_wheel() -> None:
    checks = set(runpy.run_path(str(ROOT / "tools" / "wheel_checks.py"))["CHECKS"])
    resolved = set(runpy.run_path(str(ROOT / "tools" / "try_wheel.py"))["RESOLVED_ONLY"])
    assert checks & resolved == set()
    assert set(extras()) <= checks | resolved
    assert (checks | resolved) - set(extras()) <= {"package", "docs"}
