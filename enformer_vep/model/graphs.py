"""The traced graphs of a model, which all that run the model share.

To trace a graph takes longer than to run a small model, and seconds at the official size. So what runs a model does not
make its TensorFlow functions itself: it asks the model for them by a key. The second engine with the same settings gets
the functions of the first, and they are not traced again.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

from cachetools import LRUCache

Functions = TypeVar("Functions")

MAX_KEPT = 64
"""TensorFlow functions that are kept: those of some twelve engines with settings of their own."""


class Graphs:
    """Keeps the TensorFlow functions of a model that were asked for latest.

    A function may depend on its key and its arguments, and read the model's variables, whose values are those at each
    call. It must hold nothing else: no counter, no cache, and no tensor that was computed from variables.
    """

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        """Starts with none.

        Args:
          max_kept: how many are kept; the one that was not asked for longest is dropped.
        """
        self._kept: LRUCache[Hashable, object] = LRUCache(max_kept)
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Functions]) -> Functions:
        """Returns the functions of a key.

        Args:
          key: all that they depend on besides the model, beginning with a name of their own.
          make: makes them if none with this key are kept.
        """
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return cast("Functions", self._kept[key])
