"""Files appear only when they are whole."""

import os
import stat
from pathlib import Path

import pytest

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.io.whole_file import check_writable, whole_file


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
