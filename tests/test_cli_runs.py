"""What a run tells its user and takes from its surroundings: last line, progress, log, pipes, environment."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from enformer_vep.cli import main


def test_score_says_what_it_did_in_a_last_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second, last = captured.err.splitlines()
    assert "not the published Enformer" in first
    assert "without --track-table, tracks are named by head and number: human_0 to human_4" in second
    assert last.startswith("enformer-vep: scored 5 of 6 alleles in ")
    assert "s per allele); skipped 1 (1 symbolic_alt), see " in last
    assert last.endswith(f"results: {tmp_path / 'out.tsv'}")


@pytest.mark.usefixtures("tiny_demo")
def test_quiet_is_silent(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([*arguments, "--quiet"]) == 0
    assert main([*arguments, "--quiet", "-m", "demo", "-o", str(tmp_path / "demo.tsv")]) == 0
    assert capsys.readouterr() == ("", "")
    assert main([*arguments, "-m", "demo", "-o", str(tmp_path / "again.tsv")]) == 0
    assert "mean nothing biologically" in capsys.readouterr().err  # which is a notice


def test_quiet_does_not_silence_a_selection_of_nothing(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main([*arguments, "-q", "--region", "chr1:1-2"]) == 0
    assert capsys.readouterr().err.endswith(" is within --region chr1:1-2: the output is empty\n")


def test_lines_of_progress_where_there_is_no_terminal(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("enformer_vep.run.progress.INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr("enformer_vep.run.progress._POLL_SECONDS", 0.01)
    assert main(arguments) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("enformer-vep: preparing, ") for line in lines)
    assert any(" of 6 alleles done (" in line for line in lines)
    assert lines[-1].startswith("enformer-vep: scored 5 of 6 alleles in ")


def test_a_progress_bar_on_a_terminal_alone(arguments: list[str], tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    completed = subprocess.run([sys.executable, "-m", "enformer_vep", *arguments], stderr=follower, check=False)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the terminal is closed
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    assert completed.returncode == 0
    assert b"6/6" in shown
    assert b"alleles" in shown


def test_the_json_log_of_a_run(arguments: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    assert main([*arguments, "-q", "--log-json", str(log)]) == 0
    assert main([*arguments, "-q", "--log-json", str(log)]) == 2
    started, finished, failed = (json.loads(line) for line in log.read_text().splitlines())
    assert (started["event"], started["done"], started["total"]) == ("started", 0, 6)
    assert (finished["event"], finished["done"], finished["scored"], finished["skipped"]) == ("finished", 6, 5, 1)
    assert (failed["event"], failed["exit_code"]) == ("failed", 2)
    assert "exists" in failed["message"]


def test_environment_variables_stand_for_options(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcf = tmp_path / "mine.vcf"
    vcf.write_bytes((inputs / "input.vcf").read_bytes())
    monkeypatch.setenv("ENFORMER_VEP_FASTA", str(inputs / "genome.fa"))
    monkeypatch.setenv("ENFORMER_VEP_MODEL", str(inputs / "model"))
    assert main(["score", str(vcf)]) == 0
    assert (tmp_path / "mine.model.parquet").exists()


def test_standard_input_to_standard_output(inputs: Path, tmp_path: Path) -> None:
    options = ["-f", str(inputs / "genome.fa"), "-m", str(inputs / "model"), "--tracks", "0"]
    completed = subprocess.run(
        [sys.executable, "-m", "enformer_vep", "score", "-", *options, "-o", "-"],
        input=(inputs / "input.vcf").read_text(),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    lines = completed.stdout.splitlines()
    assert lines[0] == "chrom\tpos\tid\tref\talt\trecord\tallele\tSAD:human_0"
    assert [line.split("\t")[1] for line in lines[1:]] == ["2000", "2001", "2002", "2003", "2004"]
    assert (tmp_path / "stdin.model.tsv.skipped.tsv").exists()
