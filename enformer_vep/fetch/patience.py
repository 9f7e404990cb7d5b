"""How long a server is waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    Attributes:
      attempts: failures in a row, counted from the last that brought something new, after which the download fails.
      connect_seconds: until a connection stands.
      stall_seconds: without a byte, until a connection counts as dead.
      pause_seconds: before the second attempt. It doubles from there, up to `longest_pause_seconds`.
      longest_pause_seconds: the longest pause.
      sleep: waits for a number of seconds.
    """

    attempts: int = 5
    connect_seconds: float = 20
    stall_seconds: float = 60
    pause_seconds: float = 1
    longest_pause_seconds: float = 30
    sleep: Callable[[float], None] = time.sleep

    def pause(self, num_failures: int) -> float:
        """Returns the seconds to wait after failures in a row."""
        return min(self.pause_seconds * 2.0 ** (num_failures - 1), self.longest_pause_seconds)
