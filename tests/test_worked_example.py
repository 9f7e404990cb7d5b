"""The worked example of the docs: its code runs, and prints what the page says."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tools import worked_example

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@pytest.fixture
def folder(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for suffix in ("", ".tbi"):
        source = shared_data / "variants" / f"hg38_chr1_real_variants.vcf.gz{suffix}"
        (tmp_path / f"variants.vcf.gz{suffix}").symlink_to(source)
    for suffix in ("", ".fai", ".gzi"):
        (tmp_path / f"genome.fa.gz{suffix}").symlink_to(shared_data / "genome" / f"hg38_sparse.fa.gz{suffix}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_printed(found: str, shown: str) -> None:
    """Compares words exactly, and numbers to the digits that may differ between CPUs."""
    assert NUMBER.sub("#", " ".join(found.split())) == NUMBER.sub("#", " ".join(shown.split()))
    for one, other in zip(NUMBER.findall(found), NUMBER.findall(shown), strict=True):
        assert float(one) == pytest.approx(float(other), rel=0.02), (found, shown)


@pytest.mark.full
def test_the_page_shows_what_its_code_prints(folder: Path) -> None:
    worked_example.score()
    skipped = pd.read_csv("scores.parquet.skipped.tsv", sep="\t")
    assert len(pd.read_parquet("scores.parquet")) + len(skipped) == 1000
    printed, shown = worked_example.run_blocks(), worked_example.shown_blocks()
    assert len(printed) == len(shown) == 4
    for found, expected in zip(printed, shown, strict=True):
        assert_printed(found, expected)


@pytest.mark.full
@pytest.mark.xdist_group("official_size")
def test_its_code_reads_the_tracks_of_the_official_size(folder: Path, full_checkpoint: Path, shared_data: Path) -> None:
    table = shared_data / "tracks" / "targets_human.txt"
    region = "chr1:834000-834232"
    worked_example.score({"-m": str(full_checkpoint), "--track-table": str(table), "--region": region})
    matters, at_strongest, tissues, sql = worked_example.run_blocks()
    assert matters.startswith("6 alleles\n")
    assert len(re.findall(r"^ *(?:ENCFF|CNhs|GSM)\w+ +(?:DNASE|ATAC|CHIP|CAGE) ", at_strongest, re.MULTILINE)) == 5
    assert sum(int(line.split()[1]) for line in tissues.splitlines()) == 6
    assert sql.endswith("6 alleles in scores.parquet\n")
