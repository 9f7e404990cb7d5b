"""Stops a run cleanly at SIGINT (Ctrl-C) and SIGTERM."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from enformer_vep.errors import EnformerVepError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedError(EnformerVepError):
    """The run was asked to stop."""

    def __init__(self, signal_number: int) -> None:
        """Takes the signal; the exit code is the one that shells use, 130 for SIGINT and 143 for SIGTERM."""
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.exit_code = 128 + signal_number


class StopSignals:
    """Turns stop signals into StoppedError, but never in the middle of a write. Used in a `with` block."""

    def __init__(self) -> None:
        self._is_shielded = False
        self._pending: int | None = None
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        try:
            for number in STOP_SIGNALS:
                self._handlers[number] = signal.signal(number, self._handle)
        except ValueError:  # not the main thread: the caller has to handle signals
            self._handlers.clear()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Python ignores an exception that is raised in a finaliser (`__del__`), and TensorFlow has many of them. So the
        # signal is kept as well, and raised again after the next write.
        self._pending = number
        if not self._is_shielded:
            raise StoppedError(number)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Delays a signal that arrives within the block, or was lost before it, until the block has finished."""
        self._is_shielded = True
        try:
            yield
        finally:
            self._is_shielded = False
        if self._pending is not None:
            raise StoppedError(self._pending)
