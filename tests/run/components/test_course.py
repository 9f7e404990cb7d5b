"""The command `components`: fits transforms, and applies them."""

import builtins
import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler

from enformer_vep.cli import main
from enformer_vep.io.tables.components import load_transform, save_transform
from enformer_vep.run import score_table
from enformer_vep.run.components import fit as component_fit
from enformer_vep.run.components.fit import with_fixed_signs
from tests.score_tables import LAYOUTS, model, tracks, views, write_scores
from tests.support import named_tracks

NUM_TRACKS, NUM_FACTORS = 30, 3
PCS = ["PC0", "PC1", "PC2"]


def factor_scores(num_alleles: int, noise: float = 0.05, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Makes scores of three factors, and returns them with the factors' loadings, [factors, tracks]."""
    generator = np.random.default_rng(seed)
    loadings = np.random.default_rng(0).normal(size=(NUM_FACTORS, NUM_TRACKS))
    factors = generator.normal(size=(num_alleles, NUM_FACTORS)) * [9, 5, 2]
    scores = factors @ loadings + noise * generator.normal(size=(num_alleles, NUM_TRACKS)) + np.arange(NUM_TRACKS)
    return scores.astype(np.float32), loadings


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return factor_scores(2500)[0]


@pytest.fixture(scope="module")
def table(scores: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_scores(tmp_path_factory.mktemp("table") / "scores.parquet", scores)


@pytest.fixture(scope="module")
def fitted(table: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transform that is fitted to the scores."""
    folder = tmp_path_factory.mktemp("fitted")
    run(table, "--fit", folder / "t.npz", "-o", folder / "a.tsv", "--num", 3)
    return folder / "t.npz"


def read_text(path: Path) -> pd.DataFrame:
    """Reads a table whose texts may hold quotation marks, NA and what is not UTF-8."""
    return pd.read_csv(path, sep="\t", keep_default_na=False, quoting=csv.QUOTE_NONE, encoding_errors="replace")


def run(*words: object, exit_code: int = 0) -> None:
    assert main(["components", *map(str, words)]) == exit_code


def refuse(capsys: pytest.CaptureFixture, message: str, *words: object) -> None:
    capsys.readouterr()
    run(*words, exit_code=2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_known_factors_are_recovered(table: str, tmp_path: Path) -> None:
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "out.parquet", "--num", 3)
    transform = load_transform(str(tmp_path / "t.npz"))
    loadings = factor_scores(1)[1] / transform.scale
    # The largest angle between the two spaces is the one whose cosine is the smallest singular value.
    cosines = np.linalg.svd(np.linalg.qr(loadings.T)[0].T @ np.linalg.qr(transform.components.T)[0])[1]
    assert np.degrees(np.arccos(np.clip(cosines.min(), 0, 1))) < 0.5
    found = pd.read_parquet(tmp_path / "out.parquet")[PCS]
    np.testing.assert_allclose(found.median(), 0, atol=1e-6)
    np.testing.assert_allclose(found.quantile(0.75) - found.quantile(0.25), 1, rtol=1e-5)


@pytest.mark.parametrize("num_alleles", [60, 2500])
def test_a_fit_is_that_of_scikit_learn(num_alleles: int, scores: np.ndarray, tmp_path: Path) -> None:
    values = scores[:num_alleles]
    table = write_scores(tmp_path / "s.parquet", values)
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "out.tsv", "--num", 3)
    pipeline = Pipeline([("a", RobustScaler()), ("b", PCA(3, svd_solver="full")), ("c", RobustScaler())])
    expected = pipeline.fit_transform(values.astype(np.float64))
    transform = load_transform(str(tmp_path / "t.npz"))
    np.testing.assert_allclose(transform.centre, pipeline[0].center_, rtol=1e-12)
    np.testing.assert_allclose(transform.scale, pipeline[0].scale_, rtol=1e-12)
    signs = np.sign((transform.components * pipeline[1].components_).sum(axis=1))
    found = read_text(tmp_path / "out.tsv")[PCS].to_numpy()
    np.testing.assert_allclose(found * signs, expected, rtol=1e-5, atol=1e-5)


def test_signs_are_fixed(table: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(with_fixed_signs(np.array([[1, -3], [-1, 0], [2, 1]])), [[-1, 3], [1, 0], [2, 1]])
    for name in ("a", "b"):
        run(table, "--fit", tmp_path / f"{name}.npz", "-o", tmp_path / f"{name}.tsv", "--num", 3)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    components = load_transform(str(tmp_path / "a.npz")).components
    assert (components.max(axis=1) == np.abs(components).max(axis=1)).all()


def test_a_fit_does_not_depend_on_the_pieces_that_are_read(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(table, "--fit", tmp_path / "a.npz", "-o", tmp_path / "a.tsv", "--num", 3)
    monkeypatch.setattr(score_table, "BATCH_ALLELES", 83)
    monkeypatch.setattr(component_fit, "BLOCK_BYTES", 8 * 2500 * 7)  # medians of 7 tracks at a time
    run(table, "--fit", tmp_path / "b.npz", "-o", tmp_path / "b.tsv", "--num", 3)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    one, other = (read_text(tmp_path / name) for name in ("a.tsv", "b.tsv"))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


def test_steps_of_the_fit_agree_with_one(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(table, "--fit", tmp_path / "a.npz", "-o", tmp_path / "a.tsv", "--num", 3)
    monkeypatch.setattr(component_fit, "STEP_ALLELES", 10_000)
    run(table, "--fit", tmp_path / "b.npz", "-o", tmp_path / "b.tsv", "--num", 3)
    one, other = (load_transform(str(tmp_path / name)).components for name in ("a.npz", "b.npz"))
    np.testing.assert_allclose(one, other, atol=1e-9)  # all 30 tracks fit into the components that steps keep


def test_steps_that_forget_find_the_same_factors(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(table, "--fit", tmp_path / "a.npz", "-o", tmp_path / "a.tsv", "--num", 3)
    monkeypatch.setattr(component_fit, "SPARE_COMPONENTS", 1)
    monkeypatch.setattr(component_fit, "STEP_ALLELES", 100)
    run(table, "--fit", tmp_path / "b.npz", "-o", tmp_path / "b.tsv", "--num", 3)
    one, other = (load_transform(str(tmp_path / name)).components for name in ("a.npz", "b.npz"))
    np.testing.assert_allclose((one * other).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("name", "layout"), LAYOUTS[1:])
def test_every_form_gives_the_same(name: str, layout: str, scores: np.ndarray, tmp_path: Path) -> None:
    scores = scores[:300]
    table = write_scores(tmp_path / "scores.parquet", scores)
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "expected.parquet", "--num", 3)
    other = write_scores(tmp_path / name, np.tile(scores, 2), statistics=("SAR", "SAD"), layout=layout)
    for out in ("out.parquet", "out.tsv", "out.tsv.gz"):
        run(other, "--transform", tmp_path / "t.npz", "-o", tmp_path / out, "--num", 2)
    expected = pd.read_parquet(tmp_path / "expected.parquet").drop(columns="PC2")
    found = pd.read_parquet(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5, atol=1e-6)
    assert list(found.columns) == ["chrom", "pos", "id", "ref", "alt", "record", "allele", "PC0", "PC1"]
    assert found["PC0"].dtype == np.float32
    for out in ("out.tsv", "out.tsv.gz"):
        text = read_text(tmp_path / out)
        assert text["id"].tolist() == found["id"].tolist()
        np.testing.assert_allclose(text[["PC0", "PC1"]], found[["PC0", "PC1"]], rtol=1e-5, atol=1e-6)


def test_tracks_are_found_by_their_numbers(table: str, scores: np.ndarray, tmp_path: Path) -> None:
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "a.tsv", "--num", 3)
    order = np.random.default_rng(2).permutation(NUM_TRACKS)
    shuffled = replace(tracks(NUM_TRACKS), table=tracks(NUM_TRACKS).table.iloc[order].reset_index(drop=True))
    more = write_scores(tmp_path / "more.parquet", scores[:, order], table=shuffled)
    run(more, "--transform", tmp_path / "t.npz", "-o", tmp_path / "b.tsv", "--num", 3)
    pd.testing.assert_frame_equal(*(read_text(tmp_path / name) for name in ("a.tsv", "b.tsv")))
    unnamed = named_tracks({f"human_{index}": "" for index in range(NUM_TRACKS)})
    plain = write_scores(tmp_path / "plain.parquet", scores, table=unnamed)
    run(plain, "--transform", tmp_path / "t.npz", "-o", tmp_path / "c.tsv", "--num", 3)
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "c.tsv").read_bytes()


def test_the_record(table: str, tmp_path: Path) -> None:
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "out.parquet", "--num", 3)
    record = json.loads((tmp_path / "out.parquet.run.json").read_text())
    assert record["command"].startswith("enformer-vep components ")
    assert record["transform"]["statistic"] == "SAD"
    assert record["transform"]["source"] == "fitted to 2500 alleles of scores.parquet"
    assert record["scores"]["vcf"] == {"bytes": 10, "sha256": "scores.parquet"}
    assert record["components"] == PCS
    metadata = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"enformer_vep.components"])
    assert metadata == {name: value for name, value in record.items() if name not in ("command", "paths")}


def test_row_groups(scores: np.ndarray, tmp_path: Path) -> None:
    table = write_scores(tmp_path / "s.parquet", np.tile(scores, (9, 1)))
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "out.parquet", "--num", 3)
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == [10_000, 10_000, 2_500]


def test_standard_output(table: str, tmp_path: Path) -> None:
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "out.tsv", "--num", 3)
    words = [sys.executable, "-m", "enformer_vep", "components", table, "--transform", str(tmp_path / "t.npz")]
    found = subprocess.run([*words, "-o", "-", "--num", "3"], capture_output=True, check=True, cwd=tmp_path)
    assert found.stdout == (tmp_path / "out.tsv").read_bytes()
    assert not (tmp_path / "out.tsv.run.json").with_name("-.run.json").exists()


def test_scores_that_are_not_finite(
    table: str, scores: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    odd = scores.copy()
    odd[7, 2], odd[9, 4] = np.nan, 1e9
    path = write_scores(tmp_path / "odd.parquet", odd, dtype="float16")
    out = tmp_path / "out.parquet"
    refuse(
        capsys, "SAD of chr1:107 A>C that is not finite: score as float32", path, "--fit", tmp_path / "u.npz", "-o", out
    )
    assert not out.exists()
    assert not (tmp_path / "u.npz").exists()
    run(table, "--fit", tmp_path / "t.npz", "-o", out, "--num", 3)
    capsys.readouterr()
    run(path, "--transform", tmp_path / "t.npz", "-o", out, "--num", 3, "--overwrite")
    assert "2 alleles with scores that are not finite have no components (NaN)" in capsys.readouterr().err
    found = pd.read_parquet(out)
    assert len(found) == 2500
    assert np.flatnonzero(found[PCS].isna().all(axis=1)).tolist() == [7, 9]
    assert not found[PCS].drop(index=[7, 9]).isna().any().any()


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"head": "mouse"}, "takes scores of the human head, but "),
        ({"model": model("f" * 64, is_published=False)}, "takes scores of other weights: it has published, and "),
        ({"statistics": ("SAR",)}, "has SAR and no SAD: score with --stats SAD"),
        ({"placement": "centred"}, "its placement is shared:500, and that of "),
        ({"bins": "centre:501"}, "its bins is all, and that of "),
        ({"views": views(reverse_complement=True)}, "its views.reverse_complement is False, and that of "),
        ({"views": views(shifts=(0, 1))}, "its views.shifts is [0], and that of "),
        ({"table": tracks(NUM_TRACKS - 3)}, "needs tracks that "),
        ({"table": named_tracks({f"X{index}": "" for index in range(NUM_TRACKS)})}, "its ENC0 (track 0 of the human"),
    ],
)
def test_what_does_not_belong_together(
    identity: dict[str, Any],
    message: str,
    fitted: Path,
    scores: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    num_tracks = len(identity["table"].table) if "table" in identity else NUM_TRACKS
    other = write_scores(tmp_path / "other.parquet", scores[:, :num_tracks], **identity)
    refuse(capsys, message, other, "--transform", fitted, "-o", tmp_path / "b.tsv", "--num", 3)
    assert not (tmp_path / "b.tsv").exists()


def test_weights_are_known_by_their_tensors(scores: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    mine, other = (
        write_scores(tmp_path / f"{name}.parquet", scores[:100], model=model(name * 64, is_published=False))
        for name in "ab"
    )
    run(mine, "--fit", tmp_path / "t.npz", "-o", tmp_path / "a.tsv", "--num", 3)
    run(mine, "--transform", tmp_path / "t.npz", "-o", tmp_path / "b.tsv", "--num", 3)
    message = f"other weights: it has {'a' * 16}, and {other} has {'b' * 16} (model enformer)"
    refuse(capsys, message, other, "--transform", tmp_path / "t.npz", "-o", tmp_path / "c.tsv", "--num", 3)


def test_the_statistic_is_chosen(table: str, scores: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    both = write_scores(tmp_path / "both.parquet", np.hstack([scores, 2 * scores]), statistics=("SAD", "D2"))
    run(both, "--fit", tmp_path / "t.npz", "-o", tmp_path / "a.tsv", "--num", 3, "--stat", "d2")
    transform = load_transform(str(tmp_path / "t.npz"))
    assert transform.origin.statistic == "D2"
    np.testing.assert_allclose(transform.centre, 2 * np.median(scores.astype(np.float64), axis=0))
    run(both, "--transform", tmp_path / "t.npz", "-o", tmp_path / "b.tsv", "--num", 3)
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()
    words = ("-o", tmp_path / "c.tsv", "--num", 3)
    refuse(capsys, "takes D2, not SAD", both, "--transform", tmp_path / "t.npz", *words, "--stat", "SAD")
    refuse(capsys, "has SAD and no D2", table, "--fit", tmp_path / "u.npz", *words, "--stat", "D2")
    refuse(capsys, "expected one statistic, found 2", table, "--fit", tmp_path / "u.npz", *words, "--stat", "SAD,D2")


def test_commands_that_cannot_work(
    table: str, scores: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    fit, out = ("--fit", tmp_path / "t.npz"), ("-o", tmp_path / "out.tsv")
    few = write_scores(tmp_path / "few.parquet", scores[:20])
    before = sorted(tmp_path.iterdir())
    refuse(capsys, "expected either --transform FILE or --fit FILE", table, *out)
    refuse(capsys, "expected either --transform FILE or --fit FILE", table, *out, *fit, "--transform", "t.npz")
    refuse(capsys, "has 30 tracks: use --num 30 or fewer", table, *out, *fit, "--num", 31)
    refuse(capsys, "has 20 alleles, too few to fit 20 components", few, *out, *fit)
    refuse(capsys, "expected a name that ends in .npz", table, *out, "--fit", tmp_path / "t.pkl")
    refuse(capsys, "no such file: none.npz", table, *out, "--transform", "none.npz")
    refuse(capsys, "cannot tell the format", table, *fit, "-o", tmp_path / "out.csv")
    refuse(capsys, "does not exist: create it first", table, *fit, "-o", tmp_path / "none" / "out.tsv")
    refuse(capsys, "holds the scores: choose another output", table, *fit, "-o", table, "--overwrite")
    assert sorted(tmp_path.iterdir()) == before
    run(table, *fit, *out, "--num", 3)
    refuse(capsys, "out.tsv exists: choose another output, or use --overwrite", table, *fit, *out)
    refuse(capsys, "t.npz exists: choose another output", table, *fit, "-o", tmp_path / "other.tsv")
    refuse(capsys, "has 3 components: use --num 3 or fewer", table, *out, "--transform", fit[1], "--overwrite")


def test_a_failure_leaves_nothing(fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    cut = write_scores(tmp_path / "cut.tsv", factor_scores(50)[0])
    lines = Path(cut).read_text(errors="surrogateescape").splitlines(keepends=True)
    Path(cut).write_text("".join(lines[:-1]), errors="surrogateescape")
    before = sorted(tmp_path.iterdir())
    words = ("--transform", fitted, "-o", tmp_path / "b.tsv", "--num", 3)
    refuse(capsys, "has 49 alleles, but its run record says 50", cut, *words)
    refuse(capsys, "has 49 alleles, but its run record says 50", cut, "--fit", tmp_path / "u.npz", *words[2:])
    assert sorted(tmp_path.iterdir()) == before


def test_without_scikit_learn(
    table: str, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] in ("sklearn", "joblib"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    run(table, "--transform", fitted, "-o", tmp_path / "b.tsv", "--num", 3)
    message = "fitting a transform needs scikit-learn: install enformer-vep[components]; applying one does not"
    refuse(capsys, message, table, "--fit", tmp_path / "u.npz", "-o", tmp_path / "c.tsv")


def test_applying_loads_neither_scikit_learn_nor_tensorflow(table: str, fitted: Path, tmp_path: Path) -> None:
    words = ["components", table, "--transform", str(fitted), "-o", str(tmp_path / "b.tsv"), "--num", "3"]
    code = f"import sys\nfrom enformer_vep.cli import main\nassert main({words!r}) == 0\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not {"sklearn", "scipy", "joblib", "tensorflow"} & set(loaded)


def test_a_divisor_applies(table: str, scores: np.ndarray, tmp_path: Path) -> None:
    run(table, "--fit", tmp_path / "t.npz", "-o", tmp_path / "a.parquet", "--num", 3)
    means = load_transform(str(tmp_path / "t.npz"))
    means = replace(
        means, origin=replace(means.origin, divisor=896.0), centre=means.centre / 896, scale=means.scale / 896
    )
    save_transform(means, tmp_path / "means.npz")
    run(table, "--transform", tmp_path / "means.npz", "-o", tmp_path / "b.parquet", "--num", 3)
    one, other = (pd.read_parquet(tmp_path / name) for name in ("a.parquet", "b.parquet"))
    pd.testing.assert_frame_equal(one, other, rtol=1e-5, atol=1e-6)
