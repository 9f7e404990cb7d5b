"""Runs that die, are stopped, or cannot write: what was finished is kept, and what comes out is the same bytes."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.run.score.parts import Part, WorkFolder
from tests.run.score.stopped_runs import Start, arguments, outputs, records, wait_for_a_part
from tests.support import file_system, random_sequence, write_fasta, write_vcf

pytestmark = pytest.mark.slow


def after_each_part(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Lets something happen in mid-run."""
    write_part = WorkFolder.write_part

    def write_part_and_act(self: WorkFolder, number: int, part: Part) -> None:
        write_part(self, number, part)
        act()

    patch.setattr(WorkFolder, "write_part", write_part_and_act)


def test_a_stop_signal_says_how_to_go_on(
    inputs: Path, undisturbed: dict[str, bytes], tmp_path: Path, start: Start
) -> None:
    out = tmp_path / "out.parquet"
    run = start(*arguments(inputs, out))
    wait_for_a_part(run, tmp_path / "out.parquet.parts")
    run.send_signal(signal.SIGTERM)
    run.send_signal(signal.SIGCONT)
    _, error = run.communicate()
    assert run.returncode == 143
    last = error.splitlines()[-1]
    assert last.startswith("enformer-vep: error: stopped by SIGTERM; ")
    assert last.endswith("use --resume to continue")
    assert not out.exists()
    assert main(arguments(inputs, out)) == 2  # an unfinished run is there
    assert main(arguments(inputs, out, "--resume")) == 0
    assert outputs(out) == undisturbed


def test_control_c_keeps_what_is_finished(
    inputs: Path,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    out = tmp_path / "out.parquet"
    with monkeypatch.context() as patch:
        after_each_part(patch, lambda: signal.raise_signal(signal.SIGINT))
        assert main(arguments(inputs, out)) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("enformer-vep: error: stopped by SIGINT; ")
    assert last.endswith("use --resume to continue")
    assert len(list((tmp_path / "out.parquet.parts").glob("part-*"))) == 1
    assert not out.exists()
    assert main(arguments(inputs, out, "--resume")) == 0
    assert outputs(out) == undisturbed


def test_a_reader_that_goes_away_leaves_nothing(inputs: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "enformer_vep", *arguments(inputs, Path("-"), "-q")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment)
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.close()
    error = run.stderr.read()
    run.stderr.close()
    assert run.wait() == 1
    assert error == b""
    assert list(tmp_path.iterdir()) == []


def test_a_removed_folder_is_one_line_and_exit_1(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    after_each_part(monkeypatch, lambda: folder.rename(tmp_path / "elsewhere"))
    assert main(arguments(inputs, folder / "out.parquet", "-q")) == 1
    error = capsys.readouterr().err
    assert error.startswith("enformer-vep: error: cannot write ")
    assert error.count("\n") == 1


def test_a_fasta_that_is_cut_in_mid_run_is_one_line_and_exit_1(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    contigs = {f"chr{i}": random_sequence(20_000, seed=i) for i in range(1, 4)}
    fasta = write_fasta(tmp_path / "genome.fa", contigs)
    vcf = [record for name, contig in contigs.items() for record in records(contig, name, 10, spacing=100)]
    write_vcf(tmp_path / "input.vcf", vcf)
    (tmp_path / "model").symlink_to(inputs / "model")
    monkeypatch.setattr("enformer_vep.io.genome.fasta.NUM_BLOCKS", 1)  # of a real genome most is not in memory
    after_each_part(monkeypatch, lambda: os.truncate(fasta, 30_000))
    assert main(arguments(tmp_path, tmp_path / "out.parquet", "-q")) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{fasta}: chr2:1-20000" in error
    assert error.rstrip().endswith("use --resume to continue")
    assert list((tmp_path / "out.parquet.parts").glob("part-*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB."""
    with file_system(tmp_path / "small", "512k") as folder:
        yield folder


def test_a_full_disk_keeps_what_is_finished(
    inputs: Path, undisturbed: dict[str, bytes], small_disk: Path, capsys: pytest.CaptureFixture
) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 490_000)
    out = small_disk / "out.parquet"
    assert main(arguments(inputs, out, "-q")) == 1
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert error.count("\n") == 1
    assert list((small_disk / "out.parquet.parts").glob("part-*"))
    assert not out.exists()
    filler.unlink()
    assert main(arguments(inputs, out, "--resume")) == 0
    assert outputs(out) == undisturbed


def names(folder: Path) -> set[str]:
    """The names in a folder and the folders in it; one of these may vanish while it is looked into."""
    while True:
        try:
            return {str(path.relative_to(folder)) for path in folder.rglob("*")}
        except FileNotFoundError:
            continue


@pytest.mark.parametrize("num_kills", [1, pytest.param(12, marks=pytest.mark.full)])
def test_killed_at_any_moment_and_resumed_it_gives_the_same_bytes(
    num_kills: int, inputs: Path, tmp_path: Path, start: Start
) -> None:
    """SIGKILL after a number of changes to the folder: the moments are the same on a slow machine as on a fast one."""
    folder = tmp_path / "killed"
    folder.mkdir()
    whole, out = tmp_path / "whole.tsv.gz", folder / "out.tsv.gz"
    assert main([*arguments(inputs, whole, "-q")]) == 0
    moments = random.Random(20)
    for _ in range(num_kills):
        run = start(*arguments(inputs, out, "--resume", "-q"))
        seen, num_changes = names(folder), moments.randrange(24)
        while num_changes and run.poll() is None:
            time.sleep(0.005)
            if (found := names(folder)) != seen:
                seen, num_changes = found, num_changes - 1
        run.kill()
        run.communicate()
        if run.returncode == 0:  # done early: begin again
            for path in folder.iterdir():
                path.unlink()
    assert main([*arguments(inputs, out, "--resume", "-q")]) == 0
    assert out.read_bytes() == whole.read_bytes()
    assert outputs(out)["out.tsv.gz.skipped.tsv"] == outputs(whole)["whole.tsv.gz.skipped.tsv"]
    assert not out.with_name("out.tsv.gz.parts").exists()
