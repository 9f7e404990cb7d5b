"""The sizes of an Enformer, as one frozen value."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from enformer_vep.genome.geometry import NUM_BINS, SEQUENCE_LENGTH_BP, Geometry

NUM_BASES = 4
"""Channels of a one_hot sequence."""

NUM_POSITION_CLASSES = 6
"""Three classes of relative position features, each once symmetric and once multiplied by the distance's sign."""

OFFICIAL_HEADS: Mapping[str, int] = MappingProxyType({"human": 5313, "mouse": 1643})


@dataclass(frozen=True)
class EnformerConfig:
    """Every size of an Enformer; the defaults are the official ones.

    Attributes:
      channels: C, the width of the transformer; the stem has C/2.
      num_transformer_layers: blocks of attention and mlp.
      num_heads: attention heads in each block. Values have C/num_heads features per head.
      key_size: features of queries and keys per head.
      heads: tracks of each output head by its name.
      sequence_length_bp: the input window.
      num_bins: bins that are predicted, after the crop.
      pooling_type: 'attention' or 'max'.
      stem_width: bases that the stem's convolution spans, odd.
      tower_width: positions that a conv_tower block's convolution spans, odd.
      num_tower_blocks: blocks of the conv_tower; each halves the resolution, as the stem does.
      width_multiple: conv_tower widths are rounded to a multiple of this.
      dropout_rate: in training, on the outputs of attention and inside the mlp.
      attention_dropout_rate: in training, on the attention weights.
      position_dropout_rate: in training, on the relative position features.
      pointwise_dropout_rate: in training, in final_pointwise.

    Raises:
      ValueError: a size cannot be used; the message names it and its value.
    """

    channels: int = 1536
    num_transformer_layers: int = 11
    num_heads: int = 8
    key_size: int = 64
    heads: Mapping[str, int] = field(default_factory=lambda: OFFICIAL_HEADS)
    sequence_length_bp: int = SEQUENCE_LENGTH_BP
    num_bins: int = NUM_BINS
    pooling_type: str = "attention"
    stem_width: int = 15
    tower_width: int = 5
    num_tower_blocks: int = 6
    width_multiple: int = 128
    dropout_rate: float = 0.4
    attention_dropout_rate: float = 0.05
    position_dropout_rate: float = 0.01
    pointwise_dropout_rate: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", MappingProxyType(dict(self.heads)))
        for name in ("channels", "num_heads", "key_size", "num_tower_blocks", "width_multiple"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.num_transformer_layers < 0:
            raise ValueError(f"num_transformer_layers must not be negative, got {self.num_transformer_layers}")
        if not self.heads or any(num_tracks < 1 for num_tracks in self.heads.values()):
            raise ValueError(f"heads must name at least one head, with at least one track each, got {dict(self.heads)}")
        if self.channels % 2:
            raise ValueError(f"channels must be even, got {self.channels}")
        if self.channels % (self.num_heads * NUM_POSITION_CLASSES):
            raise ValueError(
                f"channels must be a multiple of {NUM_POSITION_CLASSES} times num_heads, so that the position features "
                f"divide into {NUM_POSITION_CLASSES} classes; got channels {self.channels}, num_heads {self.num_heads}"
            )
        if self.pooling_type not in ("attention", "max"):
            raise ValueError(f"pooling_type must be 'attention' or 'max', got {self.pooling_type!r}")
        for name in ("stem_width", "tower_width"):
            if getattr(self, name) < 1 or getattr(self, name) % 2 == 0:
                raise ValueError(f"{name} must be odd and positive, got {getattr(self, name)}")
        for name in ("dropout_rate", "attention_dropout_rate", "position_dropout_rate", "pointwise_dropout_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if min(self.tower_widths) < 1 or self.tower_widths[-1] != self.channels:
            raise ValueError(
                f"channels {self.channels} with width_multiple {self.width_multiple} gives conv_tower widths "
                f"{self.tower_widths}; they must be positive and end with channels: choose a smaller width_multiple "
                "that divides channels"
            )
        _ = self.geometry  # validates window, bins and crop

    @property
    def stem_channels(self) -> int:
        """Width of the stem, C/2."""
        return self.channels // 2

    @property
    def value_size(self) -> int:
        """Features per head of the attention's values, and number of relative position features."""
        return self.channels // self.num_heads

    @property
    def tower_widths(self) -> tuple[int, ...]:
        """Widths of the conv_tower's blocks: geometric from C/2 to C, rounded to width_multiple as numpy rounds."""
        start, last = self.stem_channels, max(self.num_tower_blocks - 1, 1)
        growth = math.exp(math.log(self.channels / start) / last)
        if self.num_tower_blocks == 1:
            return (self.channels,)
        return tuple(
            int(np.round(start * growth**i / self.width_multiple) * self.width_multiple)
            for i in range(self.num_tower_blocks)
        )

    @property
    def geometry(self) -> Geometry:
        """The window's bins and crop."""
        return Geometry(self.sequence_length_bp, self.num_bins, bin_size_bp=2 ** (1 + self.num_tower_blocks))

    @property
    def tower_context_bp(self) -> int:
        """Bases on either side of a tower bin that it depends on (259 officially).

        Each block's convolution reaches half its width to both sides, in positions whose number the block then halves.
        """
        context = 0
        for width in (*[self.tower_width] * self.num_tower_blocks, self.stem_width):
            context = 2 * context + width // 2
        return context

    def to_dict(self) -> dict[str, Any]:
        """Returns the sizes as plain values, for JSON."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)} | {"heads": dict(self.heads)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EnformerConfig":
        """Returns the config that `to_dict` wrote.

        Raises:
          ValueError: an unknown name, or an unusable size.
        """
        unknown = sorted(set(values) - {f.name for f in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"unknown sizes {', '.join(unknown)}")
        return cls(**values)


OFFICIAL_CONFIG = EnformerConfig()
"""The published model."""
