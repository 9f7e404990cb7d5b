"""The engine that computes only what a variant changes, and nothing that is known already.

The tower of a reference window is put together from tiles that neighbouring windows share, and that of an alternate
from its reference's tower and a patch around the variant. Every sequence then takes its own pass through the
transformer, which mixes all positions; in low precision, the pass of an alternate is that of its difference from the
reference.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence

import tensorflow as tf

from enformer_vep.genome.variant import Interval
from enformer_vep.genome.windows import Placement
from enformer_vep.inference.batches import Result, in_order
from enformer_vep.inference.device import BFLOAT16_PRECISIONS, DEFAULT_CACHE_BYTES, PRECISIONS
from enformer_vep.inference.engine import AllelePair, AllelePredictions, EngineCounts, FetchCodes
from enformer_vep.inference.full import NUM_RECENT_REFERENCES
from enformer_vep.inference.passes import DifferencePasses, Passes, PlainPasses
from enformer_vep.inference.towers import Towers, find_change
from enformer_vep.model.arithmetic import Arithmetic
from enformer_vep.model.enformer import Enformer

"""Memory for reference towers: the bins of 14 windows at the official size."""

NUM_EXACT_BLOCKS = 3
"""With precision bfloat16, the first blocks of a reference's tower that are still float32, including the stem.

All later blocks amplify the rounding of these: with float32 here, the error of a deletion's SAD falls from 7% to 4%.
The bins in which variants can lie are float32 too, as alternates' differences are propagated from there: this alone
reduces the error of an SNV's SAD from 9% to 4%.
"""


class ReusingEngine:
    """Runs each distinct reference window once, from shared tiles, and each alternate from its patch.

    Pairs whose windows are equal or overlap cost least if they follow one another.
    """

    def __init__(
        self,
        model: Enformer,
        head: str,
        fetch: FetchCodes,
        *,
        tracks: Sequence[int] | None = None,
        batch_size: int = 1,
        precision: str = "float32",
        placement: Placement | None = None,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        is_fused: bool = True,
    ) -> None:
        """Prepares the model; graphs are built when they first run.

        Args:
          model: the model, on the device that is to run it.
          head: the head to predict.
          fetch: returns the codes of the reference genome of the pairs.
          tracks: indices of the head's tracks, in the order wanted; all by default.
          batch_size: sequences that are run through the transformer at a time.
          precision: float32, or tf32 if the device was prepared for it; mixed for alternates as differences with
            bfloat16 products; bfloat16 for the references' towers and passes in bfloat16 too.
          placement: how the pairs' windows are placed; centred by default.
          cache_bytes: bytes of reference towers that are kept.
          is_fused: whether elementwise steps are compiled, which pays on CPU.

        Raises:
          ValueError: batch_size is not positive, cache_bytes is negative, or the precision is unknown.
          EnformerVepError: the window is too short; from `predict`, the device's memory is too small for any batch.
        """
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
        exact, rounded = Arithmetic(tf.float32, is_fused), Arithmetic(tf.bfloat16, is_fused)
        is_low = precision == "bfloat16"
        num_blocks = 1 + len(model.tower_blocks)
        num_exact = NUM_EXACT_BLOCKS if is_low else num_blocks
        self._towers = Towers(
            model,
            fetch,
            cache_bytes=cache_bytes,
            tiles=[exact] * num_exact + [rounded] * (num_blocks - num_exact),
            patches=exact,
            patched_offsets=(placement or Placement()).offsets(model.config.geometry) if is_low else range(0),
        )
        self._recent: OrderedDict[Interval, Result] = OrderedDict()
        self._passes: Passes
        if precision in BFLOAT16_PRECISIONS:
            self._passes = DifferencePasses(
                model,
                head,
                self._towers,
                tracks=tracks,
                batch_size=batch_size,
                references=rounded if is_low else exact,
                differences=rounded,
            )
        else:
            self._passes = PlainPasses(model, head, self._towers, tracks=tracks, batch_size=batch_size, chosen=exact)

    def predict(self, pairs: Iterable[AllelePair]) -> Iterator[AllelePredictions]:
        """Yields the predictions of each pair, in the order of the pairs."""
        unfinished: deque[tuple[Result, Result]] = deque()
        for pair in pairs:
            reference = self._reference_result(pair)
            change = find_change(pair)
            alternate = self._passes.alternate(pair, change) if change else reference
            unfinished.append((reference, alternate))
            yield from in_order(unfinished)
        self._passes.flush()
        yield from in_order(unfinished)

    def counts(self) -> EngineCounts:
        """Returns the work done so far."""
        towers = self._towers
        return EngineCounts(
            self._passes.num_run, towers.num_bins_computed, towers.num_bins_reused, self._passes.batch_size
        )

    @property
    def num_traces(self) -> int:
        """Graphs that were built so far."""
        functions = (*self._towers.functions, *self._passes.functions)
        return sum(function.experimental_get_tracing_count() for function in functions)

    def _reference_result(self, pair: AllelePair) -> Result:
        interval = pair.window.interval
        if interval not in self._recent:
            self._recent[interval] = self._passes.reference(pair)
            if len(self._recent) > NUM_RECENT_REFERENCES:
                self._recent.popitem(last=False)
        self._recent.move_to_end(interval)
        return self._recent[interval]
