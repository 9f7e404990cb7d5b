"""The head, computed one block of tracks at a time.

The last bits of a column of a matrix product may depend on how many columns there are and on its place among them. So
a head is always computed in the same blocks of neighbouring tracks, whichever are chosen: a track has the same bits
alone as among all, and only the blocks in which a track is chosen are multiplied.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from enformer_vep.model.arithmetic import in_turn

BLOCK_TRACKS = 128


class TrackBlocks:
    """The blocks of a head that hold the chosen tracks.

    Attributes:
      blocks: the tracks of each block, by their numbers in the head.
      num_tracks: tracks of all blocks together.
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
        self.num_tracks = sum(len(block) for block in self.blocks)
        place = {number: place for place, number in enumerate(number for block in self.blocks for number in block)}
        self._places = [place[number] for number in chosen]

    @property
    def computed(self) -> tuple[range, ...]:
        """What `compute` and `join` depend on: a key for the graphs that use these."""
        return tuple(self.blocks)

    @property
    def chosen(self) -> tuple[tuple[range, ...], tuple[int, ...]]:
        """What `choose` depends on as well: a key for the graphs that use it."""
        return self.computed, tuple(self._places)

    def compute(self, of_block: Callable[[range], tf.Tensor]) -> tf.Tensor:
        """Computes every block, one after another to hold the memory of one, and joins them along the last axis."""
        return self.join(in_turn(of_block, self.blocks))

    def join(self, of_blocks: Sequence[tf.Tensor]) -> tf.Tensor:
        """Puts the tracks of all blocks together, along the last axis."""
        return tf.concat(of_blocks, axis=-1) if len(of_blocks) > 1 else of_blocks[0]

    def split(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Takes apart what `join` put together."""
        parts: list[tf.Tensor] = tf.split(x, [len(block) for block in self.blocks], axis=-1)
        return parts

    def choose(self, x: tf.Tensor) -> tf.Tensor:
        """Takes the chosen tracks from those of all blocks, in the order wanted, along the last axis."""
        return x if self._places == list(range(self.num_tracks)) else tf.gather(x, self._places, axis=-1)
