"""What `predict` refuses: one line, exit code 2, and nothing is left."""

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from enformer_vep.errors import SkipReason
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score.scorer import VariantScorer
from tests.pipeline_runs import SCORED
from tests.run.predict.predict_runs import predict

CONTIG, POS, _, REF, ALT = SCORED[0]
VARIANT = f"{CONTIG}:{POS}:{REF}:{ALT}"
TRACKS = ["--tracks", "0"]

ERRORS = {
    "nothing": (TRACKS, "what is to be predicted? Name a region, such as chr7:5500000-5600000, or a VCF with --vcf"),
    "both": (
        ["chr1:5-9", "--vcf", VARIANT, *TRACKS],
        "--vcf predicts windows around variants, but chr1:5-9 is a region: remove one of the two",
    ),
    "no tracks": (["--vcf", VARIANT], "which tracks? Each becomes a bigWig file: choose some with --tracks"),
    "overlaps of alleles": (
        ["--vcf", VARIANT, "--windows-per-bin", "2", *TRACKS],
        "--windows-per-bin 2 averages the windows of regions, but --vcf has one window for each allele",
    ),
    "placement of regions": (
        ["chr1", "--window", "grid", *TRACKS],
        "--window grid is for variants, and has no effect on regions: remove it, or use --vcf",
    ),
    "indels of regions": (
        ["chr1", "--indels", "left", *TRACKS],
        "--indels left is for variants, and has no effect on regions",
    ),
    "no variant": (["--vcf", "chr1:1000", *TRACKS], "'chr1:1000' is neither a variant nor a file"),
    "too many": (
        ["--vcf", VARIANT, "--vcf", VARIANT, "--max-windows", "3", "--reverse-complement", *TRACKS],
        "the alleles take 4 windows, of which the official model predicts all in about 1 min on two CPU cores: ",
    ),
    "placement": (["--vcf", VARIANT, "--window", "shared:5", *TRACKS], "the distance of shared:BP must be 128 to"),
    "precision": (["--vcf", VARIANT, "--precision", "mixed", *TRACKS], "'mixed' is not one of 'float32', 'tf32'"),
    "windows per bin": (["chr1", "--windows-per-bin", "0", *TRACKS], "0 is not in the range x>=1"),
}


@pytest.mark.parametrize(("words", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_are_one_line_and_leave_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str], message: str
) -> None:
    assert predict(folder, tmp_path / "out", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("enformer-vep: error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_only_its_own_output_is_overwritten(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out, words = tmp_path / "out", ["--vcf", VARIANT, *TRACKS]
    assert predict(folder, out, *words) == 0
    made = out / f"{CONTIG}_{POS}_{REF}_{ALT}"
    assert predict(folder, out, *words) == 2
    assert "exists: choose another output, or use --overwrite" in capsys.readouterr().err
    (made / "mine.txt").touch()
    assert predict(folder, out, "chrM", *TRACKS, "--overwrite") == 2
    assert "has other files than this command writes" in capsys.readouterr().err
    (made / "mine.txt").unlink()
    assert predict(folder, out, "chrM", *TRACKS, "--overwrite") == 0
    assert not made.exists()
    (tmp_path / "table.parquet.alleles.tsv").touch()
    assert predict(folder, tmp_path / "table.parquet", *words) == 2
    assert "table.parquet.alleles.tsv exists" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["out", "out.parquet"])
def test_a_signal_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, out: str
) -> None:
    profiles, seen = VariantScorer.profiles, []

    def stop_after_the_first(*given: Any) -> Iterator[Any]:
        for profile in profiles(*given):
            yield profile
            seen.extend(tmp_path.rglob("*"))
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(VariantScorer, "profiles", stop_after_the_first)
    assert predict(folder, tmp_path / out, "--vcf", VARIANT, "--vcf", VARIANT, *TRACKS) == 143
    assert capsys.readouterr().err == "enformer-vep: error: stopped by SIGTERM\n"
    assert seen
    assert list(tmp_path.iterdir()) == []


def test_weights_that_give_nan_are_an_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def not_finite(_: Any, alleles: Iterable[VcfAllele]) -> Iterator[Unscored]:
        return (Unscored(SkipReason.NOT_FINITE, "the model predicted NaN or infinity") for _ in alleles)

    monkeypatch.setattr(VariantScorer, "profiles", not_finite)
    assert predict(folder, tmp_path / "out", "--vcf", VARIANT, *TRACKS) == 1
    assert "1 of 1 predictions are NaN or infinite, expected at most 1%" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
