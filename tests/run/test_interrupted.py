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
from enformer_vep.model.weights import save_model
from enformer_vep.run.parts import Part
from enformer_vep.run.work_folder import WorkFolder
from tests.support import TINY_CONFIG, random_sequence, reference_model, write_fasta, write_vcf

pytestmark = pytest.mark.slow

CONTIG = random_sequence(20_000)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model, a genome and 120 alleles, some of them to be skipped."""
    folder = tmp_path_factory.mktemp("resume")
    save_model(reference_model(TINY_CONFIG), folder / "model")
    write_fasta(folder / "genome.fa", {"chr1": CONTIG})
    write_vcf(folder / "input.vcf", records(CONTIG, "chr1", 60, spacing=150))
    return folder


def records(contig: str, chrom: str, num: int, *, spacing: int) -> list[tuple]:
    """Records of two ALTs each, every tenth with one that is skipped."""
    found = []
    for i in range(num):
        pos = 1500 + i * spacing
        ref = contig[pos - 1].upper()
        other = "CGTA"["ACGT".index(ref)]
        found.append((chrom, pos, f"v{i}", ref, f"{other},{'<DEL>' if i % 10 == 0 else ref + 'AC'}"))
    return found


def arguments(inputs: Path, out: Path, *more: str) -> list[str]:
    paths = ["-f", str(inputs / "genome.fa"), "-m", str(inputs / "model"), "-o", str(out)]
    return ["score", str(inputs / "input.vcf"), *paths, "--part-size", "7", *more]


Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a run in a process of its own, which does not outlive the test."""
    runs = []

    def start_run(*command: str) -> subprocess.Popen:
        words = [sys.executable, "-m", "enformer_vep", *command]
        runs.append(subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True))
        return runs[-1]

    yield start_run
    for run in runs:
        if run.poll() is None:
            run.kill()
            run.communicate()


def outputs(out: Path) -> dict[str, bytes]:
    """The files that are the same bytes whenever a run is made."""
    return {path.name: path.read_bytes() for path in (out, out.with_name(f"{out.name}.skipped.tsv"))}


def wait_for_a_part(run: subprocess.Popen, work: Path) -> None:
    """Waits as long as the run lives, however slow the machine, and holds it where it is."""
    while not list(work.glob("part-*.arrow")):
        assert run.poll() is None, "the run ended before a part was finished"
        time.sleep(0.01)
    run.send_signal(signal.SIGSTOP)
    assert not work.with_suffix("").exists(), "the run ended before it could be stopped"


@pytest.fixture(scope="module")
def undisturbed(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "out.parquet"
    assert main(arguments(inputs, out)) == 0
    assert not out.with_name("out.parquet.parts").exists()
    return outputs(out)


def test_part_and_batch_sizes_do_not_show(inputs: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    assert main([*arguments(inputs, tmp_path / "out.parquet"), "--part-size", "1000"]) == 0
    assert outputs(tmp_path / "out.parquet") == undisturbed


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_signal_says_how_to_go_on(
    number: int, exit_code: int, inputs: Path, undisturbed: dict[str, bytes], tmp_path: Path, start: Start
) -> None:
    out = tmp_path / "out.parquet"
    run = start(*arguments(inputs, out))
    wait_for_a_part(run, tmp_path / "out.parquet.parts")
    run.send_signal(number)
    run.send_signal(signal.SIGCONT)
    _, error = run.communicate()
    assert run.returncode == exit_code
    last = error.splitlines()[-1]
    assert last.startswith(f"enformer-vep: error: stopped by {signal.Signals(number).name}; ")
    assert last.endswith("use --resume to continue")
    assert not out.exists()
    assert main(arguments(inputs, out)) == 2  # an unfinished run is there
    assert main(arguments(inputs, out, "--resume")) == 0
    assert outputs(out) == undisturbed


def stop_half_way(start: Start, inputs: Path, out: Path) -> None:
    run = start(*arguments(inputs, out))
    wait_for_a_part(run, out.with_name(f"{out.name}.parts"))
    run.kill()
    run.communicate()


def test_resume_refuses_another_run(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture, start: Start) -> None:
    out = tmp_path / "out.parquet"
    stop_half_way(start, inputs, out)
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


def test_overwrite_begins_anew(inputs: Path, undisturbed: dict[str, bytes], tmp_path: Path, start: Start) -> None:
    out = tmp_path / "out.parquet"
    stop_half_way(start, inputs, out)
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


def test_death_amid_the_last_clean_up_costs_nothing(inputs: Path, tmp_path: Path, start: Start) -> None:
    out, work = tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    stop_half_way(start, inputs, out)
    kept = work.rename(tmp_path / "kept")
    assert main(arguments(inputs, out)) == 0
    kept.rename(work)  # all files are in place, some parts are not yet removed
    before = os.stat(out).st_mtime_ns
    assert main(arguments(inputs, out, "--resume")) == 0
    assert os.stat(out).st_mtime_ns == before
    assert not work.exists()


def test_a_reader_that_goes_away_leaves_nothing(inputs: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "enformer_vep", *arguments(inputs, Path("-"), "-q")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment)
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.close()
    error = run.stderr.read()
    run.stderr.close()
    assert run.wait() == 1
    assert error == b""
    assert list(tmp_path.iterdir()) == []


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


def test_a_removed_folder_is_one_line_and_exit_1(inputs: Path, tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    run = start(*arguments(inputs, folder / "out.parquet", "-q"))
    wait_for_a_part(run, folder / "out.parquet.parts")
    folder.rename(tmp_path / "elsewhere")
    run.send_signal(signal.SIGCONT)
    _, error = run.communicate()
    assert run.returncode == 1
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
    monkeypatch.setattr("enformer_vep.io.fasta.NUM_BLOCKS", 1)  # of a real genome most is not in memory
    write_part = WorkFolder.write_part

    def write_part_and_cut_the_fasta(self: WorkFolder, number: int, part: Part) -> None:
        write_part(self, number, part)
        os.truncate(fasta, 30_000)

    monkeypatch.setattr(WorkFolder, "write_part", write_part_and_cut_the_fasta)
    assert main(arguments(tmp_path, tmp_path / "out.parquet", "-q")) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{fasta}: chr2:1-20000" in error
    assert error.rstrip().endswith("use --resume to continue")
    assert list((tmp_path / "out.parquet.parts").glob("part-*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here; tests/io/test_parts.py injects the error instead")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_what_is_finished(
    inputs: Path, undisturbed: dict[str, bytes], small_disk: Path, start: Start
) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 490_000)
    out = small_disk / "out.parquet"
    run = start(*arguments(inputs, out, "-q"))
    _, error = run.communicate()
    assert run.returncode == 1
    assert "No space left on device" in error
    assert error.count("\n") == 1
    assert list((small_disk / "out.parquet.parts").glob("part-*"))
    assert not out.exists()
    filler.unlink()
    assert main(arguments(inputs, out, "--resume")) == 0
    assert outputs(out) == undisturbed


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("num_kills", [6, pytest.param(40, marks=pytest.mark.full)])
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
