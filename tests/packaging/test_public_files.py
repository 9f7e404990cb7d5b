"""The files by which registries and people know the project: they agree with the package, and with their schemas."""

import json
import re
from configparser import ConfigParser
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from packaging.requirements import Requirement

import enformer_vep

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "packaging" / "bioconda" / "meta.yaml"


def setup_cfg() -> ConfigParser:
    found = ConfigParser()
    found.read(ROOT / "setup.cfg")
    return found


@pytest.fixture(scope="module")
def recipe() -> Any:
    """The recipe as conda-build renders it."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    pin = "{name} >={version},<{version}.1".format
    rendered = environment.from_string(RECIPE.read_text()).render(
        PYTHON="$PYTHON",
        pin_subpackage=lambda name, max_pin: pin(name=name, version=f"{enformer_vep.__version__}#{max_pin}"),
    )
    return yaml.safe_load(rendered)


def test_the_recipe_requires_what_the_package_requires(recipe: Any) -> None:
    python, *run = recipe["requirements"]["run"]
    assert python == f"python {setup_cfg()['options']['python_requires']}"
    assert python in recipe["requirements"]["host"]
    requirements = map(Requirement, setup_cfg()["options"]["install_requires"].strip().splitlines())
    # A package for every Python has the highest of the lower bounds that differ between them.
    wanted = [
        f"{name} {max((str(one.specifier) for one in of_name), key=_version)}"
        for name, of_name in groupby(requirements, key=lambda one: one.name)
    ]
    assert run == wanted


def _version(specifier: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", specifier)]


def test_the_recipe_follows_biocondas_rules(recipe: Any) -> None:
    assert recipe["package"] == {"name": "enformer-vep", "version": enformer_vep.__version__}
    assert recipe["build"]["noarch"] == "python"
    assert "--no-deps --no-build-isolation" in recipe["build"]["script"]
    (exported,) = recipe["build"]["run_exports"]
    assert exported.startswith("enformer-vep >=")
    assert recipe["build"]["entry_points"] == setup_cfg()["options.entry_points"]["console_scripts"].strip().split("\n")
    assert re.fullmatch("[0-9a-f]{64}", recipe["source"]["sha256"])
    assert recipe["source"]["url"].endswith(f"/enformer_vep-{enformer_vep.__version__}.tar.gz")
    build = yaml.safe_load(
        "[" + ROOT.joinpath("pyproject.toml").read_text().split("requires = [")[1].split("]")[0] + "]"
    )
    assert [one.replace(" ", "") for one in recipe["requirements"]["host"][2:]] == build
    patterns = setup_cfg()["metadata"]["license_files"].split()
    licences = [str(path.relative_to(ROOT)) for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    assert recipe["about"]["license_file"] == licences
    assert recipe["about"]["license"] == setup_cfg()["metadata"]["license_expression"]
    assert recipe["test"]["imports"] == ["enformer_vep"]
    assert recipe["about"]["summary"]


def test_the_citation_is_valid_and_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (enformer_vep.__version__, "Apache-2.0")
    # What the format requires: https://github.com/citation-file-format/citation-file-format, version 1.2.0.
    assert citation["cff-version"] == "1.2.0"
    assert citation.keys() >= {"message", "title", "authors"}
    assert citation["type"] == "software"
    (article,) = citation["references"]
    assert article.keys() >= {"type", "title", "authors"}
    assert all(author.keys() == {"family-names", "given-names"} for author in article["authors"])
    assert re.fullmatch(r"10\.\d{4,9}/\S+", article["doi"])


def test_zenodo_has_what_it_requires() -> None:
    deposit = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert deposit.keys() >= {"title", "description", "upload_type", "creators", "license"}
    assert (deposit["version"], deposit["license"]) == (enformer_vep.__version__, "Apache-2.0")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert [one["name"] for one in deposit["creators"]] == [one["name"] for one in citation["authors"]]
    assert deposit["title"] == citation["title"]


FORMS = ("wrong_number.yml", "crash.yml", "question.yml")


def test_issue_forms_are_what_the_platform_reads() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    assert {path.name for path in folder.iterdir()} == {*FORMS, "config.yml"}
    for name in FORMS:
        _check_form(folder / name)


def _check_form(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert form.keys() == {"name", "description", "labels", "body"}
    identifiers = [item["id"] for item in form["body"]]
    assert len(set(identifiers)) == len(identifiers)
    for item in form["body"]:
        assert item["type"] in {"textarea", "input", "dropdown", "markdown", "checkboxes"}
        assert item["attributes"]["label"]
        assert item.keys() <= {"type", "id", "attributes", "validations"}


def test_every_python_of_the_classifiers_is_tested() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    steps = [step.get("with", {}).get("python-version") for step in jobs["all"]["steps"]]
    tested = {*jobs["quick"]["strategy"]["matrix"]["python"], *(version for version in steps if version)}
    pattern = r"Programming Language :: Python :: (3\.\d+)"
    assert tested == set(re.findall(pattern, setup_cfg()["metadata"]["classifiers"]))
