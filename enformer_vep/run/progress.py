"""Reports the progress of a run, and stops it cleanly at SIGINT (Ctrl-C) and SIGTERM.

Progress is a bar on a terminal, a line per minute elsewhere, and a log for other programs.
"""

import json
import logging
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from types import FrameType, TracebackType
from typing import Any, BinaryIO

from enformer_vep.errors import EnformerVepError, OutputError

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 60.0
"""Between two lines."""

_POLL_SECONDS = 1.0

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Progress:
    """Reports how many alleles or windows of a run are done. Used in a `with` block, whose failure is reported too.

    Lines go to the program's log, as notices; the JSON log gets one object per line, with the events `started`,
    `progress`, `finished` and `failed`.
    """

    def __init__(
        self,
        *,
        log_json: str | None = None,
        is_quiet: bool = False,
        is_terminal: bool | None = None,
        unit: str = "alleles",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Chooses where progress is reported.

        Args:
          log_json: the file to which the JSON log is appended; None for no such log.
          is_quiet: whether neither a bar nor lines are shown.
          is_terminal: whether to show a bar instead of lines; by default, whether standard error is a terminal.
          unit: what is counted, in the plural.
          clock: returns seconds, which never decrease.
        """
        self._unit = unit
        self._path = log_json
        is_terminal = sys.stderr.isatty() if is_terminal is None else is_terminal
        self._has_bar = is_terminal and not is_quiet
        self._has_lines = not is_terminal and not is_quiet
        self._clock = clock
        self._log: BinaryIO | None = None
        self._bar: Any = None
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()
        self._stage = "preparing"
        self._total: int | None = None
        self._num_earlier = self._num_done = 0
        self._begun = clock()
        self._next = self._begun + INTERVAL_SECONDS
        self._scored: float | None = None

    def __enter__(self) -> "Progress":
        """Opens the log and starts reporting, since reading a large input takes minutes.

        Raises:
          OutputError: the log cannot be written.
        """
        if self._path is not None:
            try:
                self._log = open(self._path, "ab", buffering=0)
            except OSError as error:
                raise OutputError(f"cannot write the log {self._path}: {error.strerror}") from error
        if self._has_lines or self._log is not None:
            self._thread = threading.Thread(target=self._keep_telling, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
        if self._bar is not None:
            self._bar.close()
        if error is not None:
            self._tell("failed", message=str(error) or type(error).__name__, exit_code=getattr(error, "exit_code", 1))
        if self._log is not None:
            self._log.close()

    def start(self, total: int, num_earlier: int = 0) -> None:
        """Starts to count.

        Args:
          total: alleles of the run.
          num_earlier: alleles that an earlier run has finished.
        """
        self._stage = "scoring"
        self._total, self._num_earlier, self._num_done = total, num_earlier, num_earlier
        self._begun = self._clock()
        self._tell("started")
        if self._has_bar:
            self._bar = _bar_type()(total=total, initial=num_earlier, unit=f" {self._unit}", file=sys.stderr)

    def done(self, num: int = 1) -> None:
        """Counts alleles that were scored or skipped."""
        self._num_done += num
        if self._bar is not None:
            self._bar.update(num)

    def begin(self, stage: str) -> None:
        """Starts a stage that follows scoring: 'verifying' or 'writing'."""
        if self._scored is None:
            self._scored = self._clock()
        self._stage = stage
        if self._bar is not None:
            self._bar.close()

    def finish(self, num_scored: int, num_skipped: int) -> None:
        """Writes the result of the run to the log."""
        self._tell("finished", scored=num_scored, skipped=num_skipped)

    def tick(self) -> None:
        """Reports progress if a minute has passed since the last report."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + INTERVAL_SECONDS
        if self._has_lines:
            logger.info("%s", str(self))
        self._tell("progress", stage=self._stage)

    def _keep_telling(self) -> None:
        while not self._is_over.wait(_POLL_SECONDS):
            self.tick()

    def __str__(self) -> str:
        if self._total is None:
            return f"preparing, {duration(self._clock() - self._begun)} so far"
        share = self._num_done / self._total if self._total else 1
        text = f"{self._num_done:,} of {self._total:,} {self._unit} done ({int(100 * share)}%)"
        if self._stage != "scoring":
            return f"{text}, {self._stage}"
        if not self._rate:
            return f"{text} in {duration(self._clock() - self._begun)}"
        rate = f"{self._rate:.3g} per second" if self._rate >= 1 else f"{3600 * self._rate:,.0f} per hour"
        return f"{text}, {rate}, {duration(self._seconds_left or 0)} left"

    @property
    def _rate(self) -> float | None:
        """Alleles per second of this run, None before the first."""
        seconds = (self._scored or self._clock()) - self._begun
        num_new = self._num_done - self._num_earlier
        return num_new / seconds if num_new and seconds else None

    @property
    def _seconds_left(self) -> float | None:
        return (self._total - self._num_done) / self._rate if self._total and self._rate else None

    def _tell(self, event: str, **more: Any) -> None:
        if self._log is None:
            return
        rate, left = self._rate, self._seconds_left
        line = {
            "event": event,
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "done": self._num_done,
            "total": self._total,
            "alleles_per_second": rate if rate is None else round(rate, 6),
            "seconds_left": left if left is None else round(left),
        }
        try:
            self._log.write((json.dumps(line | more) + "\n").encode())  # one write, or two threads' lines would mix
        except OSError as error:
            logger.warning(
                "the run continues without the log %s, which can no longer be written: %s", self._path, error.strerror
            )
            self._log.close()
            self._log = None


def notebook_progress(unit: str, *, is_wanted: bool | None) -> Progress:
    """Returns a bar; or nothing to be seen, if none is wanted, or by default if nobody is looking."""
    is_shown = is_interactive() if is_wanted is None else is_wanted
    return Progress(is_quiet=not is_shown, is_terminal=True, unit=unit)


def is_interactive() -> bool:
    """Returns whether somebody is looking: on a terminal, or in a notebook."""
    return _is_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def _is_notebook() -> bool:
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and hasattr(get_ipython(), "kernel")


def _bar_type() -> Any:
    """Returns tqdm's bar for a notebook or a terminal."""
    if not _is_notebook():
        from tqdm import tqdm

        return tqdm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets, it is the same bar as on a terminal
        from tqdm.auto import tqdm as notebook_tqdm
    return notebook_tqdm


def duration(seconds: float) -> str:
    """Writes a time with its two largest units: '2 d 3 h', '8 h 20 min', '12 min', '40 s'."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} d {minutes % (24 * 60) // 60} h"


class StoppedError(EnformerVepError):
    """The run was asked to stop."""

    def __init__(self, signal_number: int) -> None:
        """Chooses the exit code as shells do: 130 for SIGINT and 143 for SIGTERM."""
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
