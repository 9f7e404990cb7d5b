"""Folders that appear whole or not at all."""

from pathlib import Path

import pytest

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.io.whole_folder import check_folder, whole_folder


def test_a_folder_appears_at_the_end(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("new")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").stat().st_mode & 0o777 == (tmp_path / "out" / "a").stat().st_mode & 0o777 | 0o111


def test_a_failure_leaves_the_earlier_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("earlier")
    with pytest.raises(RuntimeError, match="stop"), whole_folder(tmp_path / "out") as folder:
        (folder / "b").write_text("new")
        raise RuntimeError("stop")
    with pytest.raises(EnformerVepError, match=r"cannot write .*out: No space"), whole_folder(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]
    with whole_folder(tmp_path / "out") as folder:
        (folder / "b").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "b"]


def test_a_stop_between_two_renames_brings_the_earlier_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("earlier")
    rename, renamed = Path.rename, []

    def stopped_rename(path: Path, target: Path) -> Path:
        renamed.append(path.name)
        if len(renamed) == 2:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stopped_rename)
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "out") as folder:
        (folder / "b").write_text("new")
    assert len(renamed) == 3
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]


@pytest.mark.parametrize(
    ("name", "overwrite", "message"),
    [
        (".", True, "name a new folder"),
        ("none/out", False, "does not exist: create it first"),
        ("ours", False, "exists: choose another output, or use --overwrite"),
        ("other", True, "is not overwritten"),
        ("file", True, "is not overwritten"),
        ("link", True, "is not overwritten"),
    ],
)
def test_folders_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, overwrite: bool, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("ours", "other"):
        Path(folder).mkdir()
    Path("file").touch()
    Path("link").symlink_to("ours")
    with pytest.raises(OutputError, match=message):
        check_folder(Path(name), lambda path: path.name in ("ours", "link"), overwrite=overwrite)
    check_folder(Path("ours"), lambda path: path.name == "ours", overwrite=True)
    check_folder(Path("new"), lambda path: False, overwrite=False)
