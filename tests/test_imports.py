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
    "api": {"errors", "genome", "io", "fetch", "inference", "model", "scoring", "plots", "run", "demo"},
    "commands": {"api", "errors", "genome", "io", "fetch", "inference", "scoring", "run", "demo"},
    "cli": {"errors", "commands"},
    "__main__": {"cli"},
    "__init__": {"api", "errors", "genome"},
}

MODULES = sorted(PACKAGE.rglob("*.py"))


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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    # How messages are worded is everybody's to use.
    assert imported_rooms(path) <= ALLOWED[own] | {own, "wording"}


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('LOADED', *sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.rsplit("LOADED", 1)[1].split())


def test_help_loads_nothing_heavy() -> None:
    loaded = modules_after("from enformer_vep.cli import main\nassert main(['--help']) == 0")
    heavy = {"tensorflow", "numpy", "pandas", "pysam", "pyarrow", "requests", "pooch", "platformdirs"}
    heavy |= {"matplotlib", "logomaker"}
    assert not heavy & loaded


def test_tensorflow_is_not_imported_before_a_model_runs(tmp_path: Path) -> None:
    code = (
        "import enformer_vep.run.score.pipeline, enformer_vep.demo.run\nfrom enformer_vep.cli import main\n"
        f"assert main(['score', {str(tmp_path / 'none.vcf')!r}, '-f', 'none.fa', '-m', 'demo']) == 2"
    )
    assert "tensorflow" not in modules_after(code)


def test_fetching_needs_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import enformer_vep.fetch.fetching, enformer_vep.run.weights\nfrom enformer_vep.cli import main\n"
        f"assert main(['fetch', 'weights', 'hg38', '--plan', '--cache', {str(tmp_path)!r}]) == 0"
    )
    assert "tensorflow" not in modules_after(code)


def test_tracks_are_listed_without_tensorflow() -> None:
    code = "from enformer_vep.cli import main\nassert main(['tracks', 'assay:CAGE,/CTCF/', '-m', 'demo']) == 0"
    assert "tensorflow" not in modules_after(code)


def test_backgrounds_are_made_without_tensorflow(tmp_path: Path) -> None:
    code = (
        "import enformer_vep.run.background.thousand_genomes\nfrom enformer_vep.cli import main\n"
        f"assert main(['background', 'none.parquet', '-o', {str(tmp_path / 'b.parquet')!r}]) == 2"
    )
    assert "tensorflow" not in modules_after(code)


def test_variants_are_plotted_with_no_window_system_and_matplotlib_comes_late(tmp_path: Path) -> None:
    out = str(tmp_path / "out.png")
    code = (
        "import enformer_vep.run.plot.course, enformer_vep.run.score.pipeline\nfrom enformer_vep.cli import main\n"
        f"assert main(['plot', 'chr1:5-9', '-f', 'none.fa', '-m', 'demo', '-o', {out!r}]) == 2\n"
    )
    loaded = modules_after(code)
    assert not {"tensorflow", "matplotlib", "logomaker"} & loaded
    drawing = "import enformer_vep.plots.page, enformer_vep.plots.saving, logomaker\n"
    chosen = "import matplotlib\nassert matplotlib.get_backend(auto_select=False) is None\n"
    assert "tensorflow" not in modules_after(drawing + chosen)


def test_a_vcf_is_annotated_without_tensorflow(tmp_path: Path) -> None:
    code = (
        "import enformer_vep.run.annotate.vep_plugin\nfrom enformer_vep.cli import main\n"
        f"assert main(['annotate', 'none.vcf', 'none.parquet', '-o', {str(tmp_path / 'o.vcf')!r}]) == 2"
    )
    assert "tensorflow" not in modules_after(code)
