"""What `--resume`, `--overwrite` and a plain run make of an earlier run: the same bytes, or a refusal."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from enformer_vep.cli import main
from tests.run.score.stopped_runs import Start, arguments, outputs, wait_for_a_part

pytestmark = pytest.mark.slow


def test_part_and_batch_sizes_do_not_show(inputs: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    assert main([*arguments(inputs, tmp_path / "out.parquet"), "--part-size", "1000"]) == 0
    assert outputs(tmp_path / "out.parquet") == undisturbed


def test_resume_refuses_another_run(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture, half_way: Path
) -> None:
    out = tmp_path / "out.parquet"
    shutil.copytree(half_way, tmp_path, dirs_exist_ok=True)
    changes = {
        "statistics": ["--stats", "SAR"],
        "tracks.num_tracks": ["--tracks", "0"],
        "selection.pass_only": ["--pass-only"],
        "head": ["--head", "mouse"],
    }
    for item, change in changes.items():
        capsys.readouterr()
        assert main([*arguments(inputs, out, "--resume", "-q"), *change]) == 2
        assert f"cannot resume: the run in {out}.parts had {item} " in capsys.readouterr().err
    vcf = tmp_path / "other.vcf"
    vcf.write_text((inputs / "input.vcf").read_text().replace("v7", "V7"))
    command = arguments(inputs, out, "--resume", "-q")
    assert main([command[0], str(vcf), *command[2:]]) == 2
    assert "had vcf." in capsys.readouterr().err
    assert list((tmp_path / "out.parquet.parts").glob("part-*"))  # and nothing is lost by it


def test_overwrite_begins_anew(inputs: Path, undisturbed: dict[str, bytes], tmp_path: Path, half_way: Path) -> None:
    out = tmp_path / "out.parquet"
    shutil.copytree(half_way, tmp_path, dirs_exist_ok=True)
    assert main(arguments(inputs, out, "--overwrite")) == 0
    assert outputs(out) == undisturbed
    assert not out.with_name("out.parquet.parts").exists()


def test_resume_of_what_is_done_does_nothing(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out.parquet"
    assert main(arguments(inputs, out, "--resume")) == 0  # nothing to resume yet: an ordinary run
    before = (out.read_bytes(), os.stat(out).st_mtime_ns)
    assert main(arguments(inputs, out, "--resume")) == 0
    assert "; 120 of them were finished by an earlier run" in capsys.readouterr().err
    assert (out.read_bytes(), os.stat(out).st_mtime_ns) == before
    assert main(arguments(inputs, out, "--resume", "--stats", "SADR")) == 2
    assert not out.with_name("out.parquet.parts").exists()


def test_a_finished_shard_is_not_the_whole_run(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out.parquet"
    assert main(arguments(inputs, out, "-q", "--shard", "1/20")) == 0
    before = out.read_bytes()
    assert main(arguments(inputs, out, "-q", "--resume")) == 2
    assert "out.parquet.run.json had shard {'number': 1, 'of': 20, " in capsys.readouterr().err
    assert out.read_bytes() == before


def test_resume_does_not_touch_what_is_no_run(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out.parquet"
    out.write_text("mine")
    assert main(arguments(inputs, out, "--resume")) == 2
    assert "out.parquet exists, but there is no out.parquet.run.json beside it" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [out]


def test_death_amid_the_last_clean_up_costs_nothing(inputs: Path, tmp_path: Path, half_way: Path) -> None:
    out, work = tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    shutil.copytree(half_way, tmp_path, dirs_exist_ok=True)
    kept = work.rename(tmp_path / "kept")
    assert main(arguments(inputs, out)) == 0
    kept.rename(work)  # all files are in place, some parts are not yet removed
    before = os.stat(out).st_mtime_ns
    assert main(arguments(inputs, out, "--resume")) == 0
    assert os.stat(out).st_mtime_ns == before
    assert not work.exists()


def test_a_second_run_at_the_same_output_is_refused(inputs: Path, tmp_path: Path, start: Start) -> None:
    out = tmp_path / "out.parquet"
    first = start(*arguments(inputs, out))
    wait_for_a_part(first, tmp_path / "out.parquet.parts")
    second = start(*arguments(inputs, out, "--resume"))
    _, error = second.communicate()
    assert second.returncode == 2
    assert "another run is writing this output" in error
    assert error.count("\n") == 1
    first.send_signal(signal.SIGCONT)
    first.communicate()
    assert first.returncode == 0
