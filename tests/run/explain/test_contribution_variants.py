"""Contributions of both alleles of variants, and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.genome.codes import encode, one_hot
from enformer_vep.inference.mean_gradients import Explained
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.gradients import InputGradients, Target
from enformer_vep.run.explain.contribution_arrays import at_letters, corrected, first_order_effects
from tests.pipeline_runs import other, reference
from tests.run.explain.test_contributions import MIDDLE, REGION, close, letters, run
from tests.support import write_vcf

SNV = f"chr1:3000:{reference('chr1', 3000)}:{other(reference('chr1', 3000))}"
PAGE = (Path(__file__).parents[3] / "docs" / "contributions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
INSERTED = reference("chr1", 3000) + other(reference("chr1", 3001)) * 3
INSERTION = f"chr1:3000:{reference('chr1', 3000)}:{INSERTED}"
DELETION = f"chr1:3000:{reference('chr1', 3000, 5)}:{reference('chr1', 3000)}"


def run_block(number: int, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """Runs one of the page's examples in a folder; returns its variables."""
    monkeypatch.chdir(folder)
    variables: dict[str, Any] = {}
    exec(compile(BLOCKS[number], "docs/contributions.md", "exec"), variables)
    return variables


def test_both_alleles_have_the_gradients_of_their_own_sequence(
    folder: Path, tmp_path: Path, model: Enformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alts = {SNV: other(reference("chr1", 3000)), INSERTION: INSERTED, DELETION: reference("chr1", 3000)}
    assert run(folder, tmp_path / "variant.parquet", *alts, "--tracks", "1", "--width", "21") == 0
    table = pd.read_parquet(tmp_path / "variant.parquet")
    assert len(table) == 6 * 21
    start = 2999 - MIDDLE
    gradients = InputGradients(model, "human")
    target = Target(np.ones(16, np.float32), np.ones(1, np.int32), np.ones(1, np.float32))
    for name, alt in alts.items():
        num_ref = len(name.split(":")[2])
        sequences = {"ref": letters("chr1", start), "alt": letters("chr1", start, MIDDLE) + alt}
        sequences["alt"] = (sequences["alt"] + letters("chr1", 2999 + num_ref))[:3072]
        for allele, sequence in sequences.items():
            rows = table[(table["sequence"] == name) & (table["allele"] == allele)]
            _, gradient = gradients.gradient(gradients.forward(one_hot(encode(sequence))), target)
            place = slice(MIDDLE - 10, MIDDLE + 11)
            assert "".join(rows["base"]) == sequence[place]
            close(rows[[f"hypothetical:{letter}" for letter in "ACGT"]].to_numpy(), corrected(gradient[place]))
    rows = table[table["allele"] == "alt"]
    inserted = rows[rows["sequence"] == INSERTION]
    assert list(inserted["pos"].fillna(0).astype(int)) == [*range(2990, 3001), 0, 0, 0, *range(3001, 3008)]
    deleted = rows[rows["sequence"] == DELETION]
    assert list(deleted["pos"].astype(int)) == [*range(2990, 3001), *range(3005, 3015)]
    strongest = run_block(0, monkeypatch, tmp_path)["strongest"]
    assert len(strongest) == 10
    assert set(strongest["allele"]) == {"ref"}
    assert strongest["contribution"].abs().max() == table.loc[table["allele"] == "ref", "contribution"].abs().max()


def test_a_vcf_is_read_as_score_reads_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = reference("chr1", 3100)
    vcf = write_vcf(tmp_path / "in.vcf", [("1", 3100, "a", ref, f"{other(ref)},{ref}TT")])
    assert run(folder, tmp_path / "peaks.npz", vcf, "--mean-by", "all") == 0
    arrays = np.load(tmp_path / "peaks.npz")
    assert list(arrays["sequence"]) == [f"1:3100:{ref}:{alt}" for alt in (other(ref), ref + "TT") for _ in range(2)]
    assert list(arrays["allele"]) == ["ref", "alt"] * 2
    assert set(arrays["contig"]) == {"chr1"}
    assert arrays["hypothetical"].shape == (1, 4, 200, 4)
    assert list(arrays["pos"][0, [0, 99, 199]]) == [3001, 3100, 3200]
    example = run_block(1, monkeypatch, tmp_path)
    codes = np.stack([encode(text) for text in arrays["letters"]])
    hypothetical = arrays["hypothetical"][0]
    close(example["contributions"], at_letters(hypothetical, codes))
    close(example["effects"], first_order_effects(hypothetical, codes))


def test_values_by_hand() -> None:
    gradients = np.float32([[1, 2, 3, 6], [4, 0, 0, 0], [1, 1, 1, 5]])
    codes = np.array([3, 0, 4], np.uint8)  # T A N
    centred = np.float32([[-2, -1, 0, 3], [3, -1, -1, -1], [-1, -1, -1, 3]])
    assert np.array_equal(corrected(gradients), centred)
    assert list(at_letters(gradients, codes)) == [6, 4, 0]
    assert list(at_letters(centred, codes)) == [3, 3, 0]
    effects = first_order_effects(gradients, codes)
    assert np.array_equal(effects[:2], [[-5, -4, -3, 0], [0, -4, -4, -4]])
    assert np.isnan(effects[2]).all()
    assert np.array_equal(effects, first_order_effects(centred, codes), equal_nan=True)


def test_completeness_by_hand() -> None:
    values, baselines, contributed = np.array([5.0, 7.0]), np.array([1.0, 2.0]), np.array([4.4, 4.75])
    assert Explained(values, baselines, contributed).completeness_error == pytest.approx(0.1)  # 0.4 of 4, 0.25 of 5
    assert Explained(values, values, np.zeros(2)).completeness_error == 0
    assert Explained(values, None, contributed).completeness_error is None


ERRORS = {
    "no tracks": ([REGION, "--no-tracks"], "which tracks? Each takes a gradient of its own: choose some with --tracks"),
    "unknown track": ([REGION, "--tracks", "9"], "no track '9' in the human head"),
    "region outside": (["chr2:701-800"], "region 'chr2:701-800' lies outside chr2, which has 700 bp"),
    "region too long": (
        ["chr1:1-3073"],
        "region chr1:1-3073 has 3,073 bp, more than the 3,072 bp that the model reads",
    ),
    "width": ([REGION, "--width", "3073"], "--width 3,073 is more than the model reads: expected at most 3,072 bp"),
    "bins outside": (
        [REGION, "--bins", "chr1:5000-5100"],
        "--bins chr1:5000-5100 lies outside the bins of the window of chr1:3001-3061: expected bins that overlap chr1:",
    ),
    "bins of no contig": ([REGION, "--bins", "chr9:5-9"], "bins 'chr9:5-9': the FASTA has no contig chr9"),
    "mixed": ([REGION, SNV], f"{REGION} is a region and {SNV} is a variant or a file of variants: expected either"),
    "mismatch": ([f"chr1:3000:{other(reference('chr1', 3000))}:GAG"], "cannot be explained (ref_mismatch): REF is "),
    "no VCF": (["none.vcf"], "'none.vcf' is neither a variant nor a file: expected chr:pos:ref:alt"),
    "symbolic": (["{vcf}"], "cannot be explained (symbolic_alt): symbolic ALT <DEL> has no sequence; correct it, or"),
    "cost": (
        [REGION, "--tracks", "0-4", "--steps", "50", "--max-gradients", "200", "--reverse-complement"],
        "this takes 500 gradients, which the official model computes in about 4 h 10 min on two CPU cores: expected at",
    ),
    "bigWig of variants": ([SNV], "the bases of alternate alleles have no place in bigWig files: write a table"),
    "bigWig of overlaps": (
        [REGION, "chr1:3061-3100"],
        "regions chr1:3001-3061 and chr1:3061-3100 have bases in common",
    ),
    "unequal arrays": (
        [REGION, "chr1:3101-3110", "-o", "x.npz"],
        "the regions have different lengths, and cannot be one array: write as many bases of each with --width",
    ),
    "unequal for modisco": (
        [REGION, "chr1:3101-3110", "--modisco", "x"],
        "TF-MoDISco reads regions of one length, but these have 10 to 61 bp",
    ),
    "modisco of two": (
        [REGION, "--tracks", "0,1", "--modisco", "x"],
        "--modisco writes the contributions to one track",
    ),
    "format": ([REGION, "-o", "x.bw"], "cannot write 'x.bw': expected the name of a folder"),
    "parent": ([REGION, "-o", "none/x.npz"], "the output folder none does not exist: create it first"),
    "steps": ([REGION, "--steps", "0"], "0 is not in the range x>=1"),
}


@pytest.mark.parametrize(("words", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_are_one_line_and_leave_nothing(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    vcf = write_vcf(tmp_path / "in.vcf", [("chr1", 3000, "a", reference("chr1", 3000), "<DEL>")])
    tracks = [] if "--no-tracks" in words else ["--tracks", "0"]
    given = [word.format(vcf=vcf) for word in words if word != "--no-tracks"]
    paths = ["-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", "out"]
    assert main(["contributions", *paths, *tracks, *given]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("enformer-vep: error: ")
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == ["in.vcf"]


def test_alleles_that_cannot_be_explained_are_skipped_with_the_reason(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    ref = reference("chr1", 3000)
    records = [("chr1", 3000, "a", ref, "<DEL>"), ("chr1", 3000, "b", ref, f"{other(ref)},*")]
    vcf = write_vcf(tmp_path / "in.vcf", records)
    words = ["-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "--tracks", "0", "-o", str(tmp_path / "out.parquet")]
    assert main(["contributions", vcf, *words]) == 0
    said = capsys.readouterr().err
    assert f"chr1:3000 {ref}>* is not explained: ALT * is a deletion that another record describes" in said
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert list(table["sequence"].unique()) == [f"chr1:3000:{ref}:{other(ref)}"]
    skipped = json.loads((tmp_path / "out.parquet.run.json").read_text())["skipped"]
    assert [(one["record"], one["allele"], one["reason"]) for one in skipped] == [
        (0, 1, "symbolic_alt"),
        (1, 2, "spanning_deletion"),
    ]


@pytest.mark.parametrize("out", ["out", "out.parquet", "out.zarr"])
def test_a_failure_leaves_the_earlier_output(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, out: str
) -> None:
    class NotFinite:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def add(self, *arguments: np.ndarray) -> None:
            arguments[-1][...] = np.nan

    class AllZeros(NotFinite):
        def add(self, *arguments: np.ndarray) -> object:
            return Explained(np.zeros(1), None, np.zeros(1))

    monkeypatch.setattr("enformer_vep.inference.mean_gradients.MeanGradients", AllZeros)
    assert run(folder, tmp_path / out, REGION, "--tracks", "4") == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run(folder, tmp_path / out, REGION, "--tracks", "4") == 2
    assert "exists: choose another output, or use --overwrite" in capsys.readouterr().err
    monkeypatch.setattr("enformer_vep.inference.mean_gradients.MeanGradients", NotFinite)
    assert run(folder, tmp_path / out, REGION, "--tracks", "4", "--overwrite") == 1
    assert f"the gradient of human_4 at {REGION} has NaN or infinity" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    monkeypatch.setattr("enformer_vep.inference.mean_gradients.MeanGradients", AllZeros)
    assert run(folder, tmp_path / out, REGION, "--tracks", "3", "--overwrite") == 0
    (record,) = tmp_path.rglob("*run.json")
    assert json.loads(record.read_text())["scalars"] == ["human_3"]
