import threading
import time
from collections.abc import Iterator

import pytest

from enformer_vep.run.score.placed import read_ahead


def test_items_come_in_order() -> None:
    assert list(read_ahead(iter(range(100)), 3)) == list(range(100))
    assert list(read_ahead([], 3)) == []


def test_the_next_items_are_drawn_while_one_is_used() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            drawn.append(item)
            yield item

    ahead = read_ahead(items(), 3)
    assert next(ahead) == 0
    for _ in range(6000):
        if len(drawn) == 5:  # the one that is used, three that wait, and one that waits to wait
            break
        time.sleep(0.01)
    assert len(drawn) == 5
    ahead.close()  # type: ignore[attr-defined]
    assert len(drawn) <= 6


def test_an_error_comes_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no such base")

    ahead = read_ahead(items(), 3)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="no such base"):
        next(ahead)


def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    ahead = read_ahead(iter(range(100)), 2)
    next(ahead)
    ahead.close()  # type: ignore[attr-defined]
    list(read_ahead(iter(range(5)), 2))
    assert set(threading.enumerate()) <= before  # others, such as a progress bar's, may end meanwhile
