"""Whole runs with a background: percentiles beside the scores, the same from shards and interrupted runs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import EnformerVepError
from enformer_vep.run.background.record import OpenBackground
from enformer_vep.run.score.parts import Part, WorkFolder
from tests import scored_vcfs
from tests.run.score.stopped_runs import arguments
from tests.score_tables import random_scores
from tests.support import write_vcf

STATISTICS = ("SAD", "SAR")
TRACKS = [f"human_{i}" for i in range(5)]


@pytest.fixture(scope="module")
def background(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A background of the alleles of `inputs` themselves."""
    folder = tmp_path_factory.mktemp("background")
    assert main(arguments(inputs, folder / "scores.parquet", "--stats", "SAD,SAR", "-q")) == 0
    assert main(["background", str(folder / "scores.parquet"), "-o", str(folder / "background.parquet"), "-q"]) == 0
    return str(folder / "background.parquet")


def score(inputs: Path, out: Path, background: str, *more: str) -> Path:
    assert main(arguments(inputs, out, "--background", background, "--stats", "SAD,SAR", "-q", *more)) == 0
    return out


@pytest.fixture(scope="module")
def wide(inputs: Path, background: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wide")
    return score(inputs, folder / "out.parquet", background, "--summary")


def values_of(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[[f"{name}:{track}" for track in TRACKS]].to_numpy()


def test_percentiles_stand_beside_the_scores(wide: Path, background: str) -> None:
    table = pd.read_parquet(wide)
    assert list(table.columns[7:]) == [
        f"{name}:{track}" for name in ("SAD", "SAD_percentile", "SAR", "SAR_percentile") for track in TRACKS
    ]
    num = OpenBackground.open(background).record.alleles.total
    assert num == len(table)
    for statistic in STATISTICS:
        scores, percentiles = values_of(table, statistic), values_of(table, f"{statistic}_percentile")
        assert percentiles.dtype == np.float32
        # Each score is one of the background's: from its rank to the next.
        below = (scores[:, None] > scores[None]).sum(axis=1)
        equal = (scores[:, None] == scores[None]).sum(axis=1)
        assert (percentiles >= 2 * (below + 0.5) / (num + 1) - 1 - 1e-6).all()
        assert (percentiles <= 2 * (below + equal + 0.5) / (num + 1) - 1 + 1e-6).all()


def test_the_record_names_the_background(wide: Path, background: str) -> None:
    record = json.loads(Path(f"{wide}.run.json").read_text())
    assert record["background"]["bytes"] == Path(background).stat().st_size
    assert record["paths"]["background"] == background


def test_the_summary_has_the_largest_percentile(wide: Path) -> None:
    summary = pd.read_csv(f"{wide}.summary.tsv", sep="\t")
    fields = ["track", "description", "score", "norm", "num_agree"]
    fields += ["percentile", "largest_percentile", "largest_percentile_track"]
    assert list(summary.columns[7:]) == [f"{name}:OTHER:{field}" for name in STATISTICS for field in fields]
    table = pd.read_parquet(wide)
    for statistic in STATISTICS:
        percentiles = values_of(table, f"{statistic}_percentile")
        scores = values_of(table, statistic)
        rows = np.arange(len(table))
        largest = np.abs(percentiles).argmax(axis=1)
        strongest = np.abs(scores).argmax(axis=1)
        start = f"{statistic}:OTHER"
        assert summary[f"{start}:largest_percentile"].to_numpy() == pytest.approx(percentiles[rows, largest])
        assert summary[f"{start}:largest_percentile_track"].tolist() == [TRACKS[i] for i in largest]
        assert summary[f"{start}:percentile"].to_numpy() == pytest.approx(percentiles[rows, strongest])


@pytest.mark.parametrize(
    ("name", "layout", "dtype"),
    [
        ("out.parquet", "list", "float32"),
        ("out.parquet", "long", "float16"),
        ("out.parquet", "wide", "float16"),
        ("out.tsv", "wide", "float16"),
        ("out.tsv", "long", "float32"),
    ],
)
def test_every_layout_has_the_same_percentiles(name: str, layout: str, dtype: str, tmp_path: Path) -> None:
    vcf = write_vcf(tmp_path / "input.vcf", [("chr1", pos, ".", "A", "C") for pos in range(100, 120)])
    out = scored_vcfs.score(vcf, tmp_path / name, layout=layout, dtype=dtype, has_percentiles=True)
    table = pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out, sep="\t")
    tracks = scored_vcfs.TRACKS.identifiers
    scores = random_scores(20, 10)
    for value, wanted in (("SAD", scores[:, :5]), ("SAR", scores[:, 5:])):
        for column, expected in ((value, wanted), (f"{value}_percentile", scored_vcfs.thousandths(wanted))):
            if layout == "wide":
                found = table[[f"{column}:{track}" for track in tracks]].to_numpy()
            else:
                found = np.stack(table[column]) if layout == "list" else table[column].to_numpy().reshape(-1, 5)
            is_rounded = dtype == "float16" and not column.endswith("percentile")
            expected = expected.astype(np.float16 if is_rounded else np.float32)
            np.testing.assert_array_equal(found.astype(expected.dtype), expected)


@pytest.mark.slow
def test_a_chosen_track_of_a_shard_has_the_same_percentiles(
    wide: Path, inputs: Path, background: str, tmp_path: Path
) -> None:
    """Ties are drawn by record and row of the background, not by place among the rows and columns of a run."""
    out = tmp_path / "out.parquet"
    more = ("--background", background, "--tracks", "human_3", "--stats", "SAR", "--shard", "2/3", "-q")
    assert main(arguments(inputs, out, *more)) == 0
    column = "SAR_percentile:human_3"
    expected = pd.read_parquet(wide).set_index(["record", "allele"])[column]
    found = pd.read_parquet(out).set_index(["record", "allele"])[column]
    assert len(found) > 30
    assert found.equals(expected[found.index])


@pytest.mark.slow
def test_a_run_with_percentiles_can_be_resumed_and_made_a_background(
    inputs: Path, background: str, wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.parquet"
    command = arguments(inputs, out, "--background", background, "--stats", "SAD,SAR", "--summary", "-q")
    write_part = WorkFolder.write_part

    def write_three_parts(self: WorkFolder, number: int, part: Part) -> None:
        write_part(self, number, part)
        if number == 2:
            raise EnformerVepError("stopped by the test")

    with monkeypatch.context() as patch:
        patch.setattr(WorkFolder, "write_part", write_three_parts)
        assert main(command) == 1
    assert main([*command, "--resume"]) == 0
    assert out.read_bytes() == wide.read_bytes()
    assert Path(f"{out}.summary.tsv").read_bytes() == Path(f"{wide}.summary.tsv").read_bytes()
    assert main(["background", str(out), "-o", str(tmp_path / "again.parquet"), "-q"]) == 0
    first, again = (OpenBackground.open(path) for path in (background, str(tmp_path / "again.parquet")))
    assert first.record == again.record


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--stats", "SADR"], "has no SADR: it has SAD, SAR"),
        (["--reverse-complement"], "its views.reverse_complement is False, this run has True"),
    ],
)
def test_a_background_of_another_run_is_refused_before_anything_is_scored(
    more: list[str], message: str, inputs: Path, background: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(arguments(inputs, tmp_path / "out.parquet", "--background", background, *more)) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert message in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_no_background_is_one_line(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out.parquet"
    assert main(arguments(inputs, out, "--background", str(tmp_path / "none"))) == 2
    assert "no such file" in capsys.readouterr().err
    assert main(arguments(inputs, out, "--background", str(inputs / "genome.fa"))) == 2
    error = capsys.readouterr().err
    assert "is not a background, or is damaged" in error
    assert error.count("\n") == 1
