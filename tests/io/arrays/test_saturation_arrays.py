"""Effects by base and letter: the same whatever the blocks and the pieces in which alleles come, also from a disk."""

import json
from pathlib import Path

import numpy as np
import pytest

from enformer_vep.errors import InputError
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.genome.variant import Interval
from enformer_vep.io.arrays import saturation_arrays
from enformer_vep.io.arrays.saturation_arrays import (
    EffectArrays,
    EffectBlock,
    EffectBlocks,
    open_sink,
    read_described,
    saved_blocks,
)
from tests.support import ZARR, random_sequence

NUM_TRACKS = 3
SEQUENCE = random_sequence(9, seed=1) + "N" * 8 + random_sequence(7, seed=2)
SPANS = (Interval("a", 10, 18), Interval("b", 5, 19))
BASES = SaturatedBases({"a": 50, "b": 60}, SPANS, SPANS, (random_sequence(10, seed=3), SEQUENCE[:16]), 2)


@pytest.fixture(params=[1, 3, 8, 100])
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bases of a block; one base of three tracks takes 48 bytes."""
    monkeypatch.setattr(saturation_arrays, "BLOCK_BYTES", 48 * request.param)
    return request.param


def alleles() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All alleles: records, numbers in them, and scores that differ."""
    places = [(record, number) for record, change in enumerate(BASES.changes()) for number in range(len(change.alts))]
    records, numbers = np.array(places).T
    return records, numbers + 1, np.random.default_rng(1).normal(size=(len(places), NUM_TRACKS)).astype(np.float32)


def by_hand() -> tuple[np.ndarray, np.ndarray]:
    """Effects and deletions, filled one by one."""
    effects = np.full((BASES.num_bases, 4, NUM_TRACKS), np.nan, dtype=np.float32)
    deletions = np.full((BASES.num_bases, 2, NUM_TRACKS), np.nan, dtype=np.float32)
    scores = iter(alleles()[2])
    for change in BASES.changes():
        if change.deleted_bp:
            deletions[change.place, change.deleted_bp - 1] = next(scores)
            continue
        effects[change.place, "ACGT".index(change.ref)] = 0
        for alt in change.alts:
            effects[change.place, "ACGT".index(alt)] = next(scores)
    return effects, deletions


def filled(piece: int) -> list[EffectBlock]:
    """The blocks, from alleles that come in pieces of one size."""
    blocks = EffectBlocks(BASES, NUM_TRACKS)
    found = []
    records, numbers, scores = alleles()
    for start in range(0, len(records), piece):
        some = slice(start, start + piece)
        found += blocks.add(records[some], numbers[some], scores[some])
    return [*found, *blocks.finish()]


def check(blocks: list[EffectBlock], block_size: int, tracks: slice = slice(None)) -> None:
    assert [block.start for block in blocks] == list(range(0, BASES.num_bases, block_size))
    effects, deletions = by_hand()
    np.testing.assert_array_equal(np.concatenate([block.effects for block in blocks]), effects[..., tracks])
    np.testing.assert_array_equal(np.concatenate([block.deletions for block in blocks]), deletions[..., tracks])


@pytest.mark.parametrize("piece", [1, 4, 1000])
def test_blocks_are_the_same_whatever_the_pieces(block_size: int, piece: int) -> None:
    check(filled(piece), block_size)


def test_no_alleles_are_blocks_of_nothing(block_size: int) -> None:
    blocks = EffectBlocks(BASES, NUM_TRACKS)
    assert list(blocks.add(*(values[:0] for values in alleles()))) == []
    effects = np.concatenate([block.effects for block in blocks.finish()])
    np.testing.assert_array_equal((effects == 0).sum(axis=(1, 2)), NUM_TRACKS * (BASES.codes != 4))
    assert np.isnan(effects[effects != 0]).all()


def test_alleles_out_of_order_or_unknown_are_refused() -> None:
    records, numbers, scores = (values[:4] for values in alleles())
    with pytest.raises(ValueError, match="in the order of their bases"):
        list(EffectBlocks(BASES, NUM_TRACKS).add(np.array([8, 3, 1, 0]), numbers, scores))
    with pytest.raises(ValueError, match="expected records from 0 to"):
        list(EffectBlocks(BASES, NUM_TRACKS).add(records + 1000, numbers, scores))


@pytest.mark.parametrize("suffix", [".npz", ZARR])
def test_arrays_are_read_back_by_blocks(tmp_path: Path, block_size: int, suffix: str) -> None:
    path = tmp_path / f"made{suffix}"
    arrays = EffectArrays(BASES, "SAD", ["x", "y", "z"], {b"enformer_vep.run": b'{"head": "human"}'})
    write(path, arrays)
    described = read_described(path)
    assert (described["statistic"], described["mean_of"]) == ("SAD", None)
    assert described["enformer_vep.run"] == {"head": "human"}
    check(list(saved_blocks(path, arrays.shapes, [1, 2])), block_size, slice(1, 3))
    with pytest.raises(InputError, match=r"is damaged: .* has the shape"):
        list(saved_blocks(path, {"effects": (5, 4, NUM_TRACKS)}, [0]))


def write(path: Path, arrays: EffectArrays) -> None:
    if path.suffix == ".zarr":
        path.mkdir()
        fill(path, arrays)
        return
    with path.open("wb") as stream:
        fill(stream, arrays)


def fill(target: object, arrays: EffectArrays) -> None:
    sink = open_sink(target, arrays)  # type: ignore[arg-type]
    for block in filled(5):
        sink.put(block)
    sink.close()


def test_an_archive_is_numpys(tmp_path: Path) -> None:
    write(tmp_path / "made.npz", EffectArrays(BASES, "SAD", ["x", "y", "z"], {}))
    with (tmp_path / "made.npz").open("rb") as stream, np.load(stream) as found:
        assert found.files == ["effects", "deletions", "contig", "pos", "codes", "tracks", "attributes"]
        np.testing.assert_array_equal(found["effects"], by_hand()[0])
        np.testing.assert_array_equal(found["deletions"], by_hand()[1])
        assert json.loads(str(found["attributes"]))["kind"] == "enformer-vep saturation"
