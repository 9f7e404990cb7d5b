"""Runs what can be run, and keeps what cannot in its place."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from enformer_vep.errors import EnformerVepError
from enformer_vep.run.score.placed import Unscored
from enformer_vep.wording import plural

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_in_order(
    items: Iterable[Item | Unscored], run: Callable[[Iterator[Item]], Iterator[Result]]
) -> Iterator[tuple[Item, Result] | Unscored]:
    """Yields each item with its result, and what cannot be scored as it is, in their order.

    Args:
      items: drawn as `run` draws them, which may be in another thread and ahead of the results.
      run: yields one result for each of the items that it is given, in their order.

    Raises:
      EnformerVepError: there are fewer results than items.
    """
    drawn: deque[Item | Unscored] = deque()  # those that nothing was yielded for so far
    num_results = 0

    def wanted() -> Iterator[Item]:
        for item in items:
            drawn.append(item)
            if not isinstance(item, Unscored):
                yield item

    for result in run(wanted()):
        num_results += 1
        while isinstance(item := drawn.popleft(), Unscored):
            yield item
        yield item, result
    num_missing = sum(not isinstance(item, Unscored) for item in drawn)
    if num_missing:
        raise EnformerVepError(
            f"expected predictions for {plural(num_results + num_missing, 'allele')}, found {num_results}: please "
            "report this bug in enformer-vep"
        )
    yield from (item for item in drawn if isinstance(item, Unscored))
