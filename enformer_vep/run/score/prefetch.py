"""Draws items in a thread before they are needed."""

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")

POLL_SECONDS = 0.1


class _Failure(Generic[Item]):
    def __init__(self, error: BaseException) -> None:
        self.error = error


class _End:
    pass


def read_ahead(items: Iterable[Item], num_ahead: int) -> Iterator[Item]:
    """Yields the items in their order, while a thread draws the next ones.

    Args:
      items: the items, which only the thread draws.
      num_ahead: the largest number of items that wait.

    Raises:
      BaseException: whatever drawing an item raised, in place of the item. Closing the iterator stops the thread.
    """
    queue: Queue[Item | _Failure[Item] | _End] = Queue(maxsize=num_ahead)
    is_over = Event()

    def put(item: Item | _Failure[Item] | _End) -> None:
        while not is_over.is_set():
            try:
                queue.put(item, timeout=POLL_SECONDS)
            except Full:
                continue
            return

    def draw() -> None:
        try:
            for item in items:
                put(item)
                if is_over.is_set():
                    return
            put(_End())
        except BaseException as error:
            put(_Failure(error))

    thread = Thread(target=draw, name="read_ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = queue.get(timeout=POLL_SECONDS)  # a signal is heeded between two attempts
            except Empty:
                continue
            if isinstance(item, _End):
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        is_over.set()
        thread.join()
