"""Zarr stores are whole, and are read back by zarr."""

from pathlib import Path

import numpy as np
import pytest

from enformer_vep.errors import OutputError
from enformer_vep.io.arrays.zarr_folder import ZarrRows, check_zarr_folder, check_zarr_support, whole_zarr

zarr = pytest.importorskip("zarr")


def write(path: Path) -> None:
    with whole_zarr(path, {"kind": "test", "format": 1}) as store:
        values = store.create("values", (1000, 4, 3), "float32")
        values[10:12] = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
        store.add("names", ["short", "a longer one", "ü"])
        store.add("starts", np.array([5, 7], dtype=np.int64))
        store.set("num_rows", 1000)


def test_arrays_text_and_attributes_are_read_back(tmp_path: Path) -> None:
    write(tmp_path / "out.zarr")
    store = zarr.open_group(tmp_path / "out.zarr", mode="r")
    assert dict(store.attrs) == {"kind": "test", "format": 1, "num_rows": 1000}
    assert store["values"].dtype == np.float32
    np.testing.assert_array_equal(store["values"][10:12].ravel(), np.arange(24))
    assert not store["values"][12:].any()
    assert store["names"][:].tolist() == ["short", "a longer one", "ü"]
    assert store["starts"][:].tolist() == [5, 7]
    assert [path.name for path in tmp_path.iterdir()] == ["out.zarr"]


def test_rows_are_written_by_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enformer_vep.io.arrays.zarr_folder.CHUNK_BYTES", 4 * 6 * 4)  # 4 rows of 6 numbers
    values = np.random.default_rng(1).normal(size=(23, 2, 3)).astype(np.float32)
    with whole_zarr(tmp_path / "out.zarr", {"kind": "test"}) as store:
        rows = ZarrRows(store.create("values", values.shape, "float32"))
        for start, stop in ((0, 1), (1, 3), (3, 12), (12, 12), (12, 16), (16, 23)):
            rows.write(values[start:stop])
        rows.finish()
    found = zarr.open_group(tmp_path / "out.zarr", mode="r")["values"]
    assert found.chunks == (4, 2, 3)
    np.testing.assert_array_equal(found[:], values)


def test_a_store_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_zarr(tmp_path / "out.zarr", {"kind": "test"}) as store:
        store.add("starts", [1])
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_only_a_store_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.zarr"
    write(path)
    with pytest.raises(OutputError, match="exists: choose another output, or use --overwrite"):
        check_zarr_folder(path, "test", overwrite=False)
    check_zarr_folder(path, "test", overwrite=True)
    with pytest.raises(OutputError, match="has other files than this command writes"):
        check_zarr_folder(path, "other", overwrite=True)


def test_the_version_is_known() -> None:
    assert check_zarr_support()["zarr"].startswith("3.")
