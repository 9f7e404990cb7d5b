import dataclasses

import pytest

from enformer_vep.model.config import OFFICIAL_CONFIG, EnformerConfig
from tests.support import SMALL_CONFIG, TINY_CONFIG


def test_official_sizes() -> None:
    assert OFFICIAL_CONFIG.tower_widths == (768, 896, 1024, 1152, 1280, 1536)
    assert OFFICIAL_CONFIG.value_size == 192
    assert dict(OFFICIAL_CONFIG.heads) == {"human": 5313, "mouse": 1643}
    assert OFFICIAL_CONFIG.geometry.num_tower_bins == 1536
    assert OFFICIAL_CONFIG.geometry.bin_size_bp == 128


def test_widths_are_rounded_as_numpy_rounds() -> None:
    assert SMALL_CONFIG.tower_widths == (256, 256, 256, 256, 384, 384)  # 192 / 128 = 1.5 goes to the even 2


@pytest.mark.parametrize("config", [OFFICIAL_CONFIG, SMALL_CONFIG, TINY_CONFIG])
def test_a_config_is_what_its_dict_says(config: EnformerConfig) -> None:
    assert EnformerConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 100}, "multiple of 6 times num_heads"),
        ({"channels": 0}, "channels must be at least 1, got 0"),
        ({"num_heads": 5}, "num_heads 5"),
        ({"pooling_type": "mean"}, "'mean'"),
        ({"stem_width": 14}, "stem_width must be odd and positive, got 14"),
        ({"heads": {}}, "at least one head"),
        ({"heads": {"human": 0}}, "at least one track"),
        ({"dropout_rate": 1.0}, r"dropout_rate must be in \[0, 1\), got 1.0"),
        ({"num_transformer_layers": -1}, "got -1"),
        ({"width_multiple": 1000}, "width_multiple 1000"),
        ({"sequence_length_bp": 1000}, "multiple of two bins"),
        ({"num_bins": 3}, "same crop"),
    ],
)
def test_unusable_sizes_are_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(OFFICIAL_CONFIG, **change)


def test_unknown_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown sizes depth"):
        EnformerConfig.from_dict({"depth": 3})


def test_heads_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        OFFICIAL_CONFIG.heads["fly"] = 3  # type: ignore[index]
