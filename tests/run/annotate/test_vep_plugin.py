"""The VCF for Ensembl VEP's plugin Enformer, read as the plugin reads it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam
import pytest

from enformer_vep.cli import main
from enformer_vep.run.annotate import vep_plugin
from enformer_vep.run.annotate.vep_plugin import SortedLines
from tests.scored_vcfs import TRACKS, score
from tests.support import write_vcf

RECORDS = [
    ("2", 900, "rs;1", "a", "C,<DEL>,G"),
    ("chr1", 300, "x", "AC", "A"),
    ("2", 100, ".", "T", "G"),
    ("NC_000001.11", 200, "first", "G", "T"),
    ("MT", 5, ".", "A", "ACC"),
]

SORTED = [
    ("chr2", 100, ".", "T", "G", 2, 1),
    ("chr2", 900, "rs;1", "A", "C", 0, 1),
    ("chr2", 900, "rs;1", "A", "G", 0, 3),
    ("chr1", 200, "first", "G", "T", 3, 1),
    ("chr1", 300, "x", "AC", "A", 1, 1),
    ("chrMT", 5, ".", "A", "ACC", 4, 1),
]
"""The scored alleles of RECORDS as they are to be written, with the numbers of record and allele."""


@pytest.fixture
def vcf(tmp_path: Path) -> str:
    return write_vcf(tmp_path / "input.vcf", RECORDS)


def parse_data(line: str) -> dict[str, Any]:
    """What Enformer.pm (Ensembl/VEP_plugins, `parse_data`) makes of a line."""
    chrom, start, _, ref, alt, _, _, data = line.split("\t")[:8]
    match = re.search("chr(.+)", chrom)
    assert match
    pieces = data.split("SAD")
    others = pieces[1].split(";")
    sad, sar = others[0].replace("=", "", 1), re.sub(".+=", "", others[1])
    return {"chr": match[1], "start": start, "ref": ref, "alt": alt, "PC": pieces[0], "SAD": sad, "SAR": sar}


def lines_of(path: Path) -> list[str]:
    with pysam.BGZFile(str(path)) as file:
        return [line.decode() for line in file if not line.startswith(b"#")]


@pytest.mark.parametrize("chunk_lines", [200_000, 2])
@pytest.mark.parametrize("name", ["s.parquet", "s.tsv"])
@pytest.mark.parametrize("info", [None, "ENC1,CNhs1"])
def test_the_plugin_reads_sad_and_sar(
    vcf: str, tmp_path: Path, name: str, info: str | None, chunk_lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vep_plugin, "_CHUNK_LINES", chunk_lines)
    scores = score(vcf, tmp_path / name, statistics=("JS", "SAR", "SAD"), has_percentiles=True)
    out = tmp_path / "out.vcf.gz"
    chosen = [] if info is None else ["--info", info]
    assert main(["annotate", vcf, str(scores), "--vep-plugin", "-o", str(out), *chosen, "-q"]) == 0
    table = pd.read_parquet(scores) if name.endswith("parquet") else pd.read_csv(scores, sep="\t")
    table = table.set_index(["record", "allele"])
    tracks = TRACKS.identifiers if info is None else info.split(",")
    lines = lines_of(out)
    assert [tuple(line.split("\t")[:5]) for line in lines] == [tuple(map(str, row[:5])) for row in SORTED]
    for line, (contig, pos, _, ref, alt, record, allele) in zip(lines, SORTED, strict=True):
        found = parse_data(line)
        row = table.loc[(record, allele)]
        track = max(tracks, key=lambda each: abs(row[f"SAR:{each}"]))
        assert (found["chr"], found["start"]) == (contig[3:], str(pos))
        assert (found["ref"], found["alt"], found["PC"]) == (ref, alt, "")
        assert np.float32(found["SAD"]) == np.float32(row[f"SAD:{track}"])
        assert np.float32(found["SAR"]) == np.float32(row[f"SAR:{track}"])
    with pysam.TabixFile(str(out)) as file:
        assert [line.split("\t")[2] for line in file.fetch("chr2", 850, 1000)] == ["rs;1", "rs;1"]
        assert file.contigs == ["chr2", "chr1", "chrMT"]
    with pysam.VariantFile(str(out)) as variants:
        assert {tuple(record.info)[:2] for record in variants} == {("SAD", "SAR")}


def test_components_go_before_sad(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    vcf = write_vcf(tmp_path / "many.vcf", [("1", pos, ".", "A", "C") for pos in range(100, 140)])
    scores = str(score(vcf, tmp_path / "s.parquet"))
    fitted = ["--fit", f"{tmp_path}/t.npz", "--num", "2", "-q"]
    table = tmp_path / "c.parquet"
    assert main(["components", scores, "-o", str(table), *fitted]) == 0
    assert main(["components", scores, "-o", f"{tmp_path}/c.tsv.gz", "--overwrite", *fitted]) == 0
    wanted = pd.read_parquet(table)
    for number, made in enumerate((table, tmp_path / "c.tsv.gz")):
        out = tmp_path / f"{number}.vcf.gz"
        assert main(["annotate", vcf, scores, "--vep-plugin", "--components", str(made), "-o", str(out), "-q"]) == 0
        found = [re.fullmatch(r"PC0=(.+);PC1=(.+);", parse_data(line)["PC"]) for line in lines_of(out)]
        numbers = [[np.float32(value) for value in match.groups()] for match in found if match]
        np.testing.assert_array_equal(np.array(numbers), wanted[["PC0", "PC1"]].to_numpy())
    other = str(score(vcf, tmp_path / "other.parquet", precision="float32"))
    capsys.readouterr()
    command = ["annotate", vcf, other, "--vep-plugin", "-o", f"{tmp_path}/x.vcf.gz", "--components"]
    assert main([*command, str(table)]) == 2
    assert "c.parquet has the components of other scores than" in capsys.readouterr().err
    assert main([*command, scores]) == 2
    assert "s.parquet is not an output of 'enformer-vep components'" in capsys.readouterr().err


def test_what_the_plugin_cannot_have(vcf: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    scores = str(score(vcf, tmp_path / "s.tsv", statistics=("SAD",)))
    only = str(score(vcf, tmp_path / "only.tsv", summary="only"))
    out = ["-o", str(tmp_path / "x.vcf.gz")]
    cases = {
        "s.tsv has SAD and no SAR: score with --stats SAR": [vcf, scores, "--vep-plugin", *out],
        "only.tsv is a summary": [vcf, only, "--vep-plugin", *out],
        "expected a name that ends in .vcf.gz": [vcf, scores, "--vep-plugin", "-o", str(tmp_path / "x.vcf")],
        "--stat does not go with --vep-plugin": [vcf, scores, "--vep-plugin", "--stat", "SAD", *out],
        "--components goes only with --vep-plugin": [vcf, scores, "--components", "c.parquet", *out],
    }
    before = sorted(tmp_path.iterdir())
    for message, words in cases.items():
        assert main(["annotate", *words]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("chunk_lines", [1, 7, 1000])
def test_lines_are_sorted_and_equal_ones_keep_their_order(
    chunk_lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vep_plugin, "_CHUNK_LINES", chunk_lines)
    rng = np.random.default_rng(1)
    lines = [(int(a), int(b), b"%d\tx\n" % number) for number, (a, b) in enumerate(rng.integers(0, 5, (100, 2)))]
    with SortedLines(tmp_path) as found:
        for line in lines:
            found.add(line)
        assert list(found.read()) == [text for *_, text in sorted(lines, key=lambda line: line[:2])]
    assert list(tmp_path.iterdir()) == []
