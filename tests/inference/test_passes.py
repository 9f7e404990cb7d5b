import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.inference.passes import BLOCK_TRACKS, TrackBlocks


@given(data=st.data(), num_tracks=st.integers(1, 600))
def test_every_chosen_track_is_found_at_the_same_place_of_the_same_block(data: st.DataObject, num_tracks: int) -> None:
    chosen = data.draw(st.lists(st.integers(0, num_tracks - 1), min_size=1, unique=True))
    blocks = TrackBlocks(num_tracks, chosen)
    whole = TrackBlocks(num_tracks)
    assert set(map(tuple, blocks.blocks)) <= set(map(tuple, whole.blocks))
    assert all(set(block) & set(chosen) for block in blocks.blocks)  # no block is multiplied in vain
    joined = blocks.join([tf.constant([block], tf.int32) for block in map(list, blocks.blocks)])
    assert joined.shape == (1, blocks.num_tracks)
    assert blocks.choose(joined).numpy().tolist() == [chosen]
    assert [part.numpy().tolist() for part in blocks.split(joined)] == [[list(block)] for block in blocks.blocks]


def test_a_whole_head_is_all_blocks_in_order() -> None:
    blocks = TrackBlocks(5313).blocks
    assert [number for block in blocks for number in block] == list(range(5313))
    assert [len(block) for block in blocks] == [BLOCK_TRACKS] * 41 + [65]


@pytest.mark.parametrize("number", [-1, 5])
def test_a_track_that_is_none_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"0 to 4, got {number}"):
        TrackBlocks(5, [0, number])
