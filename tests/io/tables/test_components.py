import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enformer_vep.errors import TransformError
from enformer_vep.io.tables.components import Transform, TransformOrigin, load_transform, save_transform

# Two tracks and one component. Scores of (4, 10) are means of (2, 5); scaled: ((2-1)/0.5, (5-1)/4) = (2, 1);
# less the mean (1, 1): (1, 0); component: 3*1 + 4*0 = 3; PC0: (3-1)/2 = 1.
TRANSFORM = Transform(
    TransformOrigin("SAD", 2.0, "human", "published", {"bins": "all"}, "by hand"),
    indices=np.array([1, 0]),
    identifiers=("B", "A"),
    centre=np.array([1.0, 1.0]),
    scale=np.array([0.5, 4.0]),
    mean=np.array([1.0, 1.0]),
    components=np.array([[3.0, 4.0]]),
    centre2=np.array([1.0]),
    scale2=np.array([2.0]),
)


def test_the_arithmetic() -> None:
    scores = np.array([[4, 10], [4, np.nan], [4, np.inf]], np.float32)
    np.testing.assert_array_equal(TRANSFORM.apply(scores), [[1.0], [np.nan], [np.nan]])


def test_a_file_holds_all_of_a_transform(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    for transform in (TRANSFORM, replace(TRANSFORM, identifiers=None)):
        save_transform(transform, path)
        found = load_transform(str(path))
        assert (found.origin, found.identifiers) == (transform.origin, transform.identifiers)
        for name in ("indices", "centre", "scale", "mean", "components", "centre2", "scale2"):
            np.testing.assert_array_equal(getattr(found, name), getattr(transform, name))
    first = path.read_bytes()
    save_transform(found, path)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == ["t.npz"]


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("centre", np.zeros(3), r"centre has the shape \(3,\): expected \(2,\)"),
        ("components", np.zeros(2), r"components has the shape \(2,\): expected \(components, tracks\)"),
        ("scale", np.array([1.0, 0.0]), "scale has values that are not positive"),
        ("mean", np.array([1.0, np.nan]), "mean has values that are not finite"),
        ("indices", np.array([1, 1]), "indices are not the numbers of different tracks"),
        ("identifiers", ("A", "A"), "identifiers do not name 2 different tracks"),
        ("scale2", np.array([-1.0]), "scale2 has values that are not positive"),
    ],
)
def test_values_that_no_transform_has(name: str, array: object, message: str) -> None:
    with pytest.raises(TransformError, match=message):
        replace(TRANSFORM, **{name: array})


def changed(tmp_path: Path, **arrays: np.ndarray | None) -> str:
    """Writes the transform with other arrays, or without those that are None."""
    path = tmp_path / "t.npz"
    save_transform(TRANSFORM, path)
    with np.load(path) as file:
        found = {name: file[name] for name in file.files} | arrays
    np.savez(path, **{name: array for name, array in found.items() if array is not None})
    return str(path)


def about(**changes: object) -> np.ndarray:
    kept = {"format": 1, "statistic": "SAD", "divisor": 1.0, "head": "human", "weights": "", "settings": {}}
    return np.array(json.dumps(kept | {"source": ""} | changes))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"scale": None}, "is not a transform: it has no array 'scale'"),
        ({"scale": np.array([None, None])}, "is not a transform: .*pickle"),
        ({"scale": np.array([1, 2])}, "is not a transform: scale holds int64: expected floating-point numbers"),
        ({"indices": np.array([0.0, 1.0])}, "is not a transform: indices holds float64: expected whole numbers"),
        ({"scale": np.zeros(2)}, "t.npz is not a transform: scale has values that are not positive"),
        ({"about": about(format=2)}, "its format is 2, and this version of enformer-vep reads 1"),
        ({"about": about(divisor="1")}, "divisor is '1'"),
        ({"about": about(divisor=0)}, "the divisor is 0: expected a positive number"),
        ({"about": np.array("[]")}, "its format is None"),
        ({"about": np.array("{")}, "is not a transform: "),
    ],
)
def test_files_that_are_no_transform(arrays: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        load_transform(changed(tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def test_files_that_are_damaged(tmp_path: Path) -> None:
    with pytest.raises(TransformError, match="no such file"):
        load_transform(str(tmp_path / "none.npz"))
    path = Path(changed(tmp_path))
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:-30], whole[:200]):
        path.write_bytes(content)
        with pytest.raises(TransformError, match=r"t\.npz is not a transform: expected an \.npz file"):
            load_transform(str(path))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("about.npy", b"no array")
    with pytest.raises(TransformError, match=r"t\.npz is not a transform"):
        load_transform(str(path))
    path.write_bytes(whole.replace(np.array([0.5, 4.0]).tobytes(), np.array([0.5, 5.0]).tobytes()))
    with pytest.raises(TransformError, match=r"t\.npz is not a transform: Bad CRC-32"):
        load_transform(str(path))
