"""The command `convert-transform`, and that nothing else unpickles transforms."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

from enformer_vep.cli import main
from enformer_vep.io.tables.components import Transform, TransformOrigin, load_transform
from enformer_vep.run.components import unpickling
from enformer_vep.run.components.unpickling import extract_arrays
from tests.score_tables import model, tracks, write_scores

PACKAGE = Path(__file__).parents[3] / "enformer_vep"
NUM_TRACKS, NUM_COMPONENTS = 600, 500


@pytest.fixture(scope="module")
def means() -> np.ndarray:
    """Means over bins, heavy-tailed as those of variants are."""
    generator = np.random.default_rng(1)
    factors = generator.standard_t(3, size=(700, 40)) @ generator.normal(size=(40, NUM_TRACKS))
    return (factors + generator.normal(size=(700, NUM_TRACKS))) * np.geomspace(1e-3, 10, NUM_TRACKS) / 896


@pytest.fixture(scope="module")
def pipeline(means: np.ndarray) -> Pipeline:
    """DeepMind's layout: robust scaling, 500 principal components, robust scaling."""
    steps = [("scale", RobustScaler()), ("pca", PCA(NUM_COMPONENTS, svd_solver="full")), ("again", RobustScaler())]
    return Pipeline(steps).fit(means)


@pytest.fixture
def pickle(pipeline: Pipeline, tmp_path: Path) -> str:
    joblib.dump(pipeline, tmp_path / "transform.pkl")
    return str(tmp_path / "transform.pkl")


def refuse(capsys: pytest.CaptureFixture, message: str, *words: object) -> None:
    capsys.readouterr()
    assert main(["convert-transform", *map(str, words)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_deepminds_layout_gives_scikit_learns_numbers(
    pickle: str, pipeline: Pipeline, means: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "tracks.txt").write_bytes(tracks(NUM_TRACKS).to_tsv())
    words = ["convert-transform", pickle, str(tmp_path / "t.npz"), "--trust-pickle"]
    assert main([*words, "--track-table", str(tmp_path / "tracks.txt")]) == 0
    transform = load_transform(str(tmp_path / "t.npz"))
    assert transform.components.shape == (NUM_COMPONENTS, NUM_TRACKS)
    assert transform.identifiers == tuple(tracks(NUM_TRACKS).identifiers)
    assert (transform.origin.statistic, transform.origin.divisor) == ("SAD", 896)
    assert transform.origin.weights == "published"
    sums = means * 896
    np.testing.assert_allclose(transform.apply(sums), pipeline.transform(means), rtol=1e-9, atol=1e-9)

    scores = write_scores(tmp_path / "scores.parquet", sums)
    read = pd.read_parquet(scores)[[f"SAD:ENC{index}" for index in range(NUM_TRACKS)]].to_numpy()
    out = str(tmp_path / "out.parquet")
    assert main(["components", scores, "--transform", str(tmp_path / "t.npz"), "-o", out]) == 0
    found = pd.read_parquet(out)
    assert list(found.columns[7:]) == [f"PC{number}" for number in range(20)]
    expected = pipeline.transform(read.astype(np.float64) / 896)[:, :20]
    np.testing.assert_allclose(found.iloc[:, 7:], expected, rtol=1e-6, atol=1e-6)


def test_float32_steps(means: np.ndarray, tmp_path: Path) -> None:
    steps = [("scale", RobustScaler()), ("pca", PCA(20)), ("again", RobustScaler())]
    pipeline = Pipeline(steps).fit(means.astype(np.float32))
    joblib.dump(pipeline, tmp_path / "t.pkl", compress=3)
    assert main(["convert-transform", str(tmp_path / "t.pkl"), str(tmp_path / "t.npz"), "--trust-pickle"]) == 0
    found = load_transform(str(tmp_path / "t.npz")).apply(means * 896)
    np.testing.assert_allclose(found, pipeline.transform(means.astype(np.float64)), rtol=1e-6, atol=1e-6)


def test_tracks_that_are_known_by_numbers_alone(pickle: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["convert-transform", pickle, str(tmp_path / "t.npz"), "--trust-pickle"]
    assert main(command) == 0
    assert load_transform(str(tmp_path / "t.npz")).identifiers is None
    words = ["components", "--transform", str(tmp_path / "t.npz"), "-o", str(tmp_path / "out.tsv")]
    few = write_scores(tmp_path / "few.parquet", np.zeros((3, NUM_TRACKS - 1)))
    assert main([*words, few]) == 2
    assert "few.parquet lacks: track 599 of the human head; score all tracks" in capsys.readouterr().err
    mine = write_scores(tmp_path / "mine.parquet", np.zeros((3, NUM_TRACKS)), model=model(is_published=False))
    assert main([*words, mine]) == 2
    assert "takes scores of other weights: it has published" in capsys.readouterr().err
    assert main([*command, "--any-weights", "--overwrite", "--divisor", "1"]) == 0
    assert main([*words, mine]) == 0


class RunsCode:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_code_runs_only_if_trusted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    left = tmp_path / "left"
    joblib.dump(RunsCode(left), tmp_path / "t.pkl")
    out = tmp_path / "t.npz"
    message = "runs the code that it holds, as unpickling does: if you trust where it comes from, repeat the command"
    refuse(capsys, message, tmp_path / "t.pkl", out)
    assert not left.exists()
    scores = write_scores(tmp_path / "scores.tsv", np.zeros((30, 2)))
    joblib.dump(RunsCode(left), tmp_path / "disguised.npz")
    words = ["components", scores, "--transform", str(tmp_path / "disguised.npz"), "-o", str(tmp_path / "out.tsv")]
    assert main(words) == 2
    assert not left.exists()
    refuse(capsys, "expected a pipeline of 3 steps", tmp_path / "t.pkl", out, "--trust-pickle")
    assert left.exists()
    assert not out.exists()


def test_one_module_alone_unpickles() -> None:
    reads = re.compile(r"import (pickle|joblib|dill|cloudpickle)|allow_pickle=True|read_pickle|from (pickle|joblib) ")
    found = {path.name for path in PACKAGE.rglob("*.py") if reads.search(path.read_text())}
    assert found == {"unpickling.py"}
    naming = {path.name for path in PACKAGE.rglob("*.py") if "unpickling.py" in path.read_text()}
    assert naming == {"transform_conversion.py"}
    assert "enformer_vep" not in (PACKAGE / "run" / "components" / "unpickling.py").read_text()
    # NumPy's own default is not to unpickle; that it stays so is said wherever files are read.
    for path in PACKAGE.rglob("*.py"):
        assert len(re.findall(r"np\.load\(", path.read_text())) == len(
            re.findall(r"np\.load\([^()]*, allow_pickle=False\)", path.read_text())
        )


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_libraries_are_looked_for_where_python_looks(tmp_path: Path, safe_path: str) -> None:
    (tmp_path / "joblib.py").write_text("def load(source): raise ValueError('of this folder')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": safe_path}
    command = [sys.executable, unpickling.__file__, "in.pkl", str(tmp_path / "out.npz")]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (child.returncode, child.stderr) == (2, "ValueError: of this folder\n")


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([RobustScaler(), PCA(2)], "expected a pipeline of 3 steps (RobustScaler, PCA, RobustScaler), found 2 steps"),
        ([StandardScaler(), PCA(2), RobustScaler()], "expected a RobustScaler as step 1, found StandardScaler"),
        ([RobustScaler(), StandardScaler(), RobustScaler()], "expected a PCA as step 2, found StandardScaler"),
        ([RobustScaler(), PCA(2, whiten=True), RobustScaler()], "expected a PCA that does not whiten"),
        ([RobustScaler(), PCA(2), StandardScaler()], "expected a RobustScaler as step 3, found StandardScaler"),
        ([RobustScaler(), PCA(2), LinearRegression()], "expected a RobustScaler as step 3, found LinearRegression"),
    ],
)
def test_other_pipelines(steps: list, message: str, means: np.ndarray) -> None:
    values = means[:, :5]
    pipeline = Pipeline([(str(number), step) for number, step in enumerate(steps)]).fit(values, values[:, 0])
    with pytest.raises(ValueError, match=re.escape(message)):
        extract_arrays(pipeline)


def test_scalers_that_leave_a_part_out(means: np.ndarray) -> None:
    values = means[:, :5]
    steps = [RobustScaler(with_centering=False), PCA(2), RobustScaler(with_scaling=False, unit_variance=False)]
    pipeline = Pipeline([(str(number), step) for number, step in enumerate(steps)]).fit(values)
    origin = TransformOrigin("SAD", 1.0, "human", "", {"bins": "all"}, "a test")
    found = Transform(origin, np.arange(5), None, **extract_arrays(pipeline)).apply(values)
    np.testing.assert_allclose(found, pipeline.transform(values), rtol=1e-9, atol=1e-12)


def test_steps_are_known_by_their_attributes() -> None:
    scaler = SimpleNamespace(center_=np.zeros(2), scale_=np.ones(2))
    pca = SimpleNamespace(components_=np.eye(2), mean_=None)
    arrays = extract_arrays(SimpleNamespace(steps=[("a", scaler), ("b", pca), ("c", scaler)]))
    np.testing.assert_array_equal(arrays["mean"], [0, 0])
    np.testing.assert_array_equal(arrays["components"], np.eye(2))


def test_files_that_cannot_be_converted(pickle: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "t.npz"
    (tmp_path / "text.pkl").write_text("text")
    (tmp_path / "cut.pkl").write_bytes(Path(pickle).read_bytes()[:1000])
    assert unpickling.main(str(tmp_path / "text.pkl"), str(out)) == 2
    assert capsys.readouterr().err.count("\n") == 1
    refuse(capsys, "cut.pkl cannot be converted: ", tmp_path / "cut.pkl", out, "--trust-pickle")
    refuse(capsys, "no such file: none.pkl", "none.pkl", out, "--trust-pickle")
    refuse(capsys, "expected a name that ends in .npz", pickle, tmp_path / "t.pickle", "--trust-pickle")
    (tmp_path / "few.txt").write_bytes(tracks(3).to_tsv())
    words = (pickle, out, "--trust-pickle", "--track-table", tmp_path / "few.txt")
    refuse(capsys, "names 3 tracks, but the human head has 600", *words)
    out.touch()
    refuse(capsys, "t.npz exists: choose another output, or use --overwrite", pickle, out, "--trust-pickle")
    assert out.read_bytes() == b""


def test_a_transform_with_values_that_none_has(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    pca = SimpleNamespace(components_=pipeline[1].components_, mean_=np.full(NUM_TRACKS, np.nan))
    joblib.dump(SimpleNamespace(steps=[("a", pipeline[0]), ("b", pca), ("c", pipeline[2])]), tmp_path / "t.pkl")
    message = "t.pkl holds no usable transform: mean has values that are not finite"
    refuse(capsys, message, tmp_path / "t.pkl", tmp_path / "t.npz", "--trust-pickle")
