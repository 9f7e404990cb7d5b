import pytest

from enformer_vep.genome.geometry import Geometry


def test_official_lengths() -> None:
    geometry = Geometry()
    assert geometry.num_tower_bins == 1536
    assert geometry.crop_bins == 320
    assert geometry.variant_offset_bp == 98_303


@pytest.mark.parametrize(
    ("offset_bp", "expected"),
    [
        (98_303, 447),  # 98,303 // 128 = 767, less 320: the variant stands on the last base of bin 447
        (98_304, 448),
        (40_960, 0),  # 320 * 128
        (40_959, None),
        (155_647, 895),  # (320 + 896) * 128 - 1
        (155_648, None),
        (0, None),
    ],
)
def test_bin_of(offset_bp: int, expected: int | None) -> None:
    assert Geometry().bin_of(offset_bp) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequence_length_bp": 1000}, "multiple of two bins"),
        ({"num_bins": 897}, "same crop"),
        ({"num_bins": 1538}, "at most 1536"),
        ({"num_bins": 0}, "at least 1"),
    ],
)
def test_unusable_lengths_are_named(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Geometry(**arguments)
