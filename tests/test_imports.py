"""Who may import whom, as the design lays it down, and what a command may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "enformer_vep"

ALLOWED = {
    "wording": set(),
    "errors": set(),
    "genome": {"errors"},
    "io": {"errors", "genome"},
    "fetch": {"errors", "io"},
    "model": {"errors", "genome"},
    "plots": {"errors", "genome"},
    "scoring": {"genome"},
    "inference": {"errors", "genome", "model", "scoring"},
    "report": set(),
    "run": {"errors", "genome", "io", "fetch", "model", "inference", "scoring", "plots", "report"},
    "demo": {"errors", "genome", "model", "run"},
    "options": {"errors", "genome", "io", "fetch", "inference", "scoring", "run"},
    "api": {"errors", "genome", "io", "fetch", "inference", "model", "scoring", "plots", "run", "options"},
    "commands": {"errors", "genome", "io", "fetch", "scoring", "run", "demo", "options"},
    "cli": {"errors", "commands"},
    "__main__": {"cli"},
    "__init__": {"api", "demo", "errors", "genome"},
}


def room(module: str) -> str:
    """The room of the house that a module is in: 'io' for enformer_vep.io.vcf.reader."""
    return [*module.split("."), "__init__"][1]


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
        rooms |= {room(name) for name in names if name.split(".")[0] == "enformer_vep"}
    return rooms - {"__init__"}  # the version


def test_imports_go_one_way() -> None:
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        # How messages are worded is everybody's to use.
        assert imported_rooms(path) <= ALLOWED[own] | {own, "wording"}, path.relative_to(PACKAGE)


HEAVY = {"numpy", "pandas", "pysam", "pyarrow", "requests", "pooch", "platformdirs"}
DRAWING = {"matplotlib", "logomaker"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The modules that are loaded after each of these, one after the other in one interpreter of its own."""
    folder = tmp_path_factory.mktemp("imports")
    commands = {
        "help": (["--help"], 0),
        "fetch": (["fetch", "weights", "hg38", "--plan", "--cache", f"{folder}/cache"], 0),
        "background": (["background", "none.parquet", "-o", f"{folder}/b.parquet"], 2),
        "annotate": (["annotate", "none.vcf", "none.parquet", "-o", f"{folder}/o.vcf"], 2),
        "score": (["score", f"{folder}/none.vcf", "-f", "none.fa", "-m", "demo"], 2),
        "plot": (["plot", "chr1:5-9", "-f", "none.fa", "-m", "demo", "-o", f"{folder}/out.png"], 2),
        "tracks": (["tracks", "assay:CAGE,/CTCF/", "-m", "demo"], 0),
    }
    courses = {
        "fetch": "import enformer_vep.fetch.fetching, enformer_vep.run.weights",
        "background": "import enformer_vep.run.background.thousand_genomes",
        "annotate": "import enformer_vep.run.annotate.vep_plugin",
        "score": "import enformer_vep.run.score.course, enformer_vep.demo.run",
        "plot": "import enformer_vep.run.plot.course",
    }
    lines = ["import sys", "from enformer_vep.cli import main"]
    for name, (arguments, exit_code) in commands.items():
        lines += [courses.get(name, ""), f"assert main({arguments}) == {exit_code}"]
        lines.append(f"print('\\nLOADED', {name!r}, *sorted(sys.modules))")
    return modules_after(lines)


def modules_after(lines: list[str]) -> dict[str, set[str]]:
    """Runs a script; returns what it says was loaded at each of the places that it names."""
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    printed = [line.split() for line in run.stdout.splitlines() if line.startswith("LOADED ")]
    return {place: set(modules) for _, place, *modules in printed}


def test_help_loads_nothing_heavy(loaded: dict[str, set[str]]) -> None:
    assert not ({"tensorflow"} | HEAVY | DRAWING) & loaded["help"]


@pytest.mark.parametrize("course", ["fetch", "background", "annotate", "score", "plot", "tracks"])
def test_tensorflow_and_what_draws_are_not_imported_before_they_are_used(
    loaded: dict[str, set[str]], course: str
) -> None:
    assert not ({"tensorflow"} | DRAWING) & loaded[course]


def test_drawing_needs_neither_tensorflow_nor_a_window_system() -> None:
    lines = ["import sys, enformer_vep.plots.page, enformer_vep.plots.saving, logomaker, matplotlib"]
    lines.append("assert matplotlib.get_backend(auto_select=False) is None")
    assert "tensorflow" not in modules_after([*lines, "print('LOADED', 'drawing', *sorted(sys.modules))"])["drawing"]
