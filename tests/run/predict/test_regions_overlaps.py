"""Overlapping windows are averaged, and predictions are written as Zarr: both as the full engine has them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from enformer_vep.genome.tiling import BinSpan, covering_bins, tiles
from enformer_vep.genome.variant import Interval
from enformer_vep.model.enformer import Enformer
from enformer_vep.run.predict.regions import averaged
from tests.run.predict.predict_runs import GEOMETRY, LENGTHS, expected_bins, predict, tolerance


def test_each_bin_is_the_mean_of_its_windows(folder: Path, tmp_path: Path, model: Enformer) -> None:
    assert predict(folder, tmp_path / "out.parquet", *LENGTHS, "--windows-per-bin", "4") == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    for contig in LENGTHS:
        values = table[table["chrom"] == contig].iloc[:, 3:].to_numpy()
        expected = expected_bins(model, contig, 4)
        np.testing.assert_allclose(values, expected, **tolerance(expected))
    run = json.loads((tmp_path / "out.parquet.run.json").read_text())
    # chr1 has 48 bins, so 12 strides of 4 bins and 3 more windows before them; chr2 and chrM have 6 and 4 bins.
    assert (run["windows_per_bin"], run["num_windows"]) == (4, (12 + 3) + (2 + 3) + (1 + 3))


def test_a_bin_does_not_depend_on_the_region_when_windows_overlap(folder: Path, tmp_path: Path) -> None:
    words = ["--windows-per-bin", "2", "--tracks", "1"]
    assert predict(folder, tmp_path / "all.parquet", "chr1", *words) == 0
    # Bins 1 and 18 are in no window together, but share one of the second region's.
    assert predict(folder, tmp_path / "some.parquet", "chr1:130-131", "chr1:2,400-2,500", *words) == 0
    whole, some = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("all", "some"))
    assert list(some["start"]) == [128, 2304, 2432]
    pd.testing.assert_frame_equal(some, whole[whole["start"].isin(some["start"])].reset_index(drop=True))


@pytest.mark.parametrize("windows_per_bin", [1, 2, 4, 8, 16])
def test_means_come_in_the_order_of_the_bins(windows_per_bin: int) -> None:
    intervals = [Interval("chr1", 0, 300), Interval("chr1", 2000, 7000), Interval("chr2", 128 * 17, 128 * 18)]
    spans = covering_bins(intervals, 128)
    windows = tiles(spans, GEOMETRY, windows_per_bin)
    # Each window predicts 1,000 times its own number for each of its bins, and the bin's number.
    predicted = [
        (tile, np.float32([[1000 * tile.first + number, number] for number in range(tile.first, tile.first + 16)]))
        for tile in windows
    ]
    means = list(averaged(iter(predicted), windows_per_bin))
    bins = [(span.contig, number) for span, _ in means for number in range(span.first, span.stop)]
    assert bins == [(span.contig, number) for span in spans for number in range(span.first, span.stop)]
    values = np.concatenate([mean for _, mean in means])
    assert values.dtype == np.float32
    stride = 16 // windows_per_bin
    for (_, number), (mean, own) in zip(bins, values, strict=True):
        last = number // stride * stride
        firsts = [last - stride * before for before in range(windows_per_bin)]
        assert own == number
        assert mean == pytest.approx(1000 * np.mean(firsts) + number, rel=1e-6)


def test_no_more_is_held_than_one_windows_bins() -> None:
    windows = tiles([BinSpan("chr1", 0, 160)], GEOMETRY, 4)
    drawn = []

    def predicted():
        for tile in windows:
            drawn.append(tile.first)
            yield tile, np.zeros((16, 1), np.float32)

    for span, _ in averaged(predicted(), 4):
        assert drawn[-1] == span.first  # the first bins are there as soon as their last window is
    assert drawn == list(range(-12, 160, 4))


@pytest.mark.parametrize("number", ["3", "32"])
def test_windows_per_bin_must_divide_the_bins(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, number: str
) -> None:
    assert predict(folder, tmp_path / "out", "chrM", "--tracks", "0", "--windows-per-bin", number) == 2
    error = "windows per bin must divide the 16 scored bins of a window: expected one of 1, 2, 4, 8, 16; got "
    assert capsys.readouterr().err == f"enformer-vep: error: {error}{number}\n"
    assert list(tmp_path.iterdir()) == []


def test_overlaps_count_in_the_cost(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["chr1", "--tracks", "0", "--windows-per-bin", "8", "--max-windows", "30"]
    assert predict(folder, tmp_path / "out", *words) == 2
    assert "the regions take 31 windows" in capsys.readouterr().err


def test_zarr_has_the_same_numbers(folder: Path, tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    assert predict(folder, tmp_path / "out.zarr", "chr2", "chr1:1000-3000") == 0
    assert predict(folder, tmp_path / "out.parquet", "chr2", "chr1:1000-3000") == 0
    store = zarr.open_group(tmp_path / "out.zarr", mode="r")
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert store["values"].dtype == np.float32
    np.testing.assert_array_equal(store["values"][:], table.iloc[:, 3:].to_numpy())
    for name in ("chrom", "start", "end"):
        assert store[name][:].tolist() == list(table[name])
    assert store["identifier"][:].tolist() == list(table.columns[3:])
    assert (store.attrs["kind"], store.attrs["bin_size_bp"]) == ("predict", 128)
    assert store.attrs["tracks"]["identifier"] == list(table.columns[3:])
    run = store.attrs["run"]
    assert (run["kind"], run["bins"]["num_bins"], run["transformer_passes"]) == ("predict", len(table), 3)
    assert "zarr" in run["versions"]


def test_only_a_store_of_predictions_is_overwritten(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    zarr = pytest.importorskip("zarr")
    words = ["chrM", "--tracks", "0"]
    assert predict(folder, tmp_path / "out.zarr", *words) == 0
    assert predict(folder, tmp_path / "out.zarr", *words) == 2
    assert "exists: choose another output, or use --overwrite" in capsys.readouterr().err
    assert predict(folder, tmp_path / "out.zarr", "chr2", "--tracks", "0", "--overwrite") == 0
    assert zarr.open_group(tmp_path / "out.zarr", mode="r")["values"].shape == (6, 1)
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "x").touch()
    assert predict(folder, tmp_path / "mine.zarr", *words, "--overwrite") == 2
    assert "has other files than this command writes" in capsys.readouterr().err
