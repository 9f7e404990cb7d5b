"""Shows how far a download or a conversion is, as a bar on a terminal and not at all elsewhere."""

import sys
from types import TracebackType
from typing import Any


class ByteBar:
    """A progress bar that counts bytes. Used in a `with` block."""

    def __init__(self, name: str, *, is_quiet: bool) -> None:
        """Prepares a bar.

        Args:
          name: what is shown before it.
          is_quiet: whether nothing is shown, even on a terminal.
        """
        self._name = name
        self._is_shown = not is_quiet and sys.stderr.isatty()
        self._bar: Any = None

    def at(self, done: int, total: int | None) -> None:
        """Shows how many bytes are done, of how many."""
        if not self._is_shown:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self._name,
                total=total,
                initial=done,
                unit="B",
                unit_scale=True,
                dynamic_ncols=True,
                file=sys.stderr,
            )
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> "ByteBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
