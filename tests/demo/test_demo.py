import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.demo.files import NUM_OF_KIND, write_demo
from enformer_vep.demo.recovery import Recovery
from enformer_vep.demo.run import NUM_ENHANCERS_SHOWN
from enformer_vep.demo.world import ENHANCER_REACH_BP, TRACKS, cage_track

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("demo")]

NOTICE = "mean nothing biologically"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The demo's folder, and what it printed on standard output and standard error."""
    folder = tmp_path_factory.mktemp("demo") / "new"
    run = subprocess.run(
        [sys.executable, "-m", "enformer_vep", "demo", str(folder)], capture_output=True, text=True, check=True
    )
    return folder, run.stdout, run.stderr


def test_the_files_are_the_same_each_time(demo: tuple[Path, str, str], tmp_path: Path) -> None:
    names = ("genome.fa", "variants.vcf", "genes.gtf")
    write_demo(*(tmp_path / name for name in names))
    for name in names:
        assert (tmp_path / name).read_bytes() == (demo[0] / name).read_bytes()


def test_the_demo_shows_the_tool_at_work(demo: tuple[Path, str, str], tmp_path: Path) -> None:
    folder, printed, warned = demo
    inputs = f"{folder}/variants.vcf -f {folder}/genome.fa -g {folder}/genes.gtf --gene-columns tracks"
    command = f"enformer-vep score {inputs} -m demo -o {folder}/demo.scores.tsv"
    assert f"$ {command}\n" in printed.replace(" \\\n    ", " ")  # it is broken before each option
    assert NOTICE in warned
    scores = pd.read_csv(folder / "demo.scores.tsv", sep="\t")
    skipped = pd.read_csv(folder / "demo.scores.tsv.skipped.tsv", sep="\t")
    assert [name for name in scores.columns if ":" in name] == [f"SAD:{track}" for track in TRACKS]
    assert len(scores) == sum(NUM_OF_KIND.values()) + 16
    assert {"insertion", "deletion", "mnv", "delins", "several_alts", "near_end"} <= set(scores["id"])
    assert set(skipped["reason"]) == {
        "no_alt",
        "spanning_deletion",
        "symbolic_alt",
        "breakend",
        "ref_mismatch",
        "ref_alt_swapped",
        "out_of_range",
        "contig_not_in_fasta",
    }
    # The command that was printed does the same again, here for one of the contigs.
    words = [*command.split()[1:-1], str(tmp_path / "again.tsv"), "--region", "made_up_2"]
    again = subprocess.run([sys.executable, "-m", "enformer_vep", *words], check=False)
    assert again.returncode == 0
    lines = (folder / "demo.scores.tsv").read_text().splitlines(keepends=True)
    expected = [line for line in lines if line.startswith(("chrom\t", "made_up_2\t"))]
    assert len(expected) > 10
    assert (tmp_path / "again.tsv").read_text() == "".join(expected)


def test_the_truth_is_at_the_top(demo: tuple[Path, str, str]) -> None:
    _, printed, _ = demo
    largest = [line for line in printed.splitlines() if "SAD:DEMO:CHIP:" in line]
    assert len(largest) == 10
    for line in largest:
        *_, column, score, kind, factor = line.split()
        assert column == f"SAD:DEMO:CHIP:{factor}"
        assert {"break": -1, "enhancer_break": -1, "create": 1}[kind] * float(score) > 0
    aurocs = re.findall(r"AUROC ([\d.]+)", printed)
    assert [float(auroc) >= least for auroc, least in zip(aurocs, (0.98, 0.95), strict=True)] == [True, True]


def test_it_shows_which_gene_is_concerned(demo: tuple[Path, str, str]) -> None:
    folder, printed, _ = demo
    shown = [line.split() for line in printed.splitlines() if "SADR:DEMO:CAGE:" in line]
    assert len(shown) == NUM_ENHANCERS_SHOWN
    genes = pd.read_csv(folder / "demo.scores.tsv.genes.tsv", sep="\t")
    for _, pos, _, _, factor, num_genes, name, distance, column, score in shown:
        of_allele = genes[genes["pos"] == int(pos)].set_index("gene_name")
        assert column == f"SADR:{cage_track(factor)}"
        assert len(of_allele) == int(num_genes)
        assert of_allele[column].abs().idxmax() == name
        assert of_allele.at[name, "distance"] == int(distance)
        assert abs(int(distance)) < ENHANCER_REACH_BP
        assert float(score) < 0


def test_the_code_on_genes_prints_what_the_page_says(
    demo: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "genes.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (expected,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(demo[0])
    exec(compile(code, "docs/genes.md", "exec"), {})
    found = capsys.readouterr().out
    for shown, line in zip(found.splitlines(), expected.splitlines(), strict=True):
        *words, score = line.split()
        *same, other = shown.split()
        assert same == words
        assert other == score or float(other) == pytest.approx(float(score), rel=0.02)  # other CPUs differ a little


def test_it_fits_100_columns_and_ends_on_what_to_conclude_and_do(demo: tuple[Path, str, str]) -> None:
    folder, printed, _ = demo
    lines = printed.replace(str(folder), "demo").splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-5].startswith("The installation works: scores recover the planted effects.")
    assert lines[-2].endswith("enformer-vep score input.vcf -f genome.fa")
    assert lines[-1].endswith(" demo/report.html")
    assert (folder / "report.html").is_file()


def test_a_model_that_misses_the_truth_is_said_to() -> None:
    good = Recovery(auroc=1.0, num_signs=40, num_right_signs=40, num_enhancers=12, num_lowered=12)
    assert good.is_good
    for worse in ({"auroc": 0.5}, {"num_right_signs": 20}, {"num_lowered": 6}):
        assert not replace(good, **worse).is_good


def test_everything_written_says_what_the_demo_model_is(demo: tuple[Path, str, str]) -> None:
    folder = demo[0]
    assert "means nothing biologically" in (folder / "genome.fa").read_text()[:200]
    assert "means nothing biologically" in (folder / "variants.vcf").read_text()[:200]
    assert NOTICE in json.loads((folder / "demo.scores.tsv.run.json").read_text())["notice"]
    tracks = pd.read_csv(folder / "demo.scores.tsv.tracks.tsv", sep="\t")
    assert tracks["description"].str.contains(NOTICE).all()
    header = (folder / "demo.scores.tsv").read_text().split("\n", 1)[0].split("\t")
    assert all("DEMO" in name for name in header[7:])
    assert "demo" in (folder / "demo.scores.tsv.skipped.tsv").name
    assert NOTICE in (folder / "report.html").read_text(encoding="utf-8")


def test_a_second_demo_wants_to_be_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "genome.fa").write_text("mine")
    assert main(["demo", str(tmp_path)]) == 2
    assert "genome.fa exists" in capsys.readouterr().err
    assert (tmp_path / "genome.fa").read_text() == "mine"
