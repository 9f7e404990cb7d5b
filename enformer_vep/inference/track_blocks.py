"""The head, computed one block of tracks at a time, and the sums of its predictions.

The last bits of a column of a matrix product may depend on how many columns there are and on its place among them. So
a head is always computed in the same blocks of neighbouring tracks, whichever are chosen: a track has the same bits
alone as among all, and only the blocks in which a track is chosen are multiplied.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from enformer_vep.model.arithmetic import in_turn

BLOCK_TRACKS = 128

Sums = tuple[tf.Tensor, tf.Tensor]
"""Of a prediction x over bins: the sums of x and of log2(1 + x), float64 [B, tracks] each."""


class TrackBlocks:
    """The blocks of a head that hold the chosen tracks.

    Attributes:
      blocks: the tracks of each block, by their numbers in the head.
    """

    def __init__(self, num_tracks: int, chosen: Sequence[int] | None = None) -> None:
        """Divides a head.

        Args:
          num_tracks: tracks of the head.
          chosen: numbers of the tracks that are wanted, in the order wanted; all by default.

        Raises:
          ValueError: a number is not a track of the head.
        """
        chosen = range(num_tracks) if chosen is None else chosen
        if unknown := [number for number in chosen if not 0 <= number < num_tracks]:
            raise ValueError(f"a track of this head must be a number from 0 to {num_tracks - 1}, got {unknown[0]}")
        starts = sorted({number - number % BLOCK_TRACKS for number in chosen})
        self.blocks = [range(start, min(start + BLOCK_TRACKS, num_tracks)) for start in starts]
        place = {number: place for place, number in enumerate(number for block in self.blocks for number in block)}
        self._places = [place[number] for number in chosen]

    def sum(self, of_block: Callable[[range], Sums]) -> Sums:
        """Computes the sums of every block, one after another to hold the memory of one, and joins them."""
        return self.join(in_turn(of_block, self.blocks))

    def join(self, sums: Sequence[Sums]) -> Sums:
        """Puts the sums of all blocks together, and takes those of the chosen tracks, in their order."""
        total, log2_total = (tf.concat(parts, axis=1) for parts in zip(*sums, strict=True))
        return tf.gather(total, self._places, axis=1), tf.gather(log2_total, self._places, axis=1)


def sum_bins(x: tf.Tensor) -> Sums:
    """Sums of x and of log2(1 + x) over bins: float32 [B, bins, tracks] to float64 [B, tracks] each."""
    return _sum(x), _sum(tf.math.log1p(x) / tf.math.log(2.0))


def sum_differences(x: tf.Tensor, d: tf.Tensor) -> Sums:
    """`sum_bins` of x + d minus that of x, for float32 [B, bins, tracks]."""
    return _sum(d), _sum(tf.math.log1p(d / (1.0 + x)) / tf.math.log(2.0))


def _sum(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(x, tf.float64), axis=1)
