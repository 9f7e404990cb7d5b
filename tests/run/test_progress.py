"""Progress as it is reported, and signals that ask a run to stop."""

import json
import logging
import os
import signal
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from enformer_vep.errors import EnformerVepError, OutputError
from enformer_vep.run import progress as progress_module
from enformer_vep.run.progress import Progress, StoppedError, StopSignals


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has notices caught, and the thread asleep: the tests tick themselves."""
    logger = logging.getLogger("enformer_vep")
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(progress_module, "_POLL_SECONDS", 3600)
    caplog.set_level(logging.INFO, "enformer_vep")


def events(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_a_minute_without_a_terminal(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture) -> None:
    clock = Clock()
    with Progress(is_terminal=False, clock=clock) as progress:
        clock.seconds += 300
        progress.tick()
        assert caplog.messages[0] == "preparing, 5 min so far"
        caplog.clear()
        progress.start(5000, num_earlier=1000)
        progress.tick()
        assert caplog.messages == []
        clock.seconds += 60
        progress.tick()
        progress.tick()
        clock.seconds += 60
        progress.done(2)
        progress.tick()
        clock.seconds += 120
        progress.done(1498)
        progress.tick()
        clock.seconds += 59
        progress.begin("writing")
        progress.tick()
        clock.seconds += 1
        progress.tick()
    assert caplog.messages == [
        "1,000 of 5,000 alleles done (20%) in 1 min",
        "1,002 of 5,000 alleles done (20%), 60 per hour, 2 d 18 h left",  # 2 in 2 minutes, 3,998 left
        "2,500 of 5,000 alleles done (50%), 6.25 per second, 7 min left",  # 1,500 in 4 minutes
        "2,500 of 5,000 alleles done (50%), writing",
    ]
    assert capsys.readouterr().err == ""


def test_the_first_line_comes_though_no_allele_is_done(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(progress_module, "INTERVAL_SECONDS", 0.001)
    with Progress(is_terminal=False) as progress:
        progress.start(7)
        for _ in range(12_000):
            if found := [message for message in caplog.messages if not message.startswith("preparing")]:
                break  # the thread may have told of the preparation before the start
            time.sleep(0.005)
    assert found[0].startswith("0 of 7 alleles done (0%) in ")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_quiet_silences_bar_and_lines(
    is_terminal: bool, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture
) -> None:
    clock = Clock()
    with Progress(is_terminal=is_terminal, is_quiet=True, clock=clock) as progress:
        progress.start(3)
        progress.done()
        clock.seconds += 100
        progress.tick()
    assert (caplog.messages, capsys.readouterr().err) == ([], "")


def test_a_bar_on_a_terminal(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture) -> None:
    clock = Clock()
    with Progress(is_terminal=True, clock=clock) as progress:
        progress.start(4, num_earlier=1)
        progress.done(3)
        clock.seconds += 100
        progress.tick()
    assert "4/4" in capsys.readouterr().err
    assert caplog.messages == []


def test_the_json_log(tmp_path: Path) -> None:
    path, clock = tmp_path / "log.jsonl", Clock()
    with Progress(log_json=str(path), is_quiet=True, clock=clock) as progress:
        progress.start(10, num_earlier=2)
        clock.seconds += 80
        progress.done(4)
        progress.tick()
        progress.done(4)
        progress.begin("writing")
        clock.seconds += 1000
        progress.finish(9, 1)
    found = events(path)
    for event in found:
        at = datetime.fromisoformat(event.pop("time"))
        assert at.utcoffset() == timedelta(0)
        assert abs(datetime.now(timezone.utc) - at) < timedelta(minutes=1)
    assert found == [
        {"event": "started", "done": 2, "total": 10, "alleles_per_second": None, "seconds_left": None},
        {
            "event": "progress",
            "done": 6,
            "total": 10,
            "alleles_per_second": 0.05,
            "seconds_left": 80,
            "stage": "scoring",
        },
        {
            "event": "finished",
            "done": 10,
            "total": 10,
            "alleles_per_second": 0.1,
            "seconds_left": 0,
            "scored": 9,
            "skipped": 1,
        },
    ]


def test_the_json_log_tells_a_failure_and_keeps_what_was_in_it(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"event": "failed"}\n')
    with pytest.raises(EnformerVepError), Progress(log_json=str(path)):
        raise EnformerVepError("no power")
    first, second = events(path)
    assert first == {"event": "failed"}
    assert (second["event"], second["message"], second["exit_code"]) == ("failed", "no power", 1)


def test_a_log_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OutputError, match=r"cannot write the log .*none/log: No such file or directory"):
        Progress(log_json=str(tmp_path / "none" / "log")).__enter__()
    if Path("/dev/full").exists():
        with Progress(log_json="/dev/full", is_quiet=True) as progress:
            progress.start(1)
            progress.finish(1, 0)
        assert caplog.messages == [
            "the run continues without the log /dev/full, which can no longer be written: No space left on device"
        ]


def test_a_signal_within_a_write_waits_for_its_end() -> None:
    written = []
    with StopSignals() as signals, pytest.raises(StoppedError, match="stopped by SIGTERM"), signals.shielded():
        os.kill(os.getpid(), signal.SIGTERM)
        written.append("whole")
    assert written == ["whole"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_a_finaliser_swallows_stops_the_run_after_the_next_write() -> None:
    class Finalised:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    written = []
    with StopSignals() as signals:
        Finalised()  # the exception that the handler raises is ignored here
        with pytest.raises(StoppedError) as stopped, signals.shielded():
            written.append("whole")
    assert stopped.value.exit_code == 143
    assert written == ["whole"]


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopSignals():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
