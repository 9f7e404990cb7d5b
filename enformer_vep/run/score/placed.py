"""Variants on their way to an engine: placed in windows or refused, drawn ahead, and kept in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, NamedTuple, TypeVar

from enformer_vep.errors import EnformerVepError, SkipReason
from enformer_vep.genome.geometry import Geometry
from enformer_vep.genome.variant import Variant, check_alleles
from enformer_vep.genome.windows import Placement, Window, max_allele_bp
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.wording import plural

Item = TypeVar("Item")
Result = TypeVar("Result")

NUM_AHEAD = 8
"""Comparisons that are prepared while the device works."""

_POLL_SECONDS = 0.1


class Unscored(NamedTuple):
    """Why a variant has no scores: the reason, and a sentence."""

    reason: SkipReason
    detail: str


@dataclass(frozen=True)
class PlacedVariant:
    """A variant that can be scored, and its window. Sorted by `place`, neighbours share most of their work."""

    variant: Variant
    window: Window

    @property
    def place(self) -> tuple[str, int, int]:
        """Where on the genome the window and the variant begin."""
        return self.window.interval.contig, self.window.interval.start, self.variant.start


def place_variant(
    variant: Variant, placement: Placement, genome: Genome, geometry: Geometry
) -> PlacedVariant | Unscored:
    """Returns a variant with its window, or why the model cannot read it there, judged without the model.

    Raises:
      FastaReadError: the genome can no longer be read.
    """
    contig = genome.resolve(variant.chrom)
    window = placement.window(variant, contig or variant.chrom, geometry)
    problem = check_alleles(variant, max_allele_bp(window)) or genome.check_variant(variant, contig)
    return Unscored(*problem) if problem else PlacedVariant(variant, window)


def run_in_order(
    items: Iterable[Item | Unscored], run: Callable[[Iterator[Item]], Iterator[Result]]
) -> Iterator[tuple[Item, Result] | Unscored]:
    """Yields each item with its result, and each Unscored as it is, in the order of the items.

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
                queue.put(item, timeout=_POLL_SECONDS)
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
                item = queue.get(timeout=_POLL_SECONDS)  # a signal is heeded between two attempts
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
