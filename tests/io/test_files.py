"""Files and folders appear whole or not at all, and folders are named after variants."""

import os
import stat
from pathlib import Path

import pytest

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.genome.variant import Variant
from enformer_vep.io.files import FolderNames, check_folder, check_writable, whole_file, whole_folder


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("before")
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "before"


def test_a_whole_file_replaces_it_and_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("before")
    with whole_file(path) as file:
        file.write(b"after")
        assert path.read_text() == "before"
    mask = os.umask(0)
    os.umask(mask)
    assert path.read_text() == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with (
        pytest.raises(EnformerVepError, match=r"cannot write .*: No such file or directory"),
        whole_file(tmp_path / "no" / "out"),
    ):
        pass
    with pytest.raises(OutputError, match="does not exist: create it first"):
        check_writable(tmp_path / "no" / "out", overwrite=True)


def test_what_exists_is_overwritten_on_request_alone(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("before")
    with pytest.raises(OutputError, match="exists: choose another output, or use --overwrite"):
        check_writable(path, overwrite=False)
    check_writable(path, overwrite=True)
    with pytest.raises(OutputError, match="is a folder: choose the name of a file"):
        check_writable(tmp_path, overwrite=True)


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


LONG = "HLA:" + "x" * 300


@pytest.mark.parametrize(
    ("variant", "name"),
    {
        "plain": (Variant("chr1", 5, "a", "G"), "chr1_5_A_G"),
        "long": (Variant("chr1", 5, "A", "ACGTACGTT" + "A" * 20), "chr1_5_A_ACGTACGT-29bp"),
        "just short enough": (Variant("chr1", 5, "A", "A" * 20), f"chr1_5_A_{'A' * 20}"),
        "contig with other letters": (Variant("HLA:A*01/02", 5, "A", "G"), "HLA-A-01-02_5_A_G"),
        "long contig": (Variant(LONG, 5, "A", "G"), f"HLA-{'x' * 96}_5_A_G"),
        "dots": (Variant("..", 5, "A", "G"), "-_5_A_G"),
    }.values(),
)
def test_names_are_readable_and_safe(variant: Variant, name: str) -> None:
    assert FolderNames().name(variant) == name


def test_no_name_is_given_twice_whatever_its_case() -> None:
    names = FolderNames()
    variants = [("chr1", "A"), ("CHR1", "A"), ("chr1", "a"), ("chr1", "A")]
    found = [names.name(Variant(chrom, 5, ref, "G")) for chrom, ref in variants]
    assert found == ["chr1_5_A_G", "CHR1_5_A_G_2", "chr1_5_A_G_3", "chr1_5_A_G_4"]
