"""What `annotate` refuses, in one line and with nothing written, and what it says of indexes."""

import os
import signal
from pathlib import Path

import pysam
import pytest

from enformer_vep.cli import main
from enformer_vep.io.tables.score_rows import ScoreRows
from enformer_vep.run.identities import SelectionIdentity
from tests.scored_vcfs import score
from tests.support import file_system, write_vcf

RECORDS = [("chr1", pos, f"rs{pos}", "A", "C,G") for pos in (100, 200, 300, 400)]


@pytest.fixture
def vcf(tmp_path: Path) -> str:
    return write_vcf(tmp_path / "input.vcf", RECORDS, contigs=("chr1", "chr2"))


@pytest.fixture
def scores(vcf: str, tmp_path: Path) -> Path:
    return score(vcf, tmp_path / "s.tsv")


def refusal(capsys: pytest.CaptureFixture, vcf: str, scores: Path | str, out: Path, *more: str, code: int = 2) -> str:
    before = sorted(out.parent.iterdir())
    assert main(["annotate", vcf, str(scores), "-o", str(out), *more]) == code
    error = capsys.readouterr().err
    assert error.startswith("enformer-vep: error: ")
    assert error.count("\n") == 1
    assert sorted(out.parent.iterdir()) == before
    return str(error)


def test_scores_of_another_vcf(vcf: str, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    other = write_vcf(tmp_path / "other.vcf", RECORDS[1:])
    assert "has the scores of another VCF" in refusal(capsys, other, scores, tmp_path / "out.vcf")


CHANGES = {
    "another ALT": (b"\tA\tG\t1\t2\t", b"\tA\tT\t1\t2\t", "has chr1 200 A T as allele 2 of record 2, and the VCF has"),
    "another POS": (b"chr1\t300\t", b"chr1\t301\t", "has chr1 301 A C as allele 1 of record 3"),
    "an allele twice": (b"\tA\tG\t1\t2\t", b"\tA\tG\t1\t1\t", "as allele 1 of record 2"),
    "another order": (b"\tA\tG\t1\t2\t", b"\tA\tG\t0\t2\t", "is not in the order of its VCF"),
    "records beyond the end": (b"\tA\tG\t3\t2\t", b"\tA\tG\t9\t2\t", "has 1 allele of record 4, and the VCF has 2"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_rows_of_other_alleles(
    case: str, vcf: str, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    old, new, message = CHANGES[case]
    content = scores.read_bytes()
    assert content.count(old) in (1, 2)
    scores.write_bytes(content.replace(old, new, 1))
    assert message in refusal(capsys, vcf, scores, tmp_path / "out.vcf.gz")


def test_rows_that_are_missing(vcf: str, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    lines = scores.read_bytes().splitlines(keepends=True)
    scores.write_bytes(b"".join(lines[:-2]))
    assert "has no row for record 4 of the VCF" in refusal(capsys, vcf, scores, tmp_path / "out.vcf.gz")
    (tmp_path / "s").mkdir()
    some = score(vcf, tmp_path / "s" / "s.tsv", selection=SelectionIdentity(1, False, None, "g"))
    some.write_bytes(b"".join(lines[:-2]))
    message = "has 6 alleles with the skipped ones, but its run record says 8"
    assert message in refusal(capsys, vcf, some, tmp_path / "out.vcf.gz")


def test_files_that_are_missing_or_damaged(
    vcf: str, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    skipped = Path(f"{scores}.skipped.tsv")
    skipped.write_bytes(skipped.read_bytes() + b"x\t1\n")
    assert "s.tsv.skipped.tsv line 2 is damaged" in refusal(capsys, vcf, scores, tmp_path / "out.vcf")
    skipped.unlink()
    assert "s.tsv.skipped.tsv: it goes with" in refusal(capsys, vcf, scores, tmp_path / "out.vcf")


def test_lines_without_info_are_named(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    vcf = tmp_path / "input.vcf"
    text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    vcf.write_text(f"{text}chr1\t5\t.\tA\tC\nchr1\t{'9' * 5000}\t.\tA\tC\t.\t.\tDB\n")
    scores = score(str(vcf), tmp_path / "s.tsv")
    assert main(["annotate", str(vcf), str(scores), "-o", str(tmp_path / "out.vcf"), "-q"]) == 0
    assert "1 record of " in (error := capsys.readouterr().err)
    assert "not annotated, as the column INFO is missing there" in error
    added = [line for line in (tmp_path / "out.vcf").read_text().splitlines() if line not in vcf.read_text()]
    assert len(added) == 2


def test_what_cannot_be_annotated(vcf: str, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out.vcf"
    assert "cannot tell the format of" in refusal(capsys, vcf, scores, tmp_path / "out.txt")
    assert "standard input" in refusal(capsys, "-", scores, out)
    assert "has SAD, SAR and no JS" in refusal(capsys, vcf, scores, out, "--stat", "JS")
    assert "no track '99'" in refusal(capsys, vcf, scores, out, "--info", "99")
    only = score(vcf, tmp_path / "1.tsv", summary="only")
    assert "leave out --info" in refusal(capsys, vcf, only, out, "--info", "0")
    lines = tmp_path / "list.txt"
    lines.write_text("chr1:100:A:C\nchr1:200:A:C\n")
    listed = score(str(lines), tmp_path / "2.tsv")
    assert "expected a VCF with '##fileformat'" in refusal(capsys, str(lines), listed, out)
    out.touch()
    assert "exists" in refusal(capsys, vcf, scores, out)
    assert "input.vcf itself" in refusal(capsys, vcf, scores, Path(vcf), "--overwrite")


@pytest.mark.slow
def test_a_shard_is_to_be_merged(tmp_path: Path, inputs: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["score", f"{inputs}/input.vcf", "-f", f"{inputs}/genome.fa", "-m", f"{inputs}/model", "-q"]
    parts = [str(tmp_path / f"{number}.parquet") for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        assert main([*command, "--shard", f"{number}/2", "-o", part]) == 0
    assert "shard 2 of 2: put all shards together" in refusal(
        capsys, f"{inputs}/input.vcf", parts[1], tmp_path / "out.vcf"
    )
    assert main(["merge", f"{tmp_path}/all.parquet", *parts, "-q"]) == 0
    assert main(["annotate", f"{inputs}/input.vcf", f"{tmp_path}/all.parquet", "-o", f"{tmp_path}/out.vcf", "-q"]) == 0
    with pysam.VariantFile(f"{tmp_path}/out.vcf") as file:
        found = [record.info["ENFORMER"][0].split("|")[0] for record in file]
    with pysam.VariantFile(f"{inputs}/input.vcf") as file:
        assert len(found) == sum(1 for _ in file) > 10
    assert set(found) == {"scored"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz", "out.bcf"])
def test_a_signal_leaves_nothing(
    name: str,
    number: int,
    vcf: str,
    scores: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = ScoreRows.read

    def stopped(*arguments: object) -> object:
        yield from read(*arguments)  # type: ignore[arg-type]
        os.kill(os.getpid(), number)

    monkeypatch.setattr(ScoreRows, "read", stopped)
    assert "stopped by SIG" in refusal(capsys, vcf, scores, tmp_path / name, code=128 + number)


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz", "out.bcf"])
def test_a_full_disk_leaves_nothing(name: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    records = [("chr1", 100 + number, "x" * 50, "A", "C") for number in range(2000)]
    vcf = write_vcf(tmp_path / "many.vcf", records, contigs=("chr1",))
    scores = score(vcf, tmp_path / "many.parquet")
    with file_system(tmp_path / "small", "32k") as folder:
        assert main(["annotate", vcf, str(scores), "-o", str(folder / name)]) == 1
        error = capsys.readouterr().err
        assert "No space left on device" in error
        assert error.count("\n") == 1
        assert list(folder.iterdir()) == []


def test_indexes(vcf: str, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["annotate", vcf, str(scores), "-o", f"{tmp_path}/out.vcf.gz"]) == 0
    assert "annotated 4 of 4 records" in capsys.readouterr().err
    assert main(["annotate", vcf, str(scores), "-o", f"{tmp_path}/out.bcf", "-q"]) == 0
    for name, index in (("out.vcf.gz", ".tbi"), ("out.bcf", ".csi")):
        with pysam.VariantFile(f"{tmp_path}/{name}", index_filename=f"{tmp_path}/{name}{index}") as file:
            assert [record.pos for record in file.fetch("chr1", 150, 300)] == [200, 300]
    far = [("chr1", pos, ".", "A", "C") for pos in (1, 600_000_000)]
    for name, records, suffix in (("far", far, ".csi"), ("unsorted", far[::-1], "")):
        made = write_vcf(tmp_path / f"{name}.vcf", records, contigs=("chr1",))
        out = tmp_path / "out.vcf.gz"
        assert main(["annotate", made, str(score(made, tmp_path / f"{name}.tsv")), "-o", str(out), "--overwrite"]) == 0
        assert ("its records are not sorted" in capsys.readouterr().err) == (not suffix)
        assert [path.suffix for path in tmp_path.glob("out.vcf.gz.*")] == ([suffix] if suffix else [])
