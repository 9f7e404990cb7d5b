from pathlib import Path

import pytest

from enformer_vep.errors import OutputError
from enformer_vep.io.tables.outputs import OutputPaths


def test_names(tmp_path: Path) -> None:
    paths = OutputPaths("a/out.tsv.gz")
    assert [str(path) for path in paths.all] == [
        "a/out.tsv.gz",
        "a/out.tsv.gz.skipped.tsv",
        "a/out.tsv.gz.run.json",
        "a/out.tsv.gz.tracks.tsv",
    ]
    assert str(paths.work) == "a/out.tsv.gz.parts"
    assert OutputPaths("out.parquet").tracks is None


def test_standard_output_has_files_beside_it() -> None:
    paths = OutputPaths("-", default_stem="input.enformer")
    assert [str(path) for path in paths.all] == [
        "input.enformer.tsv.skipped.tsv",
        "input.enformer.tsv.run.json",
        "input.enformer.tsv.tracks.tsv",
    ]


def test_outputs_are_checked_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"ends in .parquet, .tsv, .tsv.gz"):
        OutputPaths("out.csv")
    with pytest.raises(OutputError, match="does not exist"):
        OutputPaths(str(tmp_path / "none" / "out.tsv")).check(overwrite=False)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="does not exist"):
        OutputPaths(str(tmp_path / "file" / "out.tsv")).check(overwrite=False)
    paths = OutputPaths(str(tmp_path / "out.tsv"))
    paths.check(overwrite=False)
    paths.skipped.touch()
    with pytest.raises(OutputError, match=r"out.tsv.skipped.tsv exists: .*--overwrite"):
        paths.check(overwrite=False)
    paths.check(overwrite=True)
    paths.table.mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        paths.check(overwrite=True)
    paths.table.rmdir()
    paths.work.touch()
    with pytest.raises(OutputError, match="needs this name"):
        paths.check(overwrite=True)
