"""Signals that ask a run to stop."""

import os
import signal

import pytest

from enformer_vep.run.signals import StoppedError, StopSignals


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
