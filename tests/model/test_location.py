from pathlib import Path

import pytest

from enformer_vep.errors import WeightsError
from enformer_vep.fetch.cache import Cache
from enformer_vep.model.location import locate_model


def touch(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_a_folder_a_prefix_and_the_index_itself(tmp_path: Path) -> None:
    touch(tmp_path / "ckpt-1.index")
    for model in (tmp_path, tmp_path / "ckpt-1", tmp_path / "ckpt-1.index"):
        location = locate_model(str(model))
        assert location.prefix == tmp_path / "ckpt-1"
        assert location.path == tmp_path / "ckpt-1.index"
        assert location.config_path is None
        assert location.name == "enformer"


def test_a_saved_model(tmp_path: Path) -> None:
    touch(tmp_path / "saved_model.pb")
    touch(tmp_path / "variables" / "variables.index")
    assert locate_model(str(tmp_path)).prefix == tmp_path / "variables" / "variables"


def test_of_several_checkpoints_the_latest(tmp_path: Path) -> None:
    touch(tmp_path / "ckpt-1.index")
    touch(tmp_path / "ckpt-2.index")
    with pytest.raises(WeightsError, match="2 checkpoints in"):
        locate_model(str(tmp_path))
    touch(tmp_path / "checkpoint", 'model_checkpoint_path: "/somewhere/else/ckpt-2"\nall_model_checkpoint_paths: "x"\n')
    assert locate_model(str(tmp_path)).prefix.name == "ckpt-2"


def test_demo_is_inside_the_package() -> None:
    location = locate_model("demo")
    assert location.name == "demo"
    assert location.path.is_file()
    assert location.config_path
    size = sum(path.stat().st_size for path in location.path.parent.iterdir())
    assert size < 1_500_000


def test_official_weights_are_looked_for_in_the_cache(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"not in .*: first run 'enformer-vep fetch weights', .* -m demo"):
        locate_model("enformer", tmp_path)
    prefix = Cache(tmp_path).weights / "enformer-fine-tuned-human-1"
    touch(prefix.with_name(f"{prefix.name}.index"))
    assert locate_model("enformer", tmp_path).prefix == prefix
    with pytest.raises(ValueError, match="cache folder"):
        locate_model("enformer")


def test_no_model_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no model at 'enformr': expected .* enformer, demo"):
        locate_model("enformr")
    with pytest.raises(
        WeightsError,
        match=r"no model in .*: expected a checkpoint .*, a SavedModel .* \.safetensors",
    ):
        locate_model(str(tmp_path))


@pytest.mark.parametrize("name", ["mine.safetensors", "pytorch_model.bin", "state.pt", "state.pth"])
def test_a_single_file_and_its_folder(name: str, tmp_path: Path) -> None:
    path = touch(tmp_path / name)
    touch(tmp_path / "config.json")  # such as Hugging Face's, which is not ours
    for model in (path, tmp_path):
        location = locate_model(str(model))
        assert (location.path, location.config_path, location.name) == (path, None, "enformer")


def test_of_a_folder_with_both_the_safetensors_file(tmp_path: Path) -> None:
    touch(tmp_path / "pytorch_model.bin")
    path = touch(tmp_path / "model.safetensors")
    assert locate_model(str(tmp_path)).path == path
    touch(tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"2 weights files in .* \(model.safetensors, other.safetensors\): name one"):
        locate_model(str(tmp_path))


def test_a_checkpoint_goes_before_files_beside_it(tmp_path: Path) -> None:
    touch(tmp_path / "model.index")
    touch(tmp_path / "converted.safetensors")
    assert locate_model(str(tmp_path)).path == tmp_path / "model.index"
