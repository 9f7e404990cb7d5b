"""`score --annotate`: the annotated VCF beside the scores, and what is refused before the model runs."""

from pathlib import Path

import pytest

from enformer_vep.cli import main
from tests.support import write_vcf


@pytest.fixture
def command(folder: Path, tmp_path: Path) -> list[str]:
    records = [("chr1", 3000, "a", "A", "<DEL>,*"), ("chr1", 3001, "b", "N", "<DUP>")]
    write_vcf(tmp_path / "input.vcf", records, contigs=("chr1",))
    paths = ["-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", f"{tmp_path}/s.parquet"]
    return ["score", f"{tmp_path}/input.vcf", *paths, "--allow-mismatches", "-q", "--annotate", f"{tmp_path}/out.vcf"]


@pytest.mark.slow
def test_the_vcf_is_annotated_after_the_run(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(command) == 0
    found = (tmp_path / "out.vcf").read_bytes()
    assert found.count(b"ENFORMER=symbolic_alt|") == 2
    again = ["annotate", f"{tmp_path}/input.vcf", f"{tmp_path}/s.parquet", "-o", f"{tmp_path}/again.vcf", "-q"]
    assert main(again) == 0
    assert (tmp_path / "again.vcf").read_bytes() == found
    assert main([*command, "--resume"]) == 0  # of a finished run
    assert main([*command[:-1], f"{tmp_path}/out.bcf", "--resume"]) == 0
    assert main([*command[:-1], f"{tmp_path}/out.bcf", "--resume"]) == 0
    assert (tmp_path / "out.vcf").read_bytes() == found
    capsys.readouterr()
    for mine in ("mine", "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"):
        (tmp_path / "out.vcf").write_text(mine)
        assert main([*command, "--resume"]) == 2
        assert "out.vcf exists" in capsys.readouterr().err
        assert (tmp_path / "out.vcf").read_text() == mine
    assert main([*command, "--overwrite"]) == 0
    assert (tmp_path / "out.vcf").read_bytes() == found


def test_what_cannot_be_annotated_is_not_scored(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    variants = tmp_path / "list.txt"
    variants.write_text("chr1:3000:A:C\nchr1:3001:A:C\n")
    bare = write_vcf(tmp_path / "bare.vcf", [("chr1", 3000, "a", "A", "C")])
    cases = {
        "use 'annotate' when the shards are merged": [*command, "--shard", "1/2"],
        "standard input can be read only once": ["score", "-", *command[2:]],
        "--annotate needs scores in a file": [*command[:6], "-o", "-", *command[8:]],
        "expected a VCF with '##fileformat'": ["score", str(variants), *command[2:]],
        "and write the VCF beside it with --annotate s.vcf.gz": [*command[:6], "-o", "s.vcf.gz"],
        "cannot tell the format of": [*command[:-1], f"{tmp_path}/out.txt"],
        "does not declare contig chr1 (record 1); declare it": ["score", bare, *command[2:-1], f"{tmp_path}/out.bcf"],
        "input.vcf is the VCF itself": [*command[:-1], f"{tmp_path}/input.vcf", "--overwrite"],
        "out.vcf exists": command,
    }
    (tmp_path / "out.vcf").touch()
    before = sorted(tmp_path.iterdir())
    for message, words in cases.items():
        assert main(words) == 2, message
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
