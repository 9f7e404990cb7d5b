"""Weights: from the bucket or through a client, in their place only when they are whole and checked."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from enformer_vep.errors import FetchError, InputError, TransferError, WeightsError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.fetching import FetchSettings, fetch, parse_words
from enformer_vep.fetch.remote import HUGGING_FACE_REPOSITORY, ITEMS, KAGGLE_HANDLE, Source
from enformer_vep.fetch.transfer import Patience
from enformer_vep.fetch.weights import source_of
from enformer_vep.model.location import locate_model
from enformer_vep.run.weights import check_official_weights
from tests.fetch.conftest import all_files
from tests.fetch.site import Answer, Site

FOLDER = "/models/enformer/"


def get(
    cache: Cache,
    site: Site | None = None,
    *,
    source: Source = "bucket",
    force: bool = False,
    check: Callable[[Path], None] = check_official_weights,
    is_quiet: bool = False,
) -> Path:
    url = "http://127.0.0.1:9" if site is None else site.url  # at 9, nobody listens
    patience = Patience(attempts=2, sleep=lambda seconds: None)
    settings = FetchSettings(parse_words(["weights"]), cache, url, source, force, is_quiet=is_quiet, patience=patience)
    (folder,) = fetch(settings, check)
    return folder


def names(cache: Cache) -> list[str]:
    return [str(path.relative_to(cache.folder)) for path in all_files(cache.folder) if path.suffix != ".lock"]


def test_the_checkpoint_arrives_and_is_checked(mirror: Site, cache: Cache) -> None:
    assert get(cache, mirror) == cache.weights
    assert names(cache) == [file.place for file in ITEMS["weights"].files]
    for name in names(cache):
        assert (cache.folder / name).read_bytes() == mirror.files[f"/{name}"]
    assert locate_model("enformer", cache.folder).prefix.parent == cache.weights
    assert get(cache) == cache.weights  # which is there, and needs no connection


def test_a_checkpoint_that_breaks_off_goes_on_with_what_is_missing(mirror: Site, cache: Cache) -> None:
    data = next(path for path in mirror.files if ".data-" in path)
    mirror.answers[data] = [Answer(status=500)] * 2
    with pytest.raises(TransferError):
        get(cache, mirror)
    assert not cache.weights.exists()
    mirror.requests.clear()
    get(cache, mirror)
    assert mirror.requests[0][0] == data
    assert not any(path.endswith("config.json") for path, _, _ in mirror.requests)


def flipped(content: bytes) -> bytes:
    return content[:1000] + bytes([content[1000] ^ 1]) + content[1001:]


BAD_FILES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "a bit of the data": (".data-", flipped, "is damaged"),
    "data cut short": (".data-", lambda content: content[:5000], "damaged|cut short"),
    "no index": (
        ".index",
        lambda content: b"<html>Please log in</html>",
        "is not the index of a TensorFlow checkpoint",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_damaged_weights_are_not_kept(case: str, mirror: Site, cache: Cache) -> None:
    part, change, message = BAD_FILES[case]
    path = next(path for path in mirror.files if path.startswith(FOLDER) and part in path)
    mirror.files[path] = change(mirror.files[path])
    with pytest.raises(WeightsError, match=f"{message}.*; nothing of them was kept") as error:
        get(cache, mirror)
    assert error.value.exit_code == 2
    assert names(cache) == []


def test_other_weights_are_not_the_official_ones(stand_ins: Path, site: Site, cache: Cache) -> None:
    # Without the fixture `mirror`, the real published tensors are expected.
    with pytest.raises(WeightsError, match="official"):
        check_official_weights(stand_ins / "models" / "enformer")


def test_weights_that_were_placed_by_hand_are_checked(mirror: Site, stand_ins: Path, cache: Cache) -> None:
    shutil.copytree(stand_ins / "models" / "enformer", cache.downloads / "models" / "enformer")
    assert get(cache) == cache.weights
    assert names(cache) == [file.place for file in ITEMS["weights"].files]


def test_weights_under_the_final_name_are_checked(mirror: Site, stand_ins: Path, cache: Cache) -> None:
    shutil.copytree(stand_ins / "models" / "enformer", cache.weights)
    assert get(cache) == cache.weights
    assert not (cache.folder / "locks").exists()  # a shared cache may be read-only
    data = next(cache.weights.glob("*.data-*"))
    data.write_bytes(flipped(data.read_bytes()))
    with pytest.raises(WeightsError, match=r"is damaged.*; fetch them again with --force"):
        get(cache, mirror)
    assert get(cache, mirror, force=True) == cache.weights
    assert get(cache) == cache.weights


def test_files_that_are_no_weights_are_not_replaced_unasked(mirror: Site, cache: Cache) -> None:
    cache.weights.mkdir(parents=True)
    (cache.weights / "mine").write_text("mine")
    with pytest.raises(FetchError, match="has files, but no weights: move them away"):
        get(cache, mirror)
    assert names(cache) == ["models/enformer/mine"]
    get(cache, mirror, force=True)
    assert "models/enformer/mine" not in names(cache)


# The sites cannot be reached in tests: the one function of their clients that is called is replaced.


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch, stand_ins: Path) -> list[Any]:
    """kagglehub, which gives a SavedModel's folder."""
    calls: list[Any] = []

    def model_download(handle: str, *, force_download: bool, output_dir: str) -> str:
        calls.append((handle, force_download))
        variables = Path(output_dir) / "variables"
        variables.mkdir(parents=True)
        (Path(output_dir) / "saved_model.pb").write_bytes(b"graph")
        for path in (stand_ins / "models" / "enformer").glob("model.*"):
            shutil.copy(path, variables / path.name.replace("model", "variables"))
        return output_dir

    module = ModuleType("kagglehub")
    module.model_download = model_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return calls


@pytest.fixture
def hugging_face(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """huggingface_hub, which puts a file and its notes into a folder."""
    calls: list[Any] = []

    def hf_hub_download(repository: str, name: str, *, local_dir: Path) -> str:
        calls.append((repository, name))
        (local_dir / ".cache" / "huggingface").mkdir(parents=True)
        (local_dir / ".cache" / "huggingface" / "note").write_text("note")
        (local_dir / name).write_bytes(b"state")
        return str(local_dir / name)

    module = ModuleType("huggingface_hub")
    module.hf_hub_download = hf_hub_download
    utils = ModuleType("huggingface_hub.utils")  # no attribute of the package until somebody imports it
    utils.disable_progress_bars = lambda: calls.append("quiet")
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", utils)
    monkeypatch.setattr("enformer_vep.fetch.weights.find_spec", lambda name: name)
    return calls


def test_kaggle(kaggle: list[Any], mirror: Site, cache: Cache) -> None:
    assert get(cache, source="kaggle") == cache.weights
    assert kaggle == [(KAGGLE_HANDLE, True)]
    assert source_of(cache.weights) == "kaggle"
    assert locate_model("enformer", cache.folder).prefix == cache.weights / "variables" / "variables"
    assert all(name.startswith("models/enformer/") for name in names(cache))
    assert get(cache, source="kaggle") == cache.weights
    assert len(kaggle) == 1


def test_a_notebook_in_which_kaggle_models_are_mounted(
    kaggle: list[Any], mirror: Site, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = sys.modules["kagglehub"].model_download
    elsewhere = str(tmp_path / "mounted")
    monkeypatch.setattr(
        sys.modules["kagglehub"],
        "model_download",
        lambda handle, **_: download(handle, force_download=True, output_dir=elsewhere),
    )
    assert get(cache, source="kaggle") == cache.weights
    assert source_of(cache.weights) == "kaggle"
    assert source_of(Path(elsewhere)) == "kaggle"


def test_hugging_face(hugging_face: list[Any], cache: Cache) -> None:
    seen = []
    assert get(cache, source="huggingface", check=lambda folder: seen.append(sorted(folder.iterdir()))) == cache.weights
    assert hugging_face == [(HUGGING_FACE_REPOSITORY, "pytorch_model.bin")]
    assert names(cache) == ["models/enformer/pytorch_model.bin"]
    assert seen == [[cache.downloads / "huggingface" / "pytorch_model.bin"]]


def test_hugging_face_without_progress_bars(hugging_face: list[Any], cache: Cache) -> None:
    get(cache, source="huggingface", is_quiet=True, check=lambda folder: None)
    assert hugging_face == ["quiet", (HUGGING_FACE_REPOSITORY, "pytorch_model.bin")]


def test_wrong_weights_of_a_client_are_not_kept(hugging_face: list[Any], cache: Cache) -> None:
    def refuse(folder: Path) -> None:
        raise WeightsError("something else")

    with pytest.raises(WeightsError, match="something else; nothing of them was kept"):
        get(cache, source="huggingface", check=refuse)
    assert names(cache) == []


def test_one_source_at_a_time(kaggle: list[Any], mirror: Site, cache: Cache) -> None:
    get(cache, mirror)
    with pytest.raises(FetchError, match=r"has the weights of --source bucket already.*or replace them with --force"):
        get(cache, source="kaggle")
    assert kaggle == []
    get(cache, source="kaggle", force=True)
    assert source_of(cache.weights) == "kaggle"
    assert not list(cache.weights.glob("model.*"))


@pytest.mark.parametrize(("source", "package"), [("kaggle", "kagglehub"), ("huggingface", "huggingface_hub")])
def test_a_client_that_is_not_installed(
    source: Source, package: str, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(FetchError) as error:
        get(cache, source=source)
    install = f"pip install 'enformer-vep[{source}]'"
    expected = f"--source {source} needs the package {package}: install it with {install}, or leave out --source"
    assert str(error.value) == expected


def test_a_pickle_that_could_not_be_checked_is_not_downloaded(
    hugging_face: list[Any], cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enformer_vep.fetch.weights.find_spec", lambda name: None)
    with pytest.raises(FetchError, match=r"--source huggingface needs the package torch: install it with pip install"):
        get(cache, source="huggingface")
    assert hugging_face == []


@pytest.mark.parametrize("error", [OSError("no\nconnection"), ValueError("401"), RuntimeError("x" * 1000)])
def test_a_client_that_fails(
    error: Exception, kaggle: list[Any], cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(sys.modules["kagglehub"], "model_download", fail)
    with pytest.raises(InputError, match="Kaggle's client could not download the weights: ") as raised:
        get(cache, source="kaggle")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400
    assert names(cache) == []
