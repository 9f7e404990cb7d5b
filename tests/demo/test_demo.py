import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.demo.files import NUM_OF_KIND

NOTICE = "mean nothing biologically"


def test_the_demo_shows_the_tool_at_work(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", str(folder)]) == 0
    captured = capsys.readouterr()
    command = f"enformer-vep score {folder}/variants.vcf -f {folder}/genome.fa -m demo -o {folder}/demo.scores.tsv"
    assert f"$ {command}\n" in captured.out
    assert "SAD:demo_human_0" in captured.out
    assert NOTICE in captured.err
    scores = pd.read_csv(folder / "demo.scores.tsv", sep="\t")
    skipped = pd.read_csv(folder / "demo.scores.tsv.skipped.tsv", sep="\t")
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
    assert scores.filter(like="SAD:").abs().to_numpy().min(axis=1).max() > 0
    # The command that was printed does the same again.
    again = subprocess.run(
        [sys.executable, "-m", "enformer_vep", *command.split()[1:-1], str(tmp_path / "again.tsv")], check=False
    )
    assert again.returncode == 0
    assert (tmp_path / "again.tsv").read_bytes() == (folder / "demo.scores.tsv").read_bytes()


def test_everything_written_says_what_the_demo_model_is(tmp_path: Path) -> None:
    assert main(["demo", str(tmp_path), "-q"]) == 0
    assert "means nothing biologically" in (tmp_path / "genome.fa").read_text()[:200]
    assert "means nothing biologically" in (tmp_path / "variants.vcf").read_text()[:200]
    assert NOTICE in json.loads((tmp_path / "demo.scores.tsv.run.json").read_text())["notice"]
    tracks = pd.read_csv(tmp_path / "demo.scores.tsv.tracks.tsv", sep="\t")
    assert tracks["description"].str.contains(NOTICE).all()
    header = (tmp_path / "demo.scores.tsv").read_text().split("\n", 1)[0].split("\t")
    assert all("demo" in name for name in header[7:])
    assert "demo" in (tmp_path / "demo.scores.tsv.skipped.tsv").name


def test_a_second_demo_wants_to_be_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "genome.fa").write_text("mine")
    assert main(["demo", str(tmp_path)]) == 2
    assert "genome.fa exists" in capsys.readouterr().err
    assert (tmp_path / "genome.fa").read_text() == "mine"
