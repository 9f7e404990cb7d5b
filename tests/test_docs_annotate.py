"""The bcftools commands of docs/annotate.md run on an annotated VCF, where bcftools is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from enformer_vep.cli import main
from tests.scored_vcfs import score
from tests.support import named_tracks, write_vcf

PAGE = (Path(__file__).parents[1] / "docs" / "annotate.md").read_text(encoding="utf-8")

COMMANDS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

TRACKS = named_tracks({"ENCFF833POA": "DNASE:a", "CNhs10608": "CAGE:b, c"})


def has_split_vep() -> bool:
    command = ["bcftools", "+split-vep", "--help"]
    return (
        shutil.which("bcftools") is not None
        and b"split-vep" in subprocess.run(command, capture_output=True, check=False).stderr
    )


needs_bcftools = pytest.mark.skipif(not has_split_vep(), reason="bcftools with +split-vep is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with annotated.vcf.gz: ten records, the first of which has three ALTs, one of them skipped."""
    folder = tmp_path_factory.mktemp("annotated")
    records = [("chr1", pos, ".", "A", "C,<DEL>,AT" if pos == 100 else "G") for pos in range(100, 110)]
    vcf = write_vcf(folder / "input.vcf", records, contigs=("chr1",))
    scores = score(vcf, folder / "s.parquet", tracks=TRACKS, gene_columns="summary")
    out = ["-o", str(folder / "annotated.vcf.gz"), "--info", "CNhs10608", "-q"]
    assert main(["annotate", vcf, str(scores), *out]) == 0
    return folder


def run(command: str, folder: Path) -> list[str]:
    found = subprocess.run(["bash", "-eo", "pipefail", "-c", command], cwd=folder, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr.decode()
    return found.stdout.decode().splitlines()


def test_there_are_four_blocks() -> None:
    assert len(COMMANDS) == 4


@needs_bcftools
def test_split_vep_shows_the_subfields_of_each_allele(folder: Path) -> None:
    rows = [line.split("\t") for line in run(COMMANDS[0], folder)]
    assert [row[3:5] for row in rows[:3]] == [["C", "scored"], ["<DEL>", "symbolic_alt"], ["AT", "scored"]]
    assert len(rows) == 12
    assert [row[5] for row in rows[2:5]] == [".", "ABC", "a%20b%3Bc%3Dd%7C%C3%A9"]
    assert {row[6] for row in rows} == {"CNhs10608", "."}


@needs_bcftools
def test_records_are_selected_by_score(folder: Path) -> None:
    table = [line.split("\t") for line in run(COMMANDS[0], folder)]
    strong = [row[1:4] for row in table if row[7] != "." and abs(float(row[7])) > 1]
    assert 0 < len(strong) < 11
    run(COMMANDS[1], folder)
    shown = run("bcftools query -f '%POS\\t%REF\\t%ALT\\n' strong.vcf.gz", folder)
    assert [line.split("\t") for line in shown] == strong
    records = [line for line in run(COMMANDS[2], folder) if not line.startswith("#")]
    assert [line.split("\t")[1] for line in records] == sorted({row[0] for row in strong})


@needs_bcftools
def test_whole_entries_and_their_subfields(folder: Path) -> None:
    lines = run(COMMANDS[3], folder)
    assert lines[0].split("\t")[3].count(",") == 2
    assert len(lines) == 10 + 9
    names = ["STATUS", "GENE", *(f"{group}_{name}" for group in ("DNASE", "CAGE") for name in ("TRACK", "SCORE"))]
    assert {line.split("\t")[1] for line in lines[10:]} >= {*names, "Consequence"}
